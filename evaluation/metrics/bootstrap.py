"""Bootstrap intervals: how much a mean over identities would move with another cast of the same size.

Identities are drawn with replacement (the portraits and films of one identity depend on each other, so they are not
drawn apart); the interval is between the 2.5th and the 97.5th percentile of the means.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["bootstrap_interval"]

DRAWS = 2000
PERCENTILES = (2.5, 97.5)


def bootstrap_interval(values: Sequence[float], seed: int = 0, draws: int = DRAWS) -> tuple[float, float]:
    """Return the 95 % interval of the mean of `values`, one for each identity."""
    numbers = np.asarray(values, dtype=np.float64)
    if not len(numbers):
        raise ValueError("got no values, expected at least one identity")
    chosen = np.random.default_rng(seed).integers(len(numbers), size=(draws, len(numbers)))
    low, high = np.percentile(numbers[chosen].mean(axis=1), PERCENTILES)
    return float(low), float(high)
