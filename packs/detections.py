"""Raw detector outputs to boxes: thresholds per class and non-maximum suppression within each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np

from packs.arrays import F32, I32, Bool
from packs.preprocessing import Letterboxed


class DetectionClass(IntEnum):
    """Columns of the detector's ``scores`` output."""

    FACE = 0
    HEAD = 1
    PERSON = 2


@dataclass(frozen=True, slots=True)
class Detections:
    """What was found in one image, best score first within each class.

    Attributes:
        boxes: float32[N, 4], (x0, y0, x1, y1) in pixels of the image.
        scores: float32[N] in [0, 1].
        classes: int32[N], values of `DetectionClass`.
    """

    boxes: F32
    scores: F32
    classes: I32

    def __len__(self) -> int:
        return int(self.scores.shape[0])

    def of(self, wanted: DetectionClass) -> Self:
        """Only the detections of one class."""
        keep = self.classes == int(wanted)
        return type(self)(self.boxes[keep], self.scores[keep], self.classes[keep])


def decode(boxes: F32, scores: F32, letterboxed: Letterboxed, thresholds: Sequence[float], iou: float) -> Detections:
    """Detections of one image from one row of the detector's outputs.

    Args:
        boxes: float32[N, 4], (x0, y0, x1, y1) in pixels of the network's input.
        scores: float32[N, C] probabilities, one column per class.
        letterboxed: How the image was fitted into the input.
        thresholds: C least scores.
        iou: Overlap above which the weaker box of one class is dropped.

    Raises:
        ValueError: If the shapes do not belong together.
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4 or scores.shape != (boxes.shape[0], len(thresholds)):
        raise ValueError(
            f"expected boxes [N, 4] and scores [N, {len(thresholds)}], got {list(boxes.shape)} and {list(scores.shape)}"
        )
    picked = [_one_class(boxes, scores[:, index], threshold, iou) for index, threshold in enumerate(thresholds)]
    rows = np.concatenate(picked)
    classes = np.repeat(np.arange(len(picked), dtype=np.int32), [len(part) for part in picked])
    return Detections(
        boxes=letterboxed.to_image(boxes[rows]),
        scores=scores[rows, classes].astype(np.float32),
        classes=classes,
    )


def _one_class(boxes: F32, scores: F32, threshold: float, iou: float) -> I32:
    extent = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    candidates = np.flatnonzero((scores >= threshold) & extent)
    keep = suppress(boxes[candidates], scores[candidates], iou)
    return candidates[keep].astype(np.int32)


def suppress(boxes: F32, scores: F32, iou: float) -> I32:
    """Greedy non-maximum suppression: int32[K] rows that stay, best score first."""
    order = np.argsort(-scores, kind="stable")
    alive: Bool = np.ones(order.shape[0], dtype=np.bool_)
    keep: list[int] = []
    for position, row in enumerate(order):
        if not alive[position]:
            continue
        keep.append(int(row))
        rest = position + 1
        alive[rest:] &= overlap(boxes[row], boxes[order[rest:]]) <= iou
    return np.asarray(keep, dtype=np.int32)


def overlap(box: F32, others: F32) -> F32:
    """Intersection over union of box float32[4] with others float32[N, 4]: float32[N] in [0, 1]."""
    size = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = np.prod(np.maximum(size, 0.0), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    return np.asarray(shared / np.maximum(areas - shared, 1e-9), dtype=np.float32)
