"""Calibration of cosines whose meaning depends on how clear the weaker of two embeddings is.

Platt's logistic fit (see `packs.calibration`) with a slope and an intercept that fall on lines with quality::

    logit = (slope - (1 - q) slope_by_quality) cosine + intercept - (1 - q) intercept_by_quality

where q is the quality as a share of the one from which on it says no more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from packs.calibration import Calibration, lost_quality
from packs.logistic import fit_logistic

F64 = NDArray[np.float64]

_STEPS = 60
# Keeps a direction that no pair tells of at zero, and the steps finite.
_HOLD = 1e-6


def fit_by_quality(
    cosines: F64, same: NDArray[np.bool_], qualities: F64, weights: F64, *, clear_from: float = 1.0
) -> Calibration:
    """Fit a calibration on pairs.

    Args:
        cosines: float64[N].
        same: bool[N], whether the pair shows one person.
        qualities: float64[N], 0..1, of the weaker embedding.
        weights: float64[N], what each pair counts.
        clear_from: The quality from which on it says no more; it is not fitted.

    Raises:
        ValueError: If similarity does not grow with sameness among the clear.
    """
    lost = lost_quality(qualities, clear_from)
    columns = np.stack([cosines, np.ones_like(cosines), -lost * cosines, -lost], axis=1)
    shares = weights / weights.sum()
    slope, intercept, by_slope, by_intercept = fit_logistic(columns, same, shares, hold=_HOLD, steps=_STEPS)
    if by_slope > slope:
        # Unclear faces that are alike would speak against being one person: hold the slope of the worst at nothing.
        held = np.stack([(1.0 - lost) * cosines, np.ones_like(cosines), -lost], axis=1)
        slope, intercept, by_intercept = fit_logistic(held, same, shares, hold=_HOLD, steps=_STEPS)
        by_slope = slope
    if slope <= 0.0:
        raise ValueError(f"the fitted slope is {slope:.3f}: similarity must grow with being the same person")
    rounded = [round(float(value), 4) for value in (slope, intercept, by_slope, by_intercept)]
    return Calibration(
        slope=rounded[0],
        intercept=rounded[1],
        slope_by_quality=min(rounded[2], rounded[0]),
        intercept_by_quality=rounded[3],
        clear_from=clear_from,
    )
