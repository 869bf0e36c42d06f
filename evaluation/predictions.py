"""What the product says was there: the appearances of a video as tubes in pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.truth import Film
from evaluation.tubes import Tube, tube_from_key_boxes
from personsearch.v1 import geometry_pb2, hit_pb2
from services.backends.schemas import Appearance, AppearanceKind, KeyBox

__all__ = ["PredictedTracklet", "predicted_tracklet_of_hit", "predicted_tracklets"]


@dataclass(frozen=True, slots=True, eq=False)
class PredictedTracklet:
    """An appearance on screen, as a tube of the whole person in pixels."""

    appearance_id: str
    tube: Tube


def predicted_tracklets(appearances: Iterable[Appearance], film: Film) -> list[PredictedTracklet]:
    """Turn the tracklets among a video's appearances into tubes; the path between two key boxes is straight."""
    return [
        PredictedTracklet(one.appearance_id, _tube(one.boxes, (one.start_s, one.end_s), film))
        for one in appearances
        if one.kind is AppearanceKind.TRACKLET and one.boxes
    ]


def predicted_tracklet_of_hit(hit: hit_pb2.Hit, film: Film) -> PredictedTracklet:
    """Turn a hit into a tube; raises ValueError when it has no boxes."""
    appearance = hit.appearance
    if not appearance.boxes:
        raise ValueError(f"got the appearance {appearance.appearance_id} without boxes, expected a tracklet")
    span_s = (appearance.span.start_s, appearance.span.end_s)
    return PredictedTracklet(appearance.appearance_id, _tube(appearance.boxes, span_s, film))


def _tube(keys: Sequence[KeyBox] | Sequence[geometry_pb2.KeyBox], span_s: tuple[float, float], film: Film) -> Tube:
    people = [key.person for key in keys]
    fractions = np.array([[box.x_min, box.y_min, box.x_max, box.y_max] for box in people], dtype=np.float64)
    size = np.array([film.width_px, film.height_px, film.width_px, film.height_px], dtype=np.float64)
    times_s = np.array([key.time_s for key in keys], dtype=np.float64)
    return tube_from_key_boxes(times_s, fractions * size, span_s, film.frames_per_second)
