"""What an erasure asks of associations and identities: who is to go, and then that nothing of them is left here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.association.handlers import AssociationHandlers, Dropped
from services.association.identities.keeper import IdentityKeeper

__all__ = ["Forgotten", "IdentityErasure", "Isolated"]


@dataclass(frozen=True, slots=True)
class Isolated:
    """An identity that was set apart.

    Attributes:
        identity_id: Its id; that which was asked for may have led to it.
        appearances: Its appearances by video.
        operations: How many entries of the log were changed for it.
    """

    identity_id: str
    appearances: Mapping[str, Sequence[str]]
    operations: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Cached records of some appearances, and rows that say who they are."""

    associations: Dropped
    people: Dropped


class IdentityErasure:
    """The part of an erasure that only the writer of the log can do.

    Args:
        keeper: Who is who.
        associations: Edges as they were computed.
    """

    def __init__(self, keeper: IdentityKeeper, associations: AssociationHandlers) -> None:
        self._keeper, self._associations = keeper, associations

    async def isolate(self, gallery: str, identity_id: str) -> Isolated:
        """Take an identity's name and places out of the log and say who it is; it may be repeated.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
            IdentityNotFoundError: If it has no such identity.
            BackendUnavailableError: If the index or the cache does not answer.
        """
        home, spots, operations = await self._keeper.set_apart(gallery, identity_id)
        by_video: defaultdict[str, list[str]] = defaultdict(list)
        for spot in sorted(spots, key=lambda spot: (spot.video_id, spot.start_ms, spot.appearance_id)):
            by_video[spot.video_id].append(spot.appearance_id)
        return Isolated(home, by_video, operations)

    async def forget(self, gallery: str, appearance_ids: Sequence[str]) -> Forgotten:
        """Forget the edges of appearances that were erased from the index, and then who they were.

        Who they were is known as long as an edge is left: whoever asks again must find them.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
            BackendUnavailableError: If the index or the cache does not answer.
        """
        edges = await self._associations.drop_appearances(gallery, appearance_ids)
        if edges.remaining:
            return Forgotten(edges, Dropped(0, len(appearance_ids)))
        return Forgotten(edges, await self._keeper.forget(gallery, appearance_ids))
