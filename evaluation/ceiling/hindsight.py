"""More than a perfect reader could do: a threshold for each kind of sentence, set when it is known who was absent.

One threshold for all kinds is not the best that there is: what a hit is worth may differ by how one asks. With the
searches for somebody absent at hand, the false positives that are allowed in all can be spent on the kinds where they
buy most. No reader has that, so this bounds what rules of this sort can give, on these very searches.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.metrics.open_set import Searches
from packs.arrays import F64

__all__ = ["found_in_hindsight"]


def found_in_hindsight(kinds: Sequence[Searches], allowed: float) -> float:
    """The highest rate of true persons found with a threshold for each kind, all kinds together.

    Args:
        kinds: The searches of each kind.
        allowed: False positive identification rate over all of them.
    """
    searches = sum(len(one.people) for one in kinds)
    spent = int(np.floor(allowed * searches + 1e-9))
    best = np.zeros(spent + 1)
    for one in kinds:
        hits = _hits(one, spent)
        best = np.array([max(best[total - own] + hits[own] for own in range(total + 1)) for total in range(spent + 1)])
    return float(best[spent] / searches)


def _hits(searches: Searches, most: int) -> F64:
    """How many true persons are found, float64[most + 1], with at most so many false positives."""
    falling = np.sort(searches.strange)[::-1]
    # With as many false positives as searches there is nothing left to refuse.
    refused = np.append(falling, -np.inf)[np.minimum(np.arange(most + 1), len(falling))]
    return np.array([searches.first[searches.own > score].sum() for score in refused])
