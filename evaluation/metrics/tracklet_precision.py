"""tracklet_precision: the share of the predicted tracklets that are somebody's one tracklet.

Predicted and truth tracklets of a film are paired one to one, by the Hungarian method on their tube IoU, at 0.5 or
more; what is left over of the predicted ones are second copies, fragments and boxes of nobody. Truth tracklets that do
not count may be paired too: following somebody small or brief is no mistake.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from evaluation.metrics.tracklet_recall import COVERING_IOU, seen_part
from evaluation.predictions import PredictedTracklet
from evaluation.truth import TruthTracklet
from evaluation.tubes import meeting, tube_iou

__all__ = ["count_pairs"]


def count_pairs(truth: Sequence[TruthTracklet], predicted: Sequence[PredictedTracklet]) -> int:
    """Count the pairs of one film; the precision is their number over the number of predicted tracklets."""
    if not truth or not predicted:
        return 0
    overlaps = np.zeros((len(predicted), len(truth)))
    for i, j in meeting([one.tube for one in predicted], [tracklet.tube for tracklet in truth]):
        overlaps[i, j] = tube_iou(seen_part(predicted[i].tube, truth[j]), truth[j].tube)
    gain = np.where(overlaps >= COVERING_IOU, overlaps, 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    return int(np.count_nonzero(gain[rows, columns]))
