"""How a detector that was made for films is shown a portrait.

In a film a face is a small part of the frame; in a portrait it may fill the picture, and a detector finds only sizes
that it has seen, and draws its tightest boxes about the commonest of them. So the first look shows the picture on one
canvas in five sizes: a picture as high as it is wide leaves room beside it anyway, and one inference sees them all.
Faces that are tiny in the picture are found by a closer look at the whole and at parts of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from packs.arrays import F32, U8, Bool
from packs.detections import DetectionClass, Detections
from packs.preprocessing import PADDING_GREY

# More than this the detector's input does not show; the picture that is cropped later keeps its resolution.
MOSAIC_SIDE = 1024
# (left, top, part): where the copy stands, in sides of the whole, and what part of the whole's size it has.
COPIES = ((0.0, 0.0, 1), (1.0, 0.0, 2), (1.0, 0.5625, 4), (1.3125, 0.5625, 6), (1.0625, 0.84375, 8))
MOSAIC_WIDTH = 1.5
# Share of the smaller of two boxes from which on they are taken to be of one face.
SAME_FACE = 0.6
# The longer side of a face as films show it, as a share of the frame's; and how fast, in log sizes, trust falls off.
FILM_FACE = 0.055
TRUST_WIDTH = 0.4


@dataclass(frozen=True, slots=True)
class Patch:
    """A part of a look that shows the portrait.

    Attributes:
        left: First column in the look's image.
        top: First row.
        right: First column after it.
        bottom: First row after it.
        scale: Pixels of the look for one of the portrait.
        origin_x: Column of the portrait that is shown at `left`.
        origin_y: Row of the portrait that is shown at `top`.
    """

    left: int
    top: int
    right: int
    bottom: int
    scale: float
    origin_x: float = 0.0
    origin_y: float = 0.0

    def shows(self, boxes: F32) -> Bool:
        """Whether the centre of each of boxes float32[N, 4] of the look lies in the patch: bool[N]."""
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2.0, (boxes[:, 1] + boxes[:, 3]) / 2.0
        inside: Bool = (x >= self.left) & (x < self.right) & (y >= self.top) & (y < self.bottom)
        return inside

    def to_portrait(self, boxes: F32) -> F32:
        """Boxes float32[N, 4] of the look in pixels of the portrait."""
        shift = np.array([self.left, self.top] * 2, np.float32)
        origin = np.array([self.origin_x, self.origin_y] * 2, np.float32)
        return np.asarray((boxes - shift) / np.float32(self.scale) + origin, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """An image uint8[H, W, 3] for the detector, and where in it the portrait is shown."""

    image: U8
    patches: tuple[Patch, ...]


def at_once(image: U8) -> list[Look]:
    """The picture in five sizes on one canvas: whole, and the smaller ones in a column to the right."""
    height, width = image.shape[:2]
    shown = min(1.0, MOSAIC_SIDE / max(height, width))
    rows, columns = max(8, round(height * shown)), max(8, round(width * shown))
    canvas = np.full((rows, round(columns * MOSAIC_WIDTH), 3), PADDING_GREY, dtype=np.uint8)
    patches = []
    for x, y, part in COPIES:
        left, top, high, wide = int(x * columns), int(y * rows), rows // part, columns // part
        canvas[top : top + high, left : left + wide] = cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA)
        patches.append(Patch(left, top, left + wide, top + high, wide / width))
    return [Look(canvas, tuple(patches))]


def closer(image: U8) -> list[Look]:
    """The whole picture, and four parts of it, each three fifths of its sides, so that they overlap."""
    height, width = image.shape[:2]
    rows, columns = max(1, height * 3 // 5), max(1, width * 3 // 5)
    corners = [(top, left) for top in (0, height - rows) for left in (0, width - columns)]
    return [Look(image, (Patch(0, 0, width, height, 1.0),))] + [
        Look(
            np.ascontiguousarray(image[top : top + rows, left : left + columns]),
            (Patch(0, 0, columns, rows, 1.0, float(left), float(top)),),
        )
        for top, left in corners
    ]


def joined(looks: Sequence[Look], found: Sequence[Detections], image: U8) -> F32:
    """Faces of all looks as boxes float32[N, 4] of the portrait, each face once.

    Several boxes of one face are averaged, by how near to a film's the size was in which the face was shown.
    """
    height, width = image.shape[:2]
    limit = np.array([width, height] * 2, np.float32)
    boxes, trust = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)]
    for look, detections in zip(looks, found, strict=True):
        faces = detections.of(DetectionClass.FACE).boxes
        for patch in look.patches:
            shown = faces[patch.shows(faces)]
            boxes.append(np.clip(patch.to_portrait(shown), 0.0, limit))
            sizes = np.max(shown[:, 2:] - shown[:, :2], axis=1) / max(look.image.shape[:2])
            trust.append(_trust(sizes))
    return _each_once(np.concatenate(boxes), np.concatenate(trust))


def _trust(sizes: F32) -> F32:
    """Weights float32[N] of boxes whose longer sides are these shares of the image's; never 0."""
    odd = np.log(np.maximum(sizes, 1e-6) / FILM_FACE) / TRUST_WIDTH
    return np.asarray(np.exp(-0.5 * odd**2) + 1e-6, dtype=np.float32)


def _each_once(boxes: F32, trust: F32) -> F32:
    """The mean of each group of boxes that mostly lie in the most trusted of them."""
    groups: list[list[int]] = []
    for row in np.argsort(-trust, kind="stable").tolist():
        if not (boxes[row, 2:] > boxes[row, :2]).all():
            continue
        same = (group for group in groups if _shared(boxes[row], boxes[group[0]]) >= SAME_FACE)
        group = next(same, None)
        if group is None:
            groups.append([row])
        else:
            group.append(row)
    means = [np.average(boxes[group], axis=0, weights=trust[group]) for group in groups]
    return np.array(means, dtype=np.float32).reshape(-1, 4)


def _shared(box: F32, other: F32) -> float:
    """The intersection, as a share of the smaller of two boxes."""
    sides = np.maximum(np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2]), 0.0)
    smaller = min(np.prod(box[2:] - box[:2]), np.prod(other[2:] - other[:2]))
    return float(np.prod(sides) / smaller)
