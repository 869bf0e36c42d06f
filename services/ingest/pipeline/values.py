"""What the stages pass on. Boxes are (x0, y0, x1, y1) in pixels of the analysed picture unless said otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from packs.arrays import F32, U8
from packs.detections import Detections
from packs.spec import Modality

__all__ = [
    "Chunk",
    "Fragment",
    "Frame",
    "Glimpse",
    "KeyFrame",
    "MouthSeen",
    "Observation",
    "Person",
    "Point",
    "Position",
    "Shot",
    "Sighted",
    "Sound",
]


@dataclass(frozen=True, slots=True)
class Position:
    """A frame's place in a video: its number from 0 and its time in seconds from the first frame."""

    frame: int
    time_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One analysed frame: uint8[H, W, 3], RGB, upright."""

    position: Position
    image: U8


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """The brightness of one frame, uint8[h, w], upright: for mouths, which move too fast for the analysed frames.

    It may be smaller or larger than the analysed picture; both show the same.
    """

    position: Position
    luma: U8


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """What is heard around a shot: float32[N] at 16 kHz, mono; `start_s` is the time of the first sample."""

    start_s: float
    samples: F32


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Analysed frames of one shot (or segment of one).

    Attributes:
        start: Where the shot starts.
        frames: In order of time; may be empty when the shot ends.
        end: The first position after the shot, on its last chunk; else None.
        film_ends: Whether nothing follows.
        glimpses: Every frame since the last one of the chunk before, as far as the film's rate is not too high.
        sound: What is heard in the whole shot and a little around it, on its last chunk; None without sound.
    """

    start: Position
    frames: tuple[Frame, ...]
    end: Position | None = None
    film_ends: bool = False
    glimpses: tuple[Glimpse, ...] = ()
    sound: Sound | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Sighted:
    """A chunk, and what was found in each of its frames.

    Attributes:
        chunk: The frames.
        detected: Of each frame.
        clothes: float32[P, D] of each frame's persons (`Clothes.look`); None where a pack embeds no bodies.
    """

    chunk: Chunk
    detected: Sequence[Detections]
    clothes: Sequence[F32] | None


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One detected person with what belongs to them.

    Attributes:
        box: float32[4].
        score: Detector's score in [0, 1].
        head: float32[4], when one was found on them.
        face: float32[4], likewise.
        face_score: Detector's score of the face, 0 without one.
        clothes: float32[D], of length 1: the body's embedding, or the clothes' colours where a pack embeds no bodies.
    """

    box: F32
    score: float
    head: F32 | None = None
    face: F32 | None = None
    face_score: float = 0.0
    clothes: F32 | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """Where a track is in one analysed frame.

    Attributes:
        position: When.
        person: What was found.
        crossing: Whether somebody in front of them or behind them may have been taken for them.
    """

    position: Position
    person: Person
    crossing: bool = False


@dataclass(slots=True, eq=False)
class Observation:
    """One kept crop; `vector` (length 1) and `norm` are filled in by the encoder.

    Attributes:
        position: When.
        quality: In [0, 1], from the picture alone.
        crop: uint8[h, w, 3], as the encoder wants it.
        vector: float32[D].
        norm: Length of the raw embedding: the encoder's own view of the quality.
    """

    position: Position
    quality: float
    crop: U8
    vector: NDArray[np.float32] | None = None
    norm: float = 0.0


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """The frame in which a person is seen best, as a JPEG file."""

    position: Position
    worth: float
    jpeg: bytes


@dataclass(frozen=True, slots=True, eq=False)
class MouthSeen:
    """A face at one time, for its mouth: uint8[56, 40], brightness; `height_px` is that of the face in the film."""

    time_s: float
    patch: U8
    height_px: float


@dataclass(slots=True, eq=False)
class Fragment:
    """One person followed without a break, with the crops that were kept of them.

    Attributes:
        points: Where they were.
        observations: Crops of each modality.
        key_frame: Where they are seen best.
        number: Of the track that it ends with, unique in the shot; -1 when there is none.
        continues: Number of the track that it takes up after a crossing.
        mouths: Their face at the film's own rate, wherever it was seen.
    """

    points: list[Point]
    observations: dict[Modality, list[Observation]] = field(default_factory=dict)
    key_frame: KeyFrame | None = None
    number: int = -1
    continues: int | None = None
    mouths: list[MouthSeen] = field(default_factory=list)

    @property
    def first(self) -> Point:
        """Where it begins."""
        return self.points[0]

    @property
    def last(self) -> Point:
        """Where it ends."""
        return self.points[-1]


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A finished shot (or segment of one).

    Attributes:
        start: Its first position.
        end: The first position after it.
        frame_s: Time from one frame to the next.
        height_px: Height of the analysed pictures.
        width_px: Width of the analysed pictures.
        fragments: The people in it.
        film_ends: Whether nothing follows.
        sound: What is heard in it and a little around it.
    """

    start: Position
    end: Position
    frame_s: float
    height_px: int
    width_px: int
    fragments: list[Fragment]
    film_ends: bool
    sound: Sound | None = None
