"""A question about one person, as plain values; what the wire carries is in `converters`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from packs.arrays import F32
from packs.spec import Modality
from services.backends.schemas import Box, Scope


class Task(StrEnum):
    """What is asked for; PRESENT, seen or heard, is that of a track and not on the wire."""

    SEEN = "seen"
    SEEN_AND_HEARD = "seen_and_heard"
    HEARD = "heard"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Portrait:
    """A picture of a face: an encoded image, and the box of the face that is meant, in fractions."""

    image: bytes
    face: Box | None = None


@dataclass(frozen=True, slots=True)
class VoiceClip:
    """Encoded sound of a voice; `span` is the stretch [start, end) of it that is heard, in seconds."""

    sound: bytes
    span: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """What the person looks like, in words."""

    text: str


@dataclass(frozen=True, slots=True)
class Like:
    """An appearance of the same gallery."""

    appearance_id: str


@dataclass(frozen=True, slots=True, eq=False)
class RawEmbedding:
    """A vector float32[D] that the caller made with the pack of that digest; of any length but 0."""

    modality: Modality
    vector: F32
    pack_digest: str


@dataclass(frozen=True, slots=True)
class QueryPart:
    """One thing that is known of the person; below 0 `weight` says "not this one"."""

    content: Portrait | VoiceClip | Description | Like | RawEmbedding
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Query:
    """The whole question.

    Attributes:
        parts: At least one has a positive weight.
        gallery: What is searched.
        video_ids: Only these videos; all when empty.
        time_range: Only appearances that overlap [start, end), in seconds of their video.
        min_score: Least score of a hit.
        task: What is asked for.
        expand: Whether associations may be followed.
    """

    parts: tuple[QueryPart, ...]
    gallery: str
    video_ids: tuple[str, ...] = ()
    time_range: tuple[float, float] | None = None
    min_score: float = 0.0
    task: Task = Task.SEEN
    expand: bool = True

    @property
    def scope(self) -> Scope:
        """What a hit must lie in."""
        start_s, end_s = self.time_range or (None, None)
        return Scope(self.gallery, self.video_ids, start_s, end_s)

    @property
    def narrow(self) -> bool:
        """Whether the filter leaves out a part of the gallery."""
        return bool(self.video_ids) or self.time_range is not None
