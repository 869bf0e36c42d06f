"""The face in a portrait: found, picked when there are several, and embedded from more than one view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from packs.arrays import F32, U8
from packs.detections import DetectionClass, Detections, overlap, suppress
from packs.preprocessing import PADDING_GREY
from packs.spec import Modality
from services.backends.schemas import Box
from services.runtime.errors import NoFaceError, SeveralFacesError
from services.search.ports import Vision
from services.search.settings import PortraitSettings

_SAME_FACE_IOU = 0.5


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
        """Boxes float32[N, 4] of faces in pixels, largest first; looks again, otherwise, when a look finds none."""
        (first,) = await self._vision.detect([image])
        boxes = first.of(DetectionClass.FACE).boxes
        if len(boxes) == 0:
            boxes = await self._look_again(image)
        sides = np.max(boxes[:, 2:] - boxes[:, :2], axis=1) if len(boxes) else np.zeros(0)
        return boxes[np.argsort(-sides, kind="stable")]

    async def _look_again(self, image: U8) -> F32:
        """A face that fills the picture is found in a wide margin, a tiny one in a part of the picture."""
        looks = [*_margins(image), *_tiles(image)]
        found = await self._vision.detect([look.image for look in looks])
        return _joined(looks, found, image)

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


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """A picture made of the portrait, and where the portrait's origin lies in it, in pixels."""

    image: U8
    left: int
    top: int


def _margins(image: U8) -> list[_Look]:
    """The picture in the middle of a grey ground, two and four times its size."""
    height, width = image.shape[:2]
    looks = []
    for factor in (2, 4):
        canvas = np.full((height * factor, width * factor, 3), PADDING_GREY, dtype=np.uint8)
        left, top = width * (factor - 1) // 2, height * (factor - 1) // 2
        canvas[top : top + height, left : left + width] = image
        looks.append(_Look(canvas, left, top))
    return looks


def _tiles(image: U8) -> list[_Look]:
    """Four parts of the picture, each three fifths of its sides, so that they overlap."""
    height, width = image.shape[:2]
    rows, columns = max(1, height * 3 // 5), max(1, width * 3 // 5)
    return [
        _Look(np.ascontiguousarray(image[top : top + rows, left : left + columns]), -left, -top)
        for top in (0, height - rows)
        for left in (0, width - columns)
    ]


def _joined(looks: Sequence[_Look], found: Sequence[Detections], image: U8) -> F32:
    """Faces of all looks as boxes float32[N, 4] of the portrait, each face once."""
    height, width = image.shape[:2]
    boxes, scores = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)]
    for look, detections in zip(looks, found, strict=True):
        faces = detections.of(DetectionClass.FACE)
        shift = np.array([look.left, look.top, look.left, look.top], np.float32)
        boxes.append(np.clip(faces.boxes - shift, 0, np.array([width, height, width, height], np.float32)))
        scores.append(faces.scores)
    all_boxes, all_scores = np.concatenate(boxes), np.concatenate(scores)
    real = (all_boxes[:, 2:] > all_boxes[:, :2]).all(axis=1)
    all_boxes, all_scores = all_boxes[real], all_scores[real]
    return np.asarray(all_boxes[suppress(all_boxes, all_scores, _SAME_FACE_IOU)], dtype=np.float32)


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
