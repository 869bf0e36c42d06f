"""tracklet_recall: the share of the truth tracklets that count which some predicted tracklet covers.

Covers: the spatio-temporal IoU of the two tubes, which is the sum of the intersections of their boxes over the sum of
the unions, over all frames of either, is at least 0.5. Frames in which the truth's person cannot be seen take no part:
they are taken from the predicted tube too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.predictions import PredictedTracklet
from evaluation.truth import TruthTracklet
from evaluation.tubes import Tube, meet, tube_iou

__all__ = ["COVERING_IOU", "covered", "seen_part"]

COVERING_IOU = 0.5


def covered(truth: Sequence[TruthTracklet], predicted: Sequence[PredictedTracklet]) -> list[bool]:
    """Say of each truth tracklet of one film whether a predicted one covers it; the recall is their mean."""
    return [any(_covers(prediction.tube, tracklet) for prediction in predicted) for tracklet in truth]


def _covers(predicted: Tube, truth: TruthTracklet) -> bool:
    if not meet(predicted, truth.tube):
        return False
    return tube_iou(seen_part(predicted, truth), truth.tube) >= COVERING_IOU


def seen_part(predicted: Tube, truth: TruthTracklet) -> Tube:
    """Take the frames from a predicted tube in which the truth's person cannot be seen."""
    return predicted.at(np.setdiff1d(predicted.frames, truth.hidden_frames, assume_unique=True))
