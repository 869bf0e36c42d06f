"""Which crops of a person are kept: the best ones, spread over the time they are seen, in bounded memory.

Crops are cut at once, so that no frame has to be kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import cv2
import numpy as np

from packs.arrays import F32, U8
from packs.spec import Modality
from services.ingest.pipeline.geometry import inside_share, stack
from services.ingest.pipeline.settings import ObservationSettings
from services.ingest.pipeline.sharpness import sharpness_of
from services.ingest.pipeline.tracking import Track
from services.ingest.pipeline.values import Fragment, Frame, KeyFrame, Observation, Person

__all__ = ["Collector", "Cutter", "SpreadBest"]

# Sizes at which a crop is as good as it gets, in pixels; below, quality falls with the root of the size.
GOOD_FACE_PX, GOOD_HEAD_PX, GOOD_BODY_PX = 72.0, 72.0, 220.0
# A new key frame must be so much better before the old one is thrown away: each costs an encoding.
KEY_FRAME_GAIN = 1.2
FIRST_SLOT_S = 0.24
# What is seen in a crossing may be somebody else: it counts only where there is nothing else.
CROSSING_WORTH = 0.1
# What is made of the whole person.
OF_BODIES = (Modality.BODY, Modality.TEXT)


class Cutter(Protocol):
    """Cuts a box out of a picture as the encoder of a modality wants it."""

    def __call__(self, modality: Modality, image: U8, box: F32) -> U8:
        """Return uint8[h, w, 3]."""
        ...


class SpreadBest:
    """Keeps the best observation of each stretch of time; when there are too many stretches they double in length."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._slot_s = FIRST_SLOT_S
        self._kept: dict[int, Observation] = {}

    def would_keep(self, time_s: float, quality: float) -> bool:
        """Whether an observation of that quality would stay now."""
        present = self._kept.get(self._slot(time_s))
        return present is None or quality > present.quality

    def add(self, observation: Observation) -> None:
        """Keep an observation if it is the best of its stretch."""
        if not self.would_keep(observation.position.time_s, observation.quality):
            return
        self._kept[self._slot(observation.position.time_s)] = observation
        while len(self._kept) > 2 * self._most:
            self._slot_s *= 2.0
            everything, self._kept = list(self._kept.values()), {}
            for earlier in everything:
                self.add(earlier)

    def best(self) -> list[Observation]:
        """The best of what is kept, at most `most`, in order of time."""
        ranked = sorted(self._kept.values(), key=lambda seen: (-seen.quality, seen.position.frame))[: self._most]
        return sorted(ranked, key=lambda seen: seen.position.frame)

    def _slot(self, time_s: float) -> int:
        return int(time_s / self._slot_s + 1e-6)


class Collector:
    """Gathers the observations of all tracks of one shot."""

    def __init__(self, cut: Cutter, modalities: Sequence[Modality], settings: ObservationSettings) -> None:
        self._cut = cut
        self._modalities = frozenset(modalities)
        self._settings = settings
        self._kept: dict[int, dict[Modality, SpreadBest]] = {}
        self._key_frames: dict[int, KeyFrame] = {}

    def look(self, frame: Frame, seen: list[tuple[Track, Person]]) -> None:
        """Take from one frame what is worth keeping of the people in it."""
        coverage = _coverage(stack([person.box for _, person in seen]))
        jpeg = _once(lambda: self._jpeg(frame.image))
        for (track, person), covered in zip(seen, coverage, strict=True):
            face = self._look_at_face(frame, track, person)
            self._look_at_head(frame, track, person, float(covered))
            body = self._look_at_body(frame, track, person, float(covered))
            self._look_for_key_frame(frame, track, 1.0 + face if face > 0.0 else body, jpeg)

    def fragments(self, tracks: list[Track]) -> list[Fragment]:
        """The tracks with what was kept of them; of other tracks everything is forgotten."""
        made = []
        for track in tracks:
            kept = self._kept.get(track.number, {})
            observations = {modality: best for modality, keeper in kept.items() if (best := keeper.best())}
            frame = self._key_frames.get(track.number)
            made.append(Fragment(track.points, observations, frame, track.number, track.continues))
        self._kept, self._key_frames = {}, {}
        return made

    def _look_at_face(self, frame: Frame, track: Track, person: Person) -> float:
        box = person.face
        if box is None or Modality.FACE not in self._modalities:
            return 0.0
        width = float(box[2] - box[0])
        if width < self._settings.least_face_px:
            return 0.0
        quality = person.face_score * _growing(width, GOOD_FACE_PX) * _inside(box, frame.image)
        return self._offer(Modality.FACE, frame, track, box, quality)

    def _look_at_head(self, frame: Frame, track: Track, person: Person, covered: float) -> None:
        box = person.head
        if box is None or Modality.HEAD not in self._modalities:
            return
        width = float(box[2] - box[0])
        if width >= self._settings.least_head_px:
            quality = person.score * _growing(width, GOOD_HEAD_PX) * _inside(box, frame.image) * (1.0 - 0.8 * covered)
            self._offer(Modality.HEAD, frame, track, box, quality)

    def _look_at_body(self, frame: Frame, track: Track, person: Person, covered: float) -> float:
        height = float(person.box[3] - person.box[1])
        if height < self._settings.least_body_px:
            return 0.0
        quality = person.score * _growing(height, GOOD_BODY_PX) * _inside(person.box, frame.image)
        quality *= 1.0 - 0.8 * covered
        made = [modality for modality in OF_BODIES if modality in self._modalities]
        return max((self._offer(one, frame, track, person.box, quality) for one in made), default=0.0)

    def _offer(self, modality: Modality, frame: Frame, track: Track, box: F32, quality: float) -> float:
        """Cut and keep a crop if it can be among the best; return its quality (without sharpness if it was not cut)."""
        if track.crossing:
            quality *= CROSSING_WORTH
        most = self._settings.most(modality)
        keeper = self._kept.setdefault(track.number, {}).setdefault(modality, SpreadBest(most))
        if not keeper.would_keep(frame.position.time_s, quality):
            return quality
        crop = self._cut(modality, frame.image, box)
        quality *= sharpness_of(crop)
        keeper.add(Observation(frame.position, quality, crop))
        return quality

    def _look_for_key_frame(self, frame: Frame, track: Track, worth: float, jpeg: Callable[[], bytes]) -> None:
        present = self._key_frames.get(track.number)
        if present is None or worth > KEY_FRAME_GAIN * present.worth:
            self._key_frames[track.number] = KeyFrame(frame.position, worth, jpeg())

    def _jpeg(self, image: U8) -> bytes:
        height, width = image.shape[:2]
        scale = min(1.0, self._settings.key_frame_px / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        quality = [cv2.IMWRITE_JPEG_QUALITY, self._settings.key_frame_quality]
        fine, encoded = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), quality)
        if not fine:
            raise RuntimeError(f"a picture of {width}x{height} could not be written as JPEG")
        return bytes(encoded)


def _once(make: Callable[[], bytes]) -> Callable[[], bytes]:
    made: list[bytes] = []

    def get() -> bytes:
        if not made:
            made.append(make())
        return made[0]

    return get


def _growing(size_px: float, good_px: float) -> float:
    return math.sqrt(min(1.0, size_px / good_px))


def _inside(box: F32, image: U8) -> float:
    """1 for a box inside the picture, less for one that its edge seems to cut: 0.7 for each such side."""
    height, width = image.shape[:2]
    margin = 1.0
    sides = (box[0] <= margin, box[1] <= margin, box[2] >= width - margin, box[3] >= height - margin)
    return float(0.7 ** sum(bool(side) for side in sides))


def _coverage(boxes: F32) -> F32:
    """How much of each box lies behind another one, float32[N] in [0, 1]; who stands lower in the picture is nearer."""
    if len(boxes) == 0:
        return np.zeros(0, dtype=np.float32)
    shares = inside_share(boxes, boxes)
    nearer = boxes[None, :, 3] > boxes[:, None, 3]
    return np.asarray(np.max(np.where(nearer, shares, 0.0), axis=1), dtype=np.float32)
