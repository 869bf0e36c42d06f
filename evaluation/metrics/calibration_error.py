"""Expected calibration error: how far scores are from being probabilities.

Hits are put into ten bins of equal width by score; the error is the mean over bins, weighted by their hits, of the
distance between the mean score and the share of right hits (Guo et al. 2017, arXiv 1706.04599v2, eq. 5).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.bootstrap import Estimate, estimate_of

__all__ = ["calibration_error", "calibration_estimate"]

BINS = 10


def calibration_error(scores: Sequence[float], right: Sequence[bool], bins: int = BINS) -> float:
    """ECE in [0, 1] of scores in [0, 1]; 0 without hits."""
    values, flags = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if values.shape != flags.shape:
        raise ValueError(f"got {len(values)} scores and {len(flags)} labels, expected as many")
    if not len(values):
        return 0.0
    places = np.minimum((values * bins).astype(np.int64), bins - 1)
    score_sums = np.bincount(places, weights=values, minlength=bins)
    right_sums = np.bincount(places, weights=flags, minlength=bins)
    return float(np.abs(score_sums - right_sums).sum() / len(values))


def calibration_estimate(
    scores: Sequence[float], right: Sequence[bool], units: Sequence[str], bins: int = BINS
) -> Estimate | None:
    """The same with its interval over units, such as the people asked for; None without hits.

    An error is never below 0, so draws lie above the figure more often than below it.

    Args:
        scores: In [0, 1].
        right: Whether each is right.
        units: Of each.
        bins: How many.
    """
    if not len(scores):
        return None
    names, places = np.unique(np.asarray(units), return_inverse=True)
    values, flags = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=np.float64)
    cells = places * bins + np.minimum((values * bins).astype(np.int64), bins - 1)
    gaps, counts = (
        np.bincount(cells, weights=one, minlength=len(names) * bins).reshape(len(names), bins)
        for one in (values - flags, np.ones(len(values)))
    )

    def figure(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.abs(sums[:, :bins]).sum(axis=1) / np.maximum(sums[:, bins:].sum(axis=1), 1.0))

    return estimate_of(np.concatenate([gaps, counts], axis=1), figure)
