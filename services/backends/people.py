"""What is stored of people: which appearance is whose, and what was said of them, as plain values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from packs.spec import Modality
from services.backends.schemas import AppearanceKind

__all__ = ["Membership", "Operation", "OperationKind", "Spot"]


class OperationKind(StrEnum):
    """What kind of thing was said."""

    NAME = "name"
    MERGE = "merge"
    SPLIT = "split"
    CONFIRM = "confirm"
    REJECT = "reject"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an appearance is, in whole milliseconds, so that it is known again when its id has changed."""

    appearance_id: str
    video_id: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Operation:
    """One entry of a gallery's log.

    Attributes:
        gallery: The gallery.
        number: Consecutive in the gallery, from 1.
        kind: What was said.
        at: When, in Unix seconds.
        author: Who said it; may be empty.
        identity_ids: The identities that were named, by their ids at that time.
        groups: The appearances that it speaks of, by the role of each group: of CONFIRM and REJECT two of one each, of
            SPLIT what goes and what stays, of MERGE those of each identity, the one that keeps its id first.
        name: The name that was given, "" to take one away; None when it speaks of none.
        undoes: The number of the operation that an UNDO takes back.
    """

    gallery: str
    number: int
    kind: OperationKind
    at: float
    author: str = ""
    identity_ids: tuple[str, ...] = ()
    groups: tuple[tuple[Spot, ...], ...] = ()
    name: str | None = None
    undoes: int | None = None

    @property
    def spots(self) -> Iterator[Spot]:
        """The spots of all groups."""
        return (spot for group in self.groups for spot in group)

    def mentions(self, video_id: str) -> bool:
        """Whether it speaks of an appearance in a video."""
        return any(spot.video_id == video_id for spot in self.spots)

    def mentions_any(self, appearance_ids: Collection[str]) -> bool:
        """Whether it speaks of one of some appearances, by its id."""
        return any(spot.appearance_id in appearance_ids for spot in self.spots)

    def without_video(self, video_id: str) -> Operation:
        """What is left of it when the video is deleted: a name goes with the last appearance that it was given to."""
        return self.without(lambda spot: spot.video_id == video_id)

    def without(self, gone: Callable[[Spot], bool]) -> Operation:
        """What is left of it without some spots: a name goes with the last of those that it was given to."""
        groups = tuple(tuple(spot for spot in group if not gone(spot)) for group in self.groups)
        return replace(self, groups=groups, name=self.name if any(groups) else None)


@dataclass(frozen=True, slots=True)
class Membership:
    """Which identity an appearance belongs to before anything that was said, and what clustering asks of it.

    `pack_key` is that of the pack whose associations decided it.
    """

    appearance_id: str
    gallery: str
    video_id: str
    start_s: float
    end_s: float
    generation: int
    kind: AppearanceKind
    modalities: tuple[Modality, ...]
    identity_id: str
    pack_key: str
