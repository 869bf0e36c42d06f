"""The face in a portrait: found, picked when there are several, and embedded from more than one view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from packs.arrays import F32, U8
from packs.detections import overlap
from packs.spec import Modality
from services.backends.schemas import Box
from services.runtime.errors import NoFaceError, SeveralFacesError
from services.search import looking
from services.search.ports import Vision
from services.search.settings import PortraitSettings


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face of a portrait: its box in fractions of the picture, and its embedding float32[D]."""

    box: Box
    vector: F32


class FaceFinder:
    """Finds and embeds the face of a portrait."""

    def __init__(self, vision: Vision, settings: PortraitSettings) -> None:
        self._vision = vision
        self._settings = settings

    async def find(self, part_index: int, image: U8, wanted: Box | None) -> Face:
        """Find the face that is meant.

        Args:
            part_index: The query's part, for errors.
            image: uint8[H, W, 3].
            wanted: About where the face is, in fractions; None when the picture shows one.

        Raises:
            NoFaceError: If there is none, or none where `wanted` says.
            SeveralFacesError: If there are several and none is wanted; it lists their boxes, largest first.
        """
        faces = await self._detect(image)
        box = self._picked(part_index, image, faces, wanted)
        vector = await self._embed(image, box)
        return Face(_fractions(box, image), vector)

    async def _detect(self, image: U8) -> F32:
        """Boxes float32[N, 4] of faces in pixels, largest first; looks closer when the first look finds none."""
        boxes = np.zeros((0, 4), np.float32)
        for looks in (looking.at_once, looking.closer):
            if len(boxes) == 0:
                taken = looks(image)
                boxes = looking.joined(taken, await self._vision.detect([look.image for look in taken]), image)
        sides = np.max(boxes[:, 2:] - boxes[:, :2], axis=1) if len(boxes) else np.zeros(0)
        return np.asarray(boxes[np.argsort(-sides, kind="stable")], dtype=np.float32)

    def _picked(self, part_index: int, image: U8, faces: F32, wanted: Box | None) -> F32:
        if len(faces) == 0:
            raise NoFaceError(part_index)
        if wanted is not None:
            overlaps = overlap(_pixels(wanted, image), faces)
            best = int(np.argmax(overlaps))
            if overlaps[best] < self._settings.pick_iou:
                raise NoFaceError(part_index)
            return np.asarray(faces[best], dtype=np.float32)
        sides = np.max(faces[:, 2:] - faces[:, :2], axis=1)
        meant = faces[sides >= self._settings.background_ratio * sides[0]]
        if len(meant) > 1:
            raise SeveralFacesError(part_index, [_corners(_fractions(face, image)) for face in meant])
        return np.asarray(meant[0], dtype=np.float32)

    async def _embed(self, image: U8, box: F32) -> F32:
        """The mean of some views and their mirror images: one portrait, seen a little less by accident."""
        crops = [self._vision.crop(Modality.FACE, image, _scaled(box, view)) for view in self._settings.views]
        views = np.stack([*crops, *(np.ascontiguousarray(crop[:, ::-1]) for crop in crops)])
        embedded = await self._vision.embed(Modality.FACE, views)
        mean = embedded.vectors.mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)


def _scaled(box: F32, factor: float) -> F32:
    centre, half = (box[:2] + box[2:]) / 2.0, (box[2:] - box[:2]) * (factor / 2.0)
    return np.concatenate([centre - half, centre + half]).astype(np.float32)


def _pixels(box: Box, image: U8) -> F32:
    height, width = image.shape[:2]
    corners = [box.x_min * width, box.y_min * height, box.x_max * width, box.y_max * height]
    return np.array(corners, dtype=np.float32)


def _fractions(box: F32, image: U8) -> Box:
    height, width = image.shape[:2]
    x0, y0, x1, y1 = np.clip(box / np.array([width, height, width, height], np.float32), 0.0, 1.0).tolist()
    return Box(x0, y0, x1, y1)


def _corners(box: Box) -> tuple[float, float, float, float]:
    return box.x_min, box.y_min, box.x_max, box.y_max
