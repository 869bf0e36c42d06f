"""The path of a person's box without the detector's tremble.

A box is found anew in each frame, and where people lie over each other its edges jump. A person does not: so each box
becomes what a straight line through its neighbours in time says, the near ones counting most (local linear regression
with Gaussian weights, Cleveland 1979, doi 10.2307/2286407). A line, not a mean: who walks is not held back.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from packs.arrays import F32
from services.ingest.pipeline.values import Point

__all__ = ["smoothed_boxes"]


def smoothed_boxes(points: Sequence[Point], width_s: float) -> F32:
    """The boxes of a path, float32[N, 4], smoothed over time.

    Args:
        points: In order of time; at least one.
        width_s: Standard deviation of the weights, in seconds; 0 leaves the boxes as they are.
    """
    boxes = np.stack([point.person.box for point in points]).astype(np.float64)
    if width_s <= 0.0 or len(points) < 3:
        return np.asarray(boxes, dtype=np.float32)
    times = np.array([point.position.time_s for point in points])
    apart = times[None, :] - times[:, None]
    weights = np.exp(-0.5 * (apart / width_s) ** 2)
    weights /= weights.sum(1, keepdims=True)
    middle = (weights * apart).sum(1)
    spread = (weights * apart**2).sum(1) - middle**2
    level = weights @ boxes
    # Alone in its time a point has no slope; it keeps its place.
    slope = ((weights * apart) @ boxes - middle[:, None] * level) / np.maximum(spread, 1e-9)[:, None]
    return np.asarray(level - slope * middle[:, None], dtype=np.float32)
