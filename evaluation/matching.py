"""Which truth tracklet an appearance shows.

An appearance is assigned to the truth tracklet of its video with the largest overlap, where the overlap is the sum of
the intersections over the sum of the unions of their boxes, over the frames of the appearance alone: a short fragment
of a long tracklet is assigned to it. Below 0.5 it is assigned to none: it follows nobody, or several people in turn.
"""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.metrics.tracklet_recall import seen_part
from evaluation.predictions import PredictedTracklet
from evaluation.truth import TruthTracklet
from evaluation.tubes import meet, tube_iou

__all__ = ["MIN_OVERLAP", "assign"]

MIN_OVERLAP = 0.5


def assign(predicted: Sequence[PredictedTracklet], truth: Sequence[TruthTracklet]) -> dict[str, TruthTracklet]:
    """Map appearance ids of one film to the truth tracklets that they show; the others are left out."""
    assigned: dict[str, TruthTracklet] = {}
    for prediction in predicted:
        overlaps = [_overlap(prediction, tracklet) for tracklet in truth]
        best = max(range(len(truth)), key=overlaps.__getitem__, default=None)
        if best is not None and overlaps[best] >= MIN_OVERLAP:
            assigned[prediction.appearance_id] = truth[best]
    return assigned


def _overlap(prediction: PredictedTracklet, truth: TruthTracklet) -> float:
    if not meet(prediction.tube, truth.tube):
        return 0.0
    within = truth.tube.at(prediction.tube.frames)
    return tube_iou(seen_part(prediction.tube, truth), within)
