"""From a score in [0, 1] to a probability by a line with bends: what scores mean where no simple curve fits.

The map is given by its values at fixed log-odds, straight between them and of slope 1 beyond them, and rises
everywhere, so that no order changes. Scores that are made of several kinds of evidence pile up in places (what lies
inside of an identity high, what lies between two low); the three numbers of beta calibration cannot follow that, ten
can.
"""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, model_validator

from packs.arrays import F64
from packs.logistic import expit, scores_and_labels
from packs.spec import FrozenModel

__all__ = ["KNOTS", "LogOddsMap", "fit_log_odds"]

# Log-odds at which the map is given; scores from 0.007 to 0.993.
KNOTS = (-5.0, -3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 5.0)
# What is nearer to an end than this is certain, and stays so.
CERTAIN = 1e-7
# The least slope, so that what differs stays different.
LEAST_SLOPE = 0.05
# How much a bend must gain: in nats a pair, for a slope that is 1 away from 1.
STIFFNESS = 1e-4
STEPS = 400


class LogOddsMap(FrozenModel):
    """A map of scores that keeps their order.

    Attributes:
        values: Log-odds of the probability at each of `KNOTS`, rising.
    """

    values: Annotated[tuple[float, ...], Field(min_length=len(KNOTS), max_length=len(KNOTS))] = KNOTS

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not all(low < high for low, high in zip(self.values, self.values[1:], strict=False)):
            raise ValueError(f"got the values {self.values}, expected them to rise")
        return self

    def of(self, scores: ArrayLike) -> F64:
        """The probabilities, float64 in [0, 1], of scores of the same shape; 0 and 1 stay what they are."""
        given = np.asarray(scores, dtype=np.float64)
        inside = np.clip(given, CERTAIN, 1.0 - CERTAIN)
        logits = np.log(inside) - np.log1p(-inside)
        beyond = np.minimum(logits - KNOTS[0], 0.0) + np.maximum(logits - KNOTS[-1], 0.0)
        mapped = expit(np.interp(logits, KNOTS, self.values) + beyond)
        return np.where((given <= CERTAIN) | (given >= 1.0 - CERTAIN), given, mapped)


def fit_log_odds(scores: ArrayLike, right: ArrayLike) -> LogOddsMap:
    """Fit a map by the greatest likelihood, less a little for every slope that is not 1.

    Args:
        scores: float[N] in (0, 1).
        right: bool[N].

    Raises:
        ValueError: If a class is absent, or shapes differ.
    """
    p, labels = scores_and_labels(scores, right, CERTAIN)
    logits = np.log(p) - np.log1p(-p)
    design = _design(logits)
    slopes = np.ones(len(KNOTS))
    slopes[0] = KNOTS[0]
    for _ in range(STEPS):
        predicted = expit(design @ slopes)
        bend = np.concatenate([[0.0], slopes[1:] - 1.0])
        gradient = design.T @ (predicted - labels) / len(p) + 2.0 * STIFFNESS * bend
        curvature = design.T @ (design * (predicted * (1.0 - predicted))[:, None]) / len(p)
        curvature += 2.0 * STIFFNESS * np.eye(len(slopes))
        # Damped, since slopes are held above the least one between the steps.
        after = slopes - 0.5 * np.linalg.solve(curvature, gradient)
        after[1:] = np.maximum(after[1:], LEAST_SLOPE)
        if np.abs(after - slopes).max() < 1e-9:
            break
        slopes = after
    values = slopes[0] + np.concatenate([[0.0], np.cumsum(slopes[1:] * np.diff(KNOTS))])
    return LogOddsMap(values=tuple(float(one) for one in values))


def _design(logits: F64) -> F64:
    """Columns whose sum, weighted by the value at the first knot and the slopes between knots, is the map."""
    widths = np.diff(KNOTS)
    inside = np.clip(logits[:, None] - np.array(KNOTS[:-1])[None, :], 0.0, widths[None, :])
    # Beyond the ends the outermost slopes go on while fitting: nearly nothing lies there.
    inside[:, 0] += np.minimum(logits - KNOTS[0], 0.0)
    inside[:, -1] += np.maximum(logits - KNOTS[-1], 0.0)
    return np.concatenate([np.ones((len(logits), 1)), inside], axis=1)
