"""What of the truth an appearance shows.

A tracklet is assigned to the truth tracklet of its video with the largest overlap, where the overlap is the sum of the
intersections over the sum of the unions of their boxes, over the frames of the appearance alone: a short fragment of a
long tracklet is assigned to it. Below 0.5 it is assigned to none: it follows nobody, or several people in turn.

Speech that stands alone is assigned to the line of the truth with which it shares most time, when that line's speaker
speaks during at least half of it: padding is forgiven, a stretch that holds mostly silence or other voices is not.
"""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.metrics.speech_time import shared_s
from evaluation.metrics.tracklet_recall import seen_part
from evaluation.predictions import PredictedSpeech, PredictedTracklet
from evaluation.truth import TruthTracklet
from evaluation.truth_speech import TruthSpeech
from evaluation.tubes import meeting, tube_iou

__all__ = ["MIN_OVERLAP", "assign", "assign_speech"]

MIN_OVERLAP = 0.5


def assign(predicted: Sequence[PredictedTracklet], truth: Sequence[TruthTracklet]) -> dict[str, TruthTracklet]:
    """Map appearance ids of one film to the truth tracklets that they show; the others are left out."""
    assigned: dict[str, TruthTracklet] = {}
    overlaps: dict[str, float] = {}
    for i, j in meeting([one.tube for one in predicted], [tracklet.tube for tracklet in truth]):
        name, share = predicted[i].appearance_id, _overlap(predicted[i], truth[j])
        if share >= MIN_OVERLAP and share > overlaps.get(name, 0.0):
            assigned[name], overlaps[name] = truth[j], share
    return assigned


def assign_speech(predicted: Sequence[PredictedSpeech], truth: Sequence[TruthSpeech]) -> dict[str, TruthSpeech]:
    """Map appearance ids of one film's speech to the lines that they hold; the others are left out."""
    assigned: dict[str, TruthSpeech] = {}
    for prediction in predicted:
        span_s = (prediction.start_s, prediction.end_s)
        shares = [shared_s([span_s], [line.span_s]) for line in truth]
        best = max(range(len(truth)), key=shares.__getitem__, default=None)
        if best is None or shares[best] <= 0:
            continue
        own = [line.span_s for line in truth if line.identity == truth[best].identity]
        if shared_s([span_s], own) >= MIN_OVERLAP * (prediction.end_s - prediction.start_s):
            assigned[prediction.appearance_id] = truth[best]
    return assigned


def _overlap(prediction: PredictedTracklet, truth: TruthTracklet) -> float:
    within = truth.tube.at(prediction.tube.frames)
    return tube_iou(seen_part(prediction.tube, truth), within)
