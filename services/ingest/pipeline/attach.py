"""Faces and heads go to the persons whose they are, each to at most one."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from packs.arrays import F32, I32, U8
from packs.detections import DetectionClass, Detections
from services.ingest.pipeline.colours import clothes_colours
from services.ingest.pipeline.geometry import inside_share, pairwise_iou, stack
from services.ingest.pipeline.values import Person

__all__ = ["attach"]

LEAST_INSIDE = 0.6
DOUBLE_IOU, DOUBLE_INSIDE = 0.45, 0.8
FORBIDDEN = 1e6


def attach(image: U8, detections: Detections, least_score: float, clothes: F32 | None = None) -> list[Person]:
    """Make persons of one frame's detections.

    Args:
        image: uint8[H, W, 3], the frame.
        detections: What was found in it.
        least_score: Weaker persons are left out.
        clothes: float32[P, D], of each of the persons found; their colours are looked at when None.
    """
    persons = detections.of(DetectionClass.PERSON)
    keep = persons.scores >= least_score
    boxes, scores = persons.boxes[keep], persons.scores[keep]
    heads, faces = detections.of(DetectionClass.HEAD), detections.of(DetectionClass.FACE)
    head_of = _assigned(heads.boxes, boxes, _head_cost(heads.boxes, boxes, scores))
    face_of = _faces_of(faces.boxes, heads.boxes, boxes, scores, head_of)
    found = []
    looks = None if clothes is None else clothes[keep]
    for row, box in enumerate(boxes):
        head, face = head_of[row], face_of[row]
        found.append(
            Person(
                box=box,
                score=float(scores[row]),
                head=heads.boxes[head] if head >= 0 else None,
                face=faces.boxes[face] if face >= 0 else None,
                face_score=float(faces.scores[face]) if face >= 0 else 0.0,
                clothes=clothes_colours(image, box) if looks is None else looks[row],
            )
        )
    return _without_doubles(found)


def _without_doubles(persons: list[Person]) -> list[Person]:
    """Drop second boxes of one person: those without a head that share most of their place with a better one.

    A detector's boxes of one person can differ so much in height that they survive its suppression; but a person has
    one head, and it went to the box that it fits best.
    """
    ranked = sorted(persons, key=lambda one: (one.head is None, -one.score))
    kept: list[Person] = []
    for one in ranked:
        box = one.box[None]
        others = stack([other.box for other in kept])
        shared = pairwise_iou(box, others)[0] > DOUBLE_IOU
        nested = np.maximum(inside_share(box, others)[0], inside_share(others, box)[:, 0]) > DOUBLE_INSIDE
        if one.head is not None or not (shared | nested).any():
            kept.append(one)
    return kept


def _head_cost(heads: F32, persons: F32, scores: F32) -> F32:
    """How badly heads sit on persons, float32[H, P]: a head belongs to the top of the box, near its middle."""
    sizes = np.maximum(persons[:, 2:] - persons[:, :2], 1.0)
    across = (
        (heads[:, None, 0] + heads[:, None, 2] - persons[None, :, 0] - persons[None, :, 2]) / 2.0 / sizes[None, :, 0]
    )
    down = (heads[:, None, 1] - persons[None, :, 1]) / sizes[None, :, 1]
    return np.asarray(np.abs(across) + 3.0 * np.abs(down) + 0.3 * (1.0 - scores[None, :]), dtype=np.float32)


def _assigned(parts: F32, wholes: F32, cost: F32) -> I32:
    """Index of the part of each whole, int32[W], -1 for none; one to one, of least cost, parts lying inside."""
    chosen = np.full(len(wholes), -1, dtype=np.int32)
    if len(parts) and len(wholes):
        gated = np.where(inside_share(parts, wholes) >= LEAST_INSIDE, cost, FORBIDDEN)
        for part, whole in zip(*linear_sum_assignment(gated), strict=True):
            if gated[part, whole] < FORBIDDEN:
                chosen[whole] = part
    return chosen


def _faces_of(faces: F32, heads: F32, persons: F32, scores: F32, head_of: I32) -> I32:
    """Index of each person's face: that in their head, else one that sits where a head would."""
    distance = np.linalg.norm(_centres(faces)[:, None] - _centres(heads)[None], axis=2).astype(np.float32)
    face_of_head = _assigned(faces, heads, distance)
    chosen = np.array([face_of_head[head] if head >= 0 else -1 for head in head_of], dtype=np.int32)
    free = np.setdiff1d(np.arange(len(faces)), face_of_head[face_of_head >= 0])
    headless = np.flatnonzero(head_of < 0)
    if free.size and headless.size:
        boxes, owners = faces[free], persons[headless]
        rest = _assigned(boxes, owners, _head_cost(boxes, owners, scores[headless]))
        chosen[headless] = np.where(rest >= 0, free[rest], -1)
    return chosen


def _centres(boxes: F32) -> F32:
    return np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2.0, dtype=np.float32)
