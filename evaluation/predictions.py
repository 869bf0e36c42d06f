"""What the product says was there: the appearances of a video as tubes in pixels and as spans of speech."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.truth import Film
from evaluation.tubes import Tube, tube_from_key_boxes
from personsearch.v1 import appearance_pb2, geometry_pb2, hit_pb2

__all__ = [
    "PredictedSpeech",
    "PredictedTracklet",
    "predicted_speech",
    "predicted_tracklet_of_hit",
    "predicted_tracklets",
]


@dataclass(frozen=True, slots=True, eq=False)
class PredictedTracklet:
    """An appearance on screen, as a tube of the whole person in pixels, and when the person speaks, in seconds."""

    appearance_id: str
    tube: Tube
    speech_s: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class PredictedSpeech:
    """Speech that stands alone, in seconds of the film."""

    appearance_id: str
    start_s: float
    end_s: float


def predicted_tracklets(appearances: Iterable[appearance_pb2.Appearance], film: Film) -> list[PredictedTracklet]:
    """Turn the tracklets among a video's appearances into tubes; the path between two key boxes is straight."""
    return [
        _tracklet(one, film) for one in appearances if one.kind == appearance_pb2.APPEARANCE_KIND_TRACKLET and one.boxes
    ]


def predicted_speech(appearances: Iterable[appearance_pb2.Appearance]) -> list[PredictedSpeech]:
    """Take the speech that stands alone among a video's appearances."""
    return [
        PredictedSpeech(one.appearance_id, one.span.start_s, one.span.end_s)
        for one in appearances
        if one.kind == appearance_pb2.APPEARANCE_KIND_SPEECH
    ]


def predicted_tracklet_of_hit(hit: hit_pb2.Hit, film: Film) -> PredictedTracklet:
    """Turn a hit into a tube; raises ValueError when it has no boxes."""
    if not hit.appearance.boxes:
        raise ValueError(f"got the appearance {hit.appearance.appearance_id} without boxes, expected a tracklet")
    return _tracklet(hit.appearance, film)


def _tracklet(appearance: appearance_pb2.Appearance, film: Film) -> PredictedTracklet:
    tube = _tube(appearance.boxes, (appearance.span.start_s, appearance.span.end_s), film)
    spoken = tuple((one.span.start_s, one.span.end_s) for one in appearance.speech)
    return PredictedTracklet(appearance.appearance_id, tube, spoken)


def _tube(keys: Sequence[geometry_pb2.KeyBox], span_s: tuple[float, float], film: Film) -> Tube:
    people = [key.person for key in keys]
    fractions = np.array([[box.x_min, box.y_min, box.x_max, box.y_max] for box in people], dtype=np.float64)
    size = np.array([film.width_px, film.height_px, film.width_px, film.height_px], dtype=np.float64)
    times_s = np.array([key.time_s for key in keys], dtype=np.float64)
    return tube_from_key_boxes(times_s, fractions * size, span_s, film.frames_per_second)
