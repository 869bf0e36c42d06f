"""tracklet_recall: the share of the truth tracklets that count which some predicted tracklet covers.

Covers: the spatio-temporal IoU of the two tubes, which is the sum of the intersections of their boxes over the sum of
the unions, over all frames of either, is at least 0.5. Frames in which the truth's person cannot be seen take no part:
they are taken from the predicted tube too.
"""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.predictions import PredictedTracklet
from evaluation.truth import TruthTracklet
from evaluation.tubes import Tube, meeting, tube_iou

__all__ = ["COVERING_IOU", "covered", "seen_part"]

COVERING_IOU = 0.5


def covered(truth: Sequence[TruthTracklet], predicted: Sequence[PredictedTracklet]) -> list[bool]:
    """Say of each truth tracklet of one film whether a predicted one covers it; the recall is their mean."""
    is_covered = [False] * len(truth)
    for i, j in meeting([tracklet.tube for tracklet in truth], [one.tube for one in predicted]):
        is_covered[i] = is_covered[i] or tube_iou(seen_part(predicted[j].tube, truth[i]), truth[i].tube) >= COVERING_IOU
    return is_covered


def seen_part(predicted: Tube, truth: TruthTracklet) -> Tube:
    """Take the frames from a predicted tube in which the truth's person cannot be seen."""
    return predicted.without(truth.hidden_frames)
