"""What the product says was there: the appearances of a video as tubes in pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from evaluation.truth import Film
from evaluation.tubes import Tube, tube_from_key_boxes
from services.backends.schemas import Appearance, AppearanceKind

__all__ = ["PredictedTracklet", "predicted_tracklets"]


@dataclass(frozen=True, slots=True, eq=False)
class PredictedTracklet:
    """An appearance on screen, as a tube of the whole person in pixels."""

    appearance_id: str
    tube: Tube


def predicted_tracklets(appearances: Iterable[Appearance], film: Film) -> list[PredictedTracklet]:
    """Turn the tracklets among a video's appearances into tubes; the path between two key boxes is straight."""
    return [
        PredictedTracklet(appearance.appearance_id, _tube(appearance, film))
        for appearance in appearances
        if appearance.kind is AppearanceKind.TRACKLET and appearance.boxes
    ]


def _tube(appearance: Appearance, film: Film) -> Tube:
    people = [key.person for key in appearance.boxes]
    fractions = np.array([[box.x_min, box.y_min, box.x_max, box.y_max] for box in people], dtype=np.float64)
    size = np.array([film.width_px, film.height_px, film.width_px, film.height_px], dtype=np.float64)
    times_s = np.array([key.time_s for key in appearance.boxes], dtype=np.float64)
    span_s = (appearance.start_s, appearance.end_s)
    return tube_from_key_boxes(times_s, fractions * size, span_s, film.frames_per_second)
