"""Embeddings from key frames: of each tracklet one picture is kept, and where the person stands in it is known."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import cv2
import numpy as np

from packs.arrays import F32, U8
from packs.spec import Modality
from services.backends.media.protocol import MediaStore
from services.backends.schemas import Appearance, AppearanceKind, Box, KeyBox
from services.ingest.identifiers import key_frame_key
from services.ingest.pipeline.aggregate import Aggregate, aggregate
from services.ingest.pipeline.encode import Embedded
from services.ingest.pipeline.values import Observation, Position

__all__ = ["KeyFrameEmbedder", "box_at"]

# A face is looked for in key boxes no further from the key frame than this; they are 0.2 s apart.
NEAR_S = 0.25
# Smaller crops show nobody. Ingest's bounds are on the film's own picture, which may be twice as large.
LEAST_PX = 8.0


class Cropping(Protocol):
    """What is asked of the networks (`services.backends.vision.VisionModels` gives it)."""

    async def embed(self, modality: Modality, crops: U8) -> Embedded:
        """Embed crops, uint8[N, h, w, 3]."""
        ...

    def crop(self, modality: Modality, image: U8, box: F32) -> U8:
        """Cut a box, in pixels, as the encoder of a modality wants it."""
        ...


class KeyFrameEmbedder:
    """Embeds tracklets by their key frames.

    Args:
        vision: The new pack's networks.
        media: Where key frames lie.
        modalities: Which ones; each is embedded from one crop, where ingest joins up to eight.
    """

    def __init__(self, vision: Cropping, media: MediaStore, modalities: Sequence[Modality]) -> None:
        self._vision, self._media, self._modalities = vision, media, tuple(modalities)

    async def embed(self, rows: Sequence[Appearance]) -> Mapping[Modality, Mapping[str, Aggregate]]:
        """Embed some appearances; one without a key frame, or not to be seen in it, is left out."""
        crops: dict[Modality, dict[str, U8]] = {modality: {} for modality in self._modalities}
        for row in rows if self._modalities else ():
            image = await self._picture(row)
            if image is None:
                continue
            for modality in self._modalities:
                crop = self._cut(modality, image, row)
                if crop is not None:
                    crops[modality][row.appearance_id] = crop
        return {modality: await self._embedded(modality, of_each) for modality, of_each in crops.items()}

    async def _picture(self, row: Appearance) -> U8 | None:
        if row.kind is not AppearanceKind.TRACKLET or not row.key_frame_uri:
            return None
        content = await self._media.get(key_frame_key(row.gallery, row.video_id, row.appearance_id))
        return None if content is None else await asyncio.to_thread(_decoded, content)

    def _cut(self, modality: Modality, image: U8, row: Appearance) -> U8 | None:
        box = box_at(row.boxes, row.key_frame_s, modality)
        if box is None:
            return None
        height, width = image.shape[:2]
        pixels = np.array([box.x_min * width, box.y_min * height, box.x_max * width, box.y_max * height], np.float32)
        small = min(pixels[2] - pixels[0], pixels[3] - pixels[1]) < LEAST_PX
        return None if small else self._vision.crop(modality, image, pixels)

    async def _embedded(self, modality: Modality, crops: Mapping[str, U8]) -> Mapping[str, Aggregate]:
        if not crops:
            return {}
        embedded = await self._vision.embed(modality, np.stack(list(crops.values())))
        made: dict[str, Aggregate] = {}
        for one, crop, vector, norm in zip(crops, crops.values(), embedded.vectors, embedded.norms, strict=True):
            seen = Observation(Position(0, 0.0), 1.0, crop, vector, float(norm))
            # As ingest does, or a gallery's faces would be of two qualities.
            joined = aggregate(
                [seen], lengths_tell=modality is not Modality.TEXT, pictures_tell=modality is Modality.FACE
            )
            if joined is not None:
                made[one] = joined
        return made


def box_at(boxes: Sequence[KeyBox], time_s: float, modality: Modality) -> Box | None:
    """Where a person's face, head or body is at a time: between two key boxes the path is straight.

    None where it is not known: no face near that time, or no box at all.
    """
    known = [(one.time_s, part) for one in boxes if (part := _part(one, modality)) is not None]
    if not known:
        return None
    before = max((one for one in known if one[0] <= time_s), key=lambda one: one[0], default=None)
    after = min((one for one in known if one[0] >= time_s), key=lambda one: one[0], default=None)
    near = [one for one in (before, after) if one is not None]
    if modality in (Modality.FACE, Modality.HEAD):
        near = [one for one in near if abs(one[0] - time_s) <= NEAR_S]
    if len(near) < 2:
        return near[0][1] if near else None
    return _between(near[0], near[1], time_s)


def _part(box: KeyBox, modality: Modality) -> Box | None:
    if modality is Modality.FACE:
        return box.face
    return box.head if modality is Modality.HEAD else box.person


def _between(low: tuple[float, Box], high: tuple[float, Box], time_s: float) -> Box:
    share = 0.0 if high[0] <= low[0] else (time_s - low[0]) / (high[0] - low[0])
    ends = ((one.x_min, one.y_min, one.x_max, one.y_max) for one in (low[1], high[1]))
    return Box(*((1.0 - share) * a + share * b for a, b in zip(*ends, strict=True)))


def _decoded(content: bytes) -> U8 | None:
    """uint8[H, W, 3], RGB; None for what is no picture."""
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    return None if decoded is None else np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), dtype=np.uint8)
