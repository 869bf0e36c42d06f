"""What a way of fusing must do, and what all ways share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from evaluation.datasets.tracklets import Tracklets
from evaluation.fusers.comparable import Comparable
from packs.arrays import F64
from packs.calibration import Calibration
from packs.spec import Modality
from services.association.settings import LinkingSettings
from services.fusion.settings import FusionSettings

__all__ = ["Fuser", "Weighing", "cosines"]


class Fuser(Protocol):
    """Makes one score of what the modalities of two sets say.

    A modality that is not in `comparable`, or not for that pair, must not count at all, whatever its vector holds.
    """

    @property
    def name(self) -> str:
        """Of the way, for tables."""
        ...

    def matches(self, queries: Tracklets, tracklets: Tracklets, comparable: Comparable) -> F64:
        """How probable it is that each tracklet shows each query's person: float64[Q, N] in [0, 1].

        0 is for pairs that cannot be compared.
        """
        ...

    def links(self, some: Tracklets, tracklets: Tracklets, comparable: Comparable) -> F64:
        """How probable it is that two tracklets show one person: float64[M, N] in [0, 1], likewise."""
        ...


@dataclass(frozen=True, slots=True)
class Weighing:
    """What turns cosines into evidence; none of it is fitted here.

    Attributes:
        calibration: The pack's; a modality without one says nothing.
        fusion: Prior and limit of a query's match.
        linking: Priors of a link, and the window of short-term modalities.
    """

    calibration: Mapping[Modality, Calibration]
    fusion: FusionSettings
    linking: LinkingSettings

    @classmethod
    def of(cls, calibration: Mapping[Modality, Calibration]) -> Weighing:
        """With the product's own numbers."""
        return cls(calibration, FusionSettings(), LinkingSettings())

    def prior_of_link(self, comparable: Comparable, shape: tuple[int, int]) -> F64:
        """Log-odds of a link before vectors are looked at: the best that a comparable modality gives, -inf without."""
        priors = np.full(shape, -np.inf)
        for modality, pairs in comparable.items():
            prior = self.linking.prior_log_odds.get(modality, -np.inf)
            priors[pairs] = np.maximum(priors[pairs], prior)
        return priors


def cosines(left: Tracklets, right: Tracklets, modality: Modality) -> F64:
    """Of all pairs, float64[L, R]; 0 where one lacks the modality."""
    if modality not in left.rows or modality not in right.rows:
        return np.zeros((len(left), len(right)))
    return np.asarray(left.rows[modality].vectors @ right.rows[modality].vectors.T, dtype=np.float64)


def qualities(left: Tracklets, right: Tracklets, modality: Modality) -> F64:
    """Quality of the weaker of all pairs, float64[L, R]; 0 where one lacks the modality."""
    if modality not in left.rows or modality not in right.rows:
        return np.zeros((len(left), len(right)))
    weaker = np.minimum(left.rows[modality].quality[:, None], right.rows[modality].quality[None, :])
    return np.asarray(weaker, dtype=np.float64)
