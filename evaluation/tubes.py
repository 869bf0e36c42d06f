"""Tubes: the boxes of one person over frames. Two tubes are compared by areas summed over frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Tube",
    "box_areas",
    "box_intersections",
    "meeting",
    "overlap",
    "pairwise_iou",
    "tube_from_key_boxes",
    "tube_iou",
]

# A hundredth of a frame: times are sums of floats, so a frame's own time may lie a hair outside its span.
FRAME_SLACK = 0.01
NEVER = 1 << 62


@dataclass(frozen=True, slots=True, eq=False)
class Tube:
    """Boxes over frames.

    Attributes:
        frames: int64[n], ascending, without repeats.
        boxes: float64[n, 4], x_min, y_min, x_max, y_max in pixels, one for each frame.
    """

    frames: NDArray[np.int64]
    boxes: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.frames), 4):
            raise ValueError(f"got boxes of shape {self.boxes.shape} for {len(self.frames)} frames, expected one each")
        if np.any(np.diff(self.frames) <= 0):
            raise ValueError("got frames out of order or repeated, expected them ascending")

    def at(self, frames: NDArray[np.int64]) -> Tube:
        """Return the part of the tube that lies in `frames` (ascending)."""
        return self._part(_places(self.frames, frames)[0])

    def without(self, frames: NDArray[np.int64]) -> Tube:
        """Return the part of the tube that does not lie in `frames` (ascending)."""
        return self._part(~_places(self.frames, frames)[0]) if len(frames) else self

    def _part(self, kept: NDArray[np.bool_]) -> Tube:
        return self if kept.all() else Tube(self.frames[kept], self.boxes[kept])


def _places(frames: NDArray[np.int64], among: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Say of each frame whether it is `among` others, and where; both ascending, without repeats."""
    if not len(among):
        return np.zeros(len(frames), dtype=bool), np.zeros(len(frames), dtype=np.int64)
    places = np.minimum(np.searchsorted(among, frames), len(among) - 1)
    return np.asarray(among[places] == frames), places


def box_areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the areas float64[n] of boxes float64[n, 4]; an inverted box has none."""
    sides = np.clip(boxes[..., 2:] - boxes[..., :2], 0.0, None)
    return np.asarray(sides[..., 0] * sides[..., 1])


def box_intersections(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the areas that boxes share; the leading axes broadcast."""
    lower = np.maximum(left[..., :2], right[..., :2])
    upper = np.minimum(left[..., 2:], right[..., 2:])
    return box_areas(np.concatenate([lower, upper], axis=-1))


def pairwise_iou(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return intersection over union float64[n, m] of boxes float64[n, 4] and float64[m, 4]."""
    shared = box_intersections(left[:, None], right[None])
    union = box_areas(left)[:, None] + box_areas(right)[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def meeting(left: Sequence[Tube], right: Sequence[Tube]) -> list[tuple[int, int]]:
    """Return (place in `left`, place in `right`) of the tubes that may share a frame, by their first and last ones."""
    starts, ends = _ends(left)
    other_starts, other_ends = _ends(right)
    together = (starts[:, None] <= other_ends[None]) & (other_starts[None] <= ends[:, None])
    return [(int(i), int(j)) for i, j in np.argwhere(together)]


def _ends(tubes: Sequence[Tube]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last frames; of an empty tube such as meet none."""
    starts = [int(tube.frames[0]) if len(tube.frames) else NEVER for tube in tubes]
    ends = [int(tube.frames[-1]) if len(tube.frames) else -NEVER for tube in tubes]
    return np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64)


def overlap(left: Tube, right: Tube) -> tuple[float, float]:
    """Return (sum of intersections, sum of unions) over all frames of either tube; px^2."""
    common, places = _places(left.frames, right.frames)
    shared = float(box_intersections(left.boxes[common], right.boxes[places[common]]).sum())
    return shared, float(box_areas(left.boxes).sum() + box_areas(right.boxes).sum()) - shared


def tube_iou(left: Tube, right: Tube) -> float:
    """Spatio-temporal IoU: sum of intersections over sum of unions, over all frames of either tube; in [0, 1]."""
    shared, union = overlap(left, right)
    return shared / union if union > 0 else 0.0


def tube_from_key_boxes(
    times_s: NDArray[np.float64],
    boxes: NDArray[np.float64],
    span_s: tuple[float, float],
    frames_per_second: float,
) -> Tube:
    """Lay a straight path through key boxes, a box for each frame of [start, end); outside the keys it rests.

    Frame n is shown at n / frames_per_second. `times_s` is float64[k], ascending, and `boxes` float64[k, 4].
    """
    first, last = (int(np.ceil(edge * frames_per_second - FRAME_SLACK)) for edge in span_s)
    frames = np.arange(first, max(first, last), dtype=np.int64)
    moments = frames / frames_per_second
    columns = [np.interp(moments, times_s, boxes[:, edge]) for edge in range(4)]
    return Tube(frames, np.stack(columns, axis=1))
