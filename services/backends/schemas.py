"""The stored things, as plain values. Times are seconds from the start of a video, boxes are fractions of the frame."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from packs.spec import Modality

__all__ = [
    "Appearance",
    "AppearanceKind",
    "Association",
    "Box",
    "EmbeddingRow",
    "Gallery",
    "KeyBox",
    "Neighbour",
    "Place",
    "Scope",
    "SpeechSpan",
    "Video",
    "VideoState",
]


class VideoState(StrEnum):
    """How far the ingest of a video has come."""

    QUEUED = "queued"
    INGESTING = "ingesting"
    READY = "ready"
    FAILED = "failed"
    DELETING = "deleting"


class AppearanceKind(StrEnum):
    """What kind of thing an appearance is."""

    TRACKLET = "tracklet"
    SPEECH = "speech"


@dataclass(frozen=True, slots=True)
class Gallery:
    """A named, isolated set of videos."""

    name: str
    created_at: float  # Unix seconds


@dataclass(frozen=True, slots=True)
class Video:
    """One ingested file; its row is also its place in the ingest queue.

    `generation` counts the attempts: rows of an older generation are leftovers that get swept. `committed_frame` is
    the first frame that is not committed yet, and `committed_s` its time: a restarted worker goes on there.
    """

    video_id: str
    gallery: str
    source_uri: str
    state: VideoState
    generation: int
    created_at: float  # Unix seconds
    content_digest: str  # hex sha256 of the file
    duration_s: float = 0.0
    width_px: int = 0
    height_px: int = 0
    frames_per_second: float = 0.0
    committed_frame: int = 0
    committed_s: float = 0.0
    appearance_count: int = 0
    failure_reason: str = ""
    camera_id: str | None = None
    site: str | None = None
    recorded_at: float | None = None  # Unix seconds

    def with_changes(self, **changes: object) -> Video:
        """Return a copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions of the frame, each in [0, 1]."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float


@dataclass(frozen=True, slots=True)
class KeyBox:
    """Where a person stands at one time; head and face where they were found."""

    time_s: float
    person: Box
    head: Box | None = None
    face: Box | None = None


@dataclass(frozen=True, slots=True)
class SpeechSpan:
    """A stretch of one person's speech.

    `confidence`, in [0, 1], says how sure it is that the appearance it stands in is who speaks; 1 where the speech
    stands alone.
    """

    start_s: float
    end_s: float
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Appearance:
    """A tracklet, or a speech segment with nobody on screen.

    `speech` says when the person speaks, in order of time: the spans that were linked to a tracklet, or the one span
    of a speech segment. A speech segment has no boxes and no key frame.
    """

    appearance_id: str
    gallery: str
    video_id: str
    kind: AppearanceKind
    start_s: float
    end_s: float
    generation: int
    modalities: tuple[Modality, ...] = ()
    boxes: tuple[KeyBox, ...] = ()
    key_frame_uri: str = ""
    key_frame_s: float = 0.0
    speech: tuple[SpeechSpan, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingRow:
    """One embedding of an appearance: float32[D], L2-normalised; `quality` in [0, 1]."""

    appearance_id: str
    gallery: str
    video_id: str
    start_s: float
    end_s: float
    generation: int
    quality: float
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Place:
    """Which row a row is: without what it holds, so that very many can be compared."""

    appearance_id: str
    video_id: str
    generation: int


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A match of a vector search; `cosine` in [-1, 1]."""

    appearance_id: str
    video_id: str
    start_s: float
    end_s: float
    quality: float
    cosine: float


@dataclass(frozen=True, slots=True)
class Association:
    """A symmetric belief "same person" by one modality; `first` < `second`; probability in (0, 1).

    `confirmed` edges have probability 1: somebody said so, and no modality. `modality` is then that in which a person
    is to be found at both ends.
    """

    first: str
    second: str
    modality: Modality
    probability: float
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """What a read may see: one gallery, perhaps only some videos and a stretch of their time."""

    gallery: str
    video_ids: tuple[str, ...] = ()
    start_s: float | None = None
    end_s: float | None = None
    exclude_video_ids: tuple[str, ...] = field(default=())
