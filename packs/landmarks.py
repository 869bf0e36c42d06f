"""Faces with their five points, out of a detector that gives `points` beside `boxes` and `scores`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from packs.arrays import F32
from packs.detections import DetectionClass, suppress
from packs.preprocessing import Letterboxed

POINTS = 5


@dataclass(frozen=True, slots=True)
class PointedFaces:
    """Faces of one image, best score first.

    Attributes:
        boxes: float32[N, 4], (x0, y0, x1, y1) in pixels of the image, clipped to it.
        scores: float32[N] in [0, 1].
        points: float32[N, 5, 2], (x, y) in pixels of the image, not clipped: an eye may lie beyond its edge.
    """

    boxes: F32
    scores: F32
    points: F32

    def __len__(self) -> int:
        return int(self.scores.shape[0])


def decode_faces(
    boxes: F32, scores: F32, points: F32, letterboxed: Letterboxed, threshold: float, iou: float
) -> PointedFaces:
    """Faces of one image from one row of the detector's outputs.

    Args:
        boxes: float32[N, 4], (x0, y0, x1, y1) in pixels of the network's input.
        scores: float32[N, C] probabilities; the first column is the face's.
        points: float32[N, 10], (x, y) of five points in pixels of the network's input.
        letterboxed: How the image was fitted into the input.
        threshold: Least score.
        iou: Overlap above which the weaker face is dropped.

    Raises:
        ValueError: If the shapes do not belong together.
    """
    rows = boxes.shape[0]
    if boxes.shape != (rows, 4) or scores.ndim != 2 or scores.shape[0] != rows or points.shape != (rows, 2 * POINTS):
        raise ValueError(
            f"expected boxes [N, 4], scores [N, C] and points [N, 10], got {list(boxes.shape)}, {list(scores.shape)} "
            f"and {list(points.shape)}"
        )
    faces = scores[:, DetectionClass.FACE]
    extent = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    candidates = np.flatnonzero((faces >= threshold) & extent)
    kept = candidates[suppress(boxes[candidates], faces[candidates], iou)]
    shift = np.array([letterboxed.pad_x, letterboxed.pad_y], np.float32)
    in_image = (points[kept].reshape(-1, POINTS, 2) - shift) / np.float32(letterboxed.scale)
    return PointedFaces(letterboxed.to_image(boxes[kept]), faces[kept].astype(np.float32), in_image.astype(np.float32))
