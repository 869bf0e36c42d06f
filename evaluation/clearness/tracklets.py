"""Tracklets of a read-back by how far their people turn away, which the truth tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.clearness.samples import YAWS_DEG
from evaluation.clearness.weights import Curve, curve_of
from evaluation.datasets.tracklets import Tracklets
from evaluation.fusers.representation import RepresentationFuser
from evaluation.truth import Film, TruthTracklet
from packs.arrays import F64
from packs.spec import Modality

__all__ = ["best_yaws_deg", "tracklet_curves"]

# The quality of a tracklet is that of its best looks, as many as these.
BEST = 3


@dataclass(frozen=True, slots=True)
class _Turned:
    """A tracklet with a face: whose, which, and in which bin of yaw."""

    identity: str
    tracklet: str
    condition: int


def tracklet_curves(
    several: Sequence[Tracklets], films: Sequence[Film], fusers: Mapping[str, RepresentationFuser]
) -> tuple[Curve, Mapping[str, Curve]]:
    """Quality of the face, and its weight by network, by bin of yaw.

    Over the tracklets of somebody in the truth that have a face and a body, represented by these two: the face of one
    that has a voice too weighs less, which is no matter of yaw.

    Raises:
        ValueError: If there is no such tracklet.
    """
    seen, quality, weights = list[_Turned](), list[F64](), {name: list[F64]() for name in fusers}
    for tracklets in several:
        yaws_deg = best_yaws_deg(tracklets, films)
        both = tracklets.present(Modality.FACE) & tracklets.present(Modality.BODY)
        bins = np.digitize(yaws_deg, YAWS_DEG) - 1
        rows = np.flatnonzero(both & np.isfinite(yaws_deg) & (bins < len(YAWS_DEG) - 1))
        seen += [_Turned(str(tracklets.identities[row]), tracklets.ids[row], int(bins[row])) for row in rows.tolist()]
        if len(rows) == 0:
            continue
        quality.append(tracklets.rows[Modality.FACE].quality[rows].astype(np.float64))
        pairs = replace(tracklets, rows={one: tracklets.rows[one] for one in (Modality.FACE, Modality.BODY)})
        for name, fuser in fusers.items():
            column = list(fuser.modalities).index(Modality.FACE)
            weights[name].append(fuser.weights(pairs)[rows, column].astype(np.float64))
    if not seen:
        raise ValueError("no tracklet of the read-backs shows a face and a body of the truth of these films")
    curves = {name: curve_of(np.concatenate(values), seen) for name, values in weights.items()}
    return curve_of(np.concatenate(quality), seen), curves


def best_yaws_deg(tracklets: Tracklets, films: Sequence[Film]) -> F64:
    """How far each tracklet's person turns away where they look most at the camera: float64[N], degrees.

    The mean over the three best frames of the truth within the tracklet; NaN where the truth shows no face of them.
    """
    known: dict[tuple[str, str], list[TruthTracklet]] = {}
    for film in films:
        for one in film.tracklets:
            known.setdefault((film.name, one.identity), []).append(one)
    rates = {film.name: film.frames_per_second for film in films}
    found = np.full(len(tracklets), np.nan)
    for row, (movie, identity) in enumerate(zip(tracklets.movies, tracklets.identities, strict=True)):
        if identity is None or movie not in rates:
            continue
        first, last = tracklets.spans_s[row] * rates[movie]
        views = [one.views for one in known.get((movie, identity), ())]
        inside = [one.yaw_deg[(one.tube.frames >= first) & (one.tube.frames <= last)] for one in views]
        yaws_deg = np.sort(np.concatenate([np.zeros(0), *inside]))
        if len(yaws_deg):
            found[row] = float(yaws_deg[:BEST].mean())
    return found
