"""The graph of a pool of tracklets by one fuser: who is linked with whom, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from evaluation.datasets.tracklets import Tracklets
from evaluation.fusers.comparable import comparable_queries, comparable_tracklets
from evaluation.fusers.fuser import Fuser
from packs.arrays import F64
from packs.spec import Modality

__all__ = ["LEAST_LINK", "direct_of", "links_of"]

# Rows that are compared at once: bounds the memory at some matrices of 512 rows.
BLOCK = 512
# Weaker links are left out (measured with links of body alone, before heads were judged with them). On the
# development films 9601 to 9605, portraits across films with late fusion: mAP of clamped consensus 0.820, 0.862 and
# 0.866 at 0.6, 0.3 and 0.05 (and 24, 47 and 427 thousand links), of chains 0.692, 0.711, 0.714.
LEAST_LINK = 0.3


def direct_of(fuser: Fuser, queries: Tracklets, tracklets: Tracklets, modalities: Sequence[Modality]) -> F64:
    """What the queries match by themselves: float64[Q, N]."""
    return fuser.matches(queries, tracklets, comparable_queries(queries, tracklets, modalities))


def links_of(
    fuser: Fuser,
    tracklets: Tracklets,
    modalities: Sequence[Modality],
    window_s: float,
    least: float = LEAST_LINK,
) -> Any:
    """Links of at least `least`: sparse float64[N, N], symmetric."""
    count = len(tracklets)
    blocks = []
    for first in range(0, count, BLOCK):
        some = np.arange(first, min(first + BLOCK, count))
        comparable = comparable_tracklets(some, tracklets, modalities, window_s)
        found = fuser.links(tracklets.take(some), tracklets, comparable)
        found[found < least] = 0.0
        blocks.append(sparse.csr_array(found))
    if not blocks:
        return sparse.csr_array((0, 0))
    whole = sparse.csr_array(sparse.vstack(blocks))
    return sparse.csr_array(whole.maximum(whole.T))
