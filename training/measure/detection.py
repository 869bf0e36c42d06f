"""Average precision of a detector at overlap 0.5, and the score at which it works best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from packs.detections import Detections, overlap
from training.data.frames import Boxes

F32 = NDArray[np.float32]
OVERLAP = 0.5


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One class over a whole set.

    Attributes:
        average_precision: Area under precision over recall, 0..1.
        best_threshold: Score at which F1 is highest.
        precision: Precision there.
        recall: Recall there.
        boxes: Number of true boxes that count.
    """

    average_precision: float
    best_threshold: float
    precision: float
    recall: float
    boxes: int


def class_figures(found: Sequence[Detections], truth: Sequence[Boxes], category: int) -> ClassFigures:
    """Match the detections of one class with the truth, best score first, each box once.

    A detection on an ignored box counts neither way.

    Args:
        found: One set of detections per image, in the pixels of the truth.
        truth: One set of boxes per image.
        category: The class.
    """
    scores, right, total = [], [], 0
    for detections, boxes in zip(found, truth, strict=True):
        image_scores, image_right = _match(detections, boxes, category)
        scores.append(image_scores)
        right.append(image_right)
        total += int(((boxes.classes == category) & ~boxes.ignored).sum())
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return _figures(np.concatenate(scores)[order], np.concatenate(right)[order], total)


def _match(detections: Detections, boxes: Boxes, category: int) -> tuple[F32, NDArray[np.bool_]]:
    mine = detections.classes == category
    order = np.argsort(-detections.scores[mine], kind="stable")
    found, scores = detections.boxes[mine][order], detections.scores[mine][order]
    of_class = boxes.classes == category
    wanted, ignored = boxes.boxes[of_class], boxes.ignored[of_class]
    taken = np.zeros(len(wanted), dtype=np.bool_)
    keep, right = [], []
    for box in found:
        shared = overlap(box, wanted) if len(wanted) else np.zeros(0, dtype=np.float32)
        # A box that counts is preferred to an ignored one, whatever overlaps more.
        open_boxes = np.where(taken | ignored, 0.0, shared)
        if open_boxes.size and open_boxes.max() >= OVERLAP:
            taken[int(open_boxes.argmax())] = True
            keep.append(True)
            right.append(True)
            continue
        keep.append(not (shared[ignored] >= OVERLAP).any())
        right.append(False)
    mask = np.array(keep, dtype=np.bool_)
    return scores[mask], np.array(right, dtype=np.bool_)[mask]


def _figures(scores: F32, right: NDArray[np.bool_], total: int) -> ClassFigures:
    if total == 0 or scores.size == 0:
        return ClassFigures(0.0, 0.5, 0.0, 0.0, total)
    hits = np.cumsum(right)
    precision = hits / np.arange(1, len(right) + 1)
    recall = hits / total
    # The envelope: the best precision at this recall or beyond.
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    area = float(np.sum(np.diff(np.concatenate([[0.0], recall])) * envelope))
    best = int(np.argmax(2 * precision * recall / np.maximum(precision + recall, 1e-9)))
    return ClassFigures(
        round(area, 4),
        round(float(scores[best]), 3),
        round(float(precision[best]), 4),
        round(float(recall[best]), 4),
        total,
    )
