"""From a cosine to evidence: Platt's logistic fit, balanced so that it speaks for no prior.

Source: J. Platt, "Probabilistic outputs for support vector machines" (1999), with the smoothed targets of
its section 2.2; classes are reweighted to equal mass, so the logit is a log-likelihood ratio and the evidence
of several modalities can be added.
"""

from __future__ import annotations

import math
from typing import Annotated, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, model_validator

from packs.arrays import F32, F64
from packs.logistic import expit, fit_logistic
from packs.spec import FrozenModel


class Calibration(FrozenModel):
    """``logit(cosine) = slope * cosine + intercept``: natural-log odds of "same person" at prior 1/2.

    Slope and intercept are those of the best quality; each falls on a line with quality. A face of 13 pixels looks
    like nobody, not like somebody else: without this, it would be told from its own person with great certainty. From
    `clear_from` on quality says no more: of two clear looks at a person one would else be lifted above the other, and
    with it who resembles them most.
    """

    slope: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
    intercept: Annotated[float, Field(allow_inf_nan=False)]
    slope_by_quality: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    intercept_by_quality: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    clear_from: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0

    @model_validator(mode="after")
    def _similarity_never_speaks_against(self) -> Self:
        if self.slope - self.slope_by_quality < 0.0:
            raise ValueError(
                f"slope_by_quality is {self.slope_by_quality}, at most {self.slope} keeps every slope >= 0"
            )
        return self

    def logit(self, cosine: float, quality: float = 1.0) -> float:
        """The log-likelihood ratio of one cosine, in nats; `quality`, in [0, 1], is that of the weaker embedding."""
        # As `lost_quality`, without what an array costs: searches and links ask this of one pair at a time.
        lost = max(0.0, 1.0 - quality / self.clear_from)
        return (self.slope - lost * self.slope_by_quality) * cosine + self.intercept - lost * self.intercept_by_quality

    def logit_of(self, cosines: F32 | F64, qualities: F64) -> F64:
        """The log-likelihood ratios of many cosines, float64 of their shape."""
        lost = lost_quality(qualities, self.clear_from)
        slopes = self.slope - lost * self.slope_by_quality
        return np.asarray(slopes * cosines + self.intercept - lost * self.intercept_by_quality, dtype=np.float64)

    def probability(self, cosine: float, quality: float = 1.0) -> float:
        """The probability of "same person" at prior 1/2, in [0, 1]."""
        return float(expit(np.asarray(self.logit(cosine, quality))))

    def cosine_at(self, probability: float) -> float:
        """The cosine that means ``probability`` at quality 1; the inverse of `probability`, not clipped to [-1, 1]."""
        if not 0.0 < probability < 1.0:
            raise ValueError(f"probability must lie inside (0, 1), got {probability}")
        return (math.log(probability / (1.0 - probability)) - self.intercept) / self.slope


def lost_quality(qualities: ArrayLike, clear_from: float) -> F64:
    """What of quality is lost, float64 of its shape, in [0, 1]: 0 from `clear_from` on, 1 where nothing can be seen."""
    return np.maximum(0.0, 1.0 - np.asarray(qualities, dtype=np.float64) / clear_from)


def fit_platt(cosines: ArrayLike, same: ArrayLike, *, iterations: int = 100) -> Calibration:
    """Fit a calibration on validation pairs.

    Args:
        cosines: float[N] similarities of pairs.
        same: bool[N], whether the pair shows one person.
        iterations: Most Newton steps; the fit is convex and normally takes about ten.

    Raises:
        ValueError: If a class is absent, shapes differ, or similarity does not grow with sameness.
    """
    x = np.asarray(cosines, dtype=np.float64).ravel()
    labels = np.asarray(same, dtype=np.bool_).ravel()
    if x.shape != labels.shape:
        raise ValueError(f"cosines and same must have one length, got {x.shape[0]} and {labels.shape[0]}")
    positives = int(labels.sum())
    negatives = labels.shape[0] - positives
    if positives == 0 or negatives == 0:
        raise ValueError(f"both classes are needed, got {positives} same and {negatives} different pairs")
    # Smoothed targets keep the optimum finite when the classes do not overlap.
    targets = np.where(labels, (positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0))
    weights = np.where(labels, 0.5 / positives, 0.5 / negatives)
    design = np.stack([x, np.ones_like(x)], axis=1)
    slope, intercept = fit_logistic(design, targets, weights, steps=iterations).tolist()
    if slope <= 0.0:
        raise ValueError(f"the fitted slope is {slope:.3f}: similarity must grow with being the same person")
    return Calibration(slope=slope, intercept=intercept)
