"""Boxes, many at once: (x0, y0, x1, y1) in pixels."""

from __future__ import annotations

import numpy as np

from packs.arrays import F32

__all__ = ["areas", "inside_share", "intersections", "pairwise_iou", "stack", "widened"]


def stack(boxes: list[F32]) -> F32:
    """float32[N, 4] of N boxes, also for N = 0."""
    return np.stack(boxes) if boxes else np.zeros((0, 4), dtype=np.float32)


def areas(boxes: F32) -> F32:
    """Area of each box, float32[N], in square pixels."""
    return np.asarray(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=1), dtype=np.float32)


def intersections(rows: F32, columns: F32) -> F32:
    """Shared area of each pair of float32[N, 4] and float32[M, 4]: float32[N, M]."""
    low = np.maximum(rows[:, None, :2], columns[None, :, :2])
    high = np.minimum(rows[:, None, 2:], columns[None, :, 2:])
    return np.asarray(np.prod(np.maximum(high - low, 0.0), axis=2), dtype=np.float32)


def pairwise_iou(rows: F32, columns: F32) -> F32:
    """Intersection over union of each pair: float32[N, M] in [0, 1]."""
    shared = intersections(rows, columns)
    union = areas(rows)[:, None] + areas(columns)[None, :] - shared
    return np.asarray(shared / np.maximum(union, 1e-6), dtype=np.float32)


def inside_share(inner: F32, outer: F32) -> F32:
    """How much of each inner box lies in each outer one: float32[N, M] in [0, 1]."""
    return np.asarray(intersections(inner, outer) / np.maximum(areas(inner), 1e-6)[:, None], dtype=np.float32)


def widened(boxes: F32, share: F32) -> F32:
    """Boxes float32[N, 4] grown on each side by a share of their size; `share` is float32[N]."""
    margin = (boxes[:, 2:] - boxes[:, :2]) * share[:, None]
    return np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1).astype(np.float32)
