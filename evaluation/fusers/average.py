"""Fixed fusion: every modality that is there counts the same, whatever its quality.

The baseline of the papers is a mean of similarities. Cosines of different encoders have different scales, so what is
averaged here is each modality's calibrated log-likelihood ratio at full quality, which puts them on one scale: a fairer
baseline than the mean of cosines. A weak body then still halves what a clear face says, which is what is wrong with it.
"""

from __future__ import annotations

import numpy as np

from evaluation.datasets.tracklets import Flags, Tracklets
from evaluation.fusers.comparable import Comparable
from evaluation.fusers.fuser import Weighing, cosines
from packs.arrays import F64
from packs.logistic import expit

__all__ = ["AverageFuser"]


class AverageFuser:
    """The mean of what the comparable modalities say, plus the prior."""

    def __init__(self, weighing: Weighing) -> None:
        self._weighing = weighing

    @property
    def name(self) -> str:
        """For tables."""
        return "average"

    def matches(self, queries: Tracklets, tracklets: Tracklets, comparable: Comparable) -> F64:
        """See `Fuser.matches`."""
        mean, there = self._mean(queries, tracklets, comparable)
        return np.where(there, expit(self._weighing.fusion.prior_log_odds + mean), 0.0)

    def links(self, some: Tracklets, tracklets: Tracklets, comparable: Comparable) -> F64:
        """See `Fuser.links`."""
        mean, there = self._mean(some, tracklets, comparable)
        prior = self._weighing.prior_of_link(comparable, mean.shape)
        return np.where(there, expit(prior + mean), 0.0)

    def _mean(self, left: Tracklets, right: Tracklets, comparable: Comparable) -> tuple[F64, Flags]:
        total, count = np.zeros((len(left), len(right))), np.zeros((len(left), len(right)))
        for modality, pairs in comparable.items():
            calibration = self._weighing.calibration.get(modality)
            if calibration is not None:
                said = calibration.slope * cosines(left, right, modality) + calibration.intercept
                total += np.where(pairs, said, 0.0)
                count += pairs
        return total / np.maximum(count, 1.0), count > 0
