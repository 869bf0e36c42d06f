"""Which looks of some tracklets two people wear, by the association service's own code."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from evaluation.datasets.tracklets import Tracklets
from packs.arrays import F64
from services.association.evidence import SHORT_TERM
from services.association.looks import Looks, Seen
from services.association.short_term import ShortTermLinks

__all__ = ["looks_of", "worn_of"]


def worn_of(tracklets: Tracklets, movies: Iterable[str], judge: ShortTermLinks) -> F64:
    """How sure it is that each look of some films is worn by two people, float64[N], in nats (`doubles`); else -inf."""
    worn = np.full(len(tracklets), -np.inf)
    for movie in dict.fromkeys(movies):
        rows = np.flatnonzero(tracklets.of_movie(movie))
        places = {tracklets.ids[row]: row for row in rows.tolist()}
        looks = looks_of(tracklets.take(rows))
        worn[[places[one] for one in looks.ids]] = judge.doubles_of(looks)
    return worn


def looks_of(tracklets: Tracklets) -> Looks:
    """How the tracklets of one film look, those with a body or a head, in order of time."""
    held = {modality: tracklets.rows[modality] for modality in sorted(SHORT_TERM) if modality in tracklets.rows}
    there = np.zeros(len(tracklets), dtype=np.bool_)
    for one in held.values():
        there |= one.present
    by_time = np.lexsort((np.array(tracklets.ids, dtype=np.str_), tracklets.spans_s[:, 0]))
    order = by_time[there[by_time]]
    seen = {
        modality: Seen(one.vectors[order], one.present[order], one.quality[order].astype(np.float64))
        for modality, one in held.items()
    }
    spans = tracklets.spans_s[order].astype(np.float64).reshape(-1, 2)
    return Looks(tuple(tracklets.ids[row] for row in order.tolist()), spans[:, 0], spans[:, 1], seen)
