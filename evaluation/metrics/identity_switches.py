"""identity_switch_rate: how often a person followed changes the appearance that follows them, per truth tracklet.

CLEAR-MOT (Bernardin and Stiefelhagen 2008, doi 10.1155/2008/246309): in each frame a truth tracklet keeps the
predicted tracklet it was matched to last while their boxes have an IoU of at least 0.5, the most recently matched
first; the rest is matched by the Hungarian method on IoU, again at 0.5. A switch is a match to another predicted
tracklet than the last. All truth tracklets take part in the matching; switches are counted over those that count.
Frames in which a person cannot be seen take no part for that person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from evaluation.tubes import Tube, pairwise_iou

__all__ = ["MATCHING_IOU", "count_switches"]

MATCHING_IOU = 0.5


class _Matcher:
    """The memory of CLEAR-MOT from frame to frame."""

    def __init__(self, truth_count: int) -> None:
        self.switches = np.zeros(truth_count, dtype=np.int64)
        self._last: dict[int, tuple[int, int]] = {}  # truth -> (predicted, frame of the match)

    def step(self, frame: int, truth: Sequence[int], predicted: Sequence[int], iou: NDArray[np.float64]) -> None:
        """Match one frame; `iou` is float64[len(truth), len(predicted)]."""
        kept = self._keep(truth, predicted, iou)
        matches = kept | self._match_rest(truth, predicted, iou, kept)
        for row, column in matches.items():
            person, followed = truth[row], predicted[column]
            if person in self._last and self._last[person][0] != followed:
                self.switches[person] += 1
            self._last[person] = (followed, frame)

    def _keep(self, truth: Sequence[int], predicted: Sequence[int], iou: NDArray[np.float64]) -> dict[int, int]:
        columns = {followed: column for column, followed in enumerate(predicted)}
        known = [(self._last[person][1], row) for row, person in enumerate(truth) if person in self._last]
        kept: dict[int, int] = {}
        for _, row in sorted(known, key=lambda entry: (-entry[0], entry[1])):
            column = columns.get(self._last[truth[row]][0])
            if column is not None and column not in kept.values() and iou[row, column] >= MATCHING_IOU:
                kept[row] = column
        return kept

    def _match_rest(
        self, truth: Sequence[int], predicted: Sequence[int], iou: NDArray[np.float64], kept: Mapping[int, int]
    ) -> dict[int, int]:
        rows = [row for row in range(len(truth)) if row not in kept]
        columns = [column for column in range(len(predicted)) if column not in kept.values()]
        if not rows or not columns:
            return {}
        rest = iou[np.ix_(rows, columns)]
        gain = np.where(rest >= MATCHING_IOU, rest, 0.0)
        pairs = zip(*linear_sum_assignment(gain, maximize=True), strict=True)
        return {rows[i]: columns[j] for i, j in pairs if gain[i, j] > 0}


def count_switches(truth: Sequence[Tube], predicted: Sequence[Tube]) -> NDArray[np.int64]:
    """Count the switches of each truth tracklet of one film, int64[len(truth)]."""
    matcher = _Matcher(len(truth))
    truth_rows, predicted_rows = _rows_by_frame(truth), _rows_by_frame(predicted)
    for frame in sorted(truth_rows.keys() & predicted_rows.keys()):
        here, there = truth_rows[frame], predicted_rows[frame]
        boxes = np.array([truth[index].boxes[row] for index, row in here])
        others = np.array([predicted[index].boxes[row] for index, row in there])
        matcher.step(frame, [index for index, _ in here], [index for index, _ in there], pairwise_iou(boxes, others))
    return matcher.switches


def _rows_by_frame(tubes: Sequence[Tube]) -> dict[int, list[tuple[int, int]]]:
    """Map each frame to (tube, row in the tube) of the tubes that are in it."""
    rows: dict[int, list[tuple[int, int]]] = {}
    for index, tube in enumerate(tubes):
        for row, frame in enumerate(tube.frames.tolist()):
            rows.setdefault(frame, []).append((index, row))
    return rows
