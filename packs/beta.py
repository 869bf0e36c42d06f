"""From a score in [0, 1] to a probability: beta calibration, which may bend low and high scores apart.

``logit p' = a ln p - b ln(1 - p) + c`` with a, b >= 0, so that no order changes. Source: Kull, Silva Filho and Flach,
"Beta calibration: a well-founded and easily implemented improvement on logistic calibration" (AISTATS 2017), section 3.
With a = b = 1 and c = 0 it changes nothing; with a = b it is Platt's line on the log-odds.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from packs.arrays import F64
from packs.logistic import expit, fit_logistic, scores_and_labels
from packs.spec import FrozenModel

__all__ = ["BetaCalibration", "fit_beta"]

# What is nearer to an end than this is certain, and stays so.
CERTAIN = 1e-7
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class BetaCalibration(FrozenModel):
    """A map of scores that keeps their order."""

    a: NonNegative = 1.0
    b: NonNegative = 1.0
    c: Annotated[float, Field(allow_inf_nan=False)] = 0.0

    def of(self, scores: ArrayLike) -> F64:
        """The probabilities, float64 in [0, 1], of scores of the same shape; 0 and 1 stay what they are."""
        given = np.asarray(scores, dtype=np.float64)
        inside = np.clip(given, CERTAIN, 1.0 - CERTAIN)
        logits = self.a * np.log(inside) - self.b * np.log1p(-inside) + self.c
        return np.where((given <= CERTAIN) | (given >= 1.0 - CERTAIN), given, expit(logits))


def fit_beta(
    scores: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None, *, hold: float = 1e-12
) -> BetaCalibration:
    """Fit a map by the greatest likelihood.

    Args:
        scores: float[N] in (0, 1).
        right: bool[N].
        weights: float[N], how much each counts; all alike when left out.
        hold: What half of the sum of the squares of all three costs, in nats a score.

    Raises:
        ValueError: If a class is absent, or shapes differ.
    """
    p, labels = scores_and_labels(scores, right, CERTAIN)
    counts = np.ones_like(p) if weights is None else np.array(weights, dtype=np.float64).ravel()
    columns = np.stack([np.log(p), -np.log1p(-p), np.ones_like(p)], axis=1)
    counts /= counts.sum()
    theta = fit_logistic(columns, labels, counts, hold=hold)
    # As the paper has it: a parameter that would turn the order round is 0, and the others are fitted again.
    for place in (0, 1):
        if theta[place] < 0.0:
            kept = [1 - place, 2]
            theta = np.zeros(3)
            theta[kept] = fit_logistic(columns[:, kept], labels, counts, hold=hold)
    return BetaCalibration(a=max(0.0, theta[0]), b=max(0.0, theta[1]), c=float(theta[2]))
