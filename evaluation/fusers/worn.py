"""Which looks of some tracklets two people wear, by the association service's own code."""

from __future__ import annotations

import numpy as np

from evaluation.datasets.tracklets import Tracklets
from evaluation.fusers.fuser import Weighing
from packs.arrays import F64
from services.association.doubles import Doubt
from services.association.evidence import SHORT_TERM, evidence_of
from services.association.looks import Looks, Seen
from services.association.short_term import ShortTermLinks

__all__ = ["looks_of", "short_term_links", "worn_of"]


def short_term_links(weighing: Weighing) -> ShortTermLinks:
    """What judges bodies and heads with the numbers of a weighing."""
    linking = weighing.linking
    evidence = evidence_of(weighing.calibration, linking.prior_log_odds)
    return ShortTermLinks(
        {modality: one for modality, one in evidence.items() if modality in SHORT_TERM},
        linking.short_term_window_s,
        linking.head_share,
        linking.clothes_kept,
        Doubt(linking.double_above, linking.double_share),
    )


def worn_of(tracklets: Tracklets, weighing: Weighing) -> F64:
    """How sure it is that each look is worn by two people of its film, float64[N], in nats (`doubles`)."""
    judge, worn = short_term_links(weighing), np.full(len(tracklets), -np.inf)
    for movie in dict.fromkeys(tracklets.movies):
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
