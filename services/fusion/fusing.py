"""The sum of log-odds.

With ``llr_m`` the calibrated log-likelihood ratio of "same person" that a cosine of modality m gives, and w the
weight of the part of the query that it comes from::

    logit p = prior + sum over m of ( w_m llr_m  -  v_m max(0, llr'_m) )

Of several pieces for the candidate in one modality the strongest counts (they look at one and the same person, so
their errors are not independent), and so of several against it. A piece against (a negative weight, -v) takes away
only what says "this is the rejected person": not to look like them is no reason to be the one asked for. Modalities
are taken to err independently, which overstates certainty where a candidate's crops share one bad frame.

A modality's share is its part of what speaks for the candidate; when nothing does, of how little it speaks against
(its softplus), so that the shares sum to 1 whenever there is evidence, and a modality without evidence has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from packs.calibration import Calibration
from packs.spec import Modality
from services.fusion.settings import FusionSettings

__all__ = ["Evidence", "Fused", "Fuser", "ModalityShare"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence that a candidate is the person asked for.

    Attributes:
        modality: Of both embeddings.
        cosine: Of the query's and the candidate's embedding, in [-1, 1].
        weight: Of the query's part, in [-1, 1]; below 0 it counts against.
        quality: Of the candidate's embedding, in [0, 1]. It does not count: the calibrations were fitted over all
        qualities.
    """

    modality: Modality
    cosine: float
    weight: float = 1.0
    quality: float = 1.0


@dataclass(frozen=True, slots=True)
class ModalityShare:
    """How much one modality counted, in [0, 1]."""

    modality: Modality
    share: float


@dataclass(frozen=True, slots=True)
class Fused:
    """Probability of "the person asked for", and the shares of the modalities, largest first."""

    probability: float
    shares: tuple[ModalityShare, ...]


class Fuser:
    """Weighs evidence by a pack's calibration; a modality without one decides nothing."""

    def __init__(self, calibration: Mapping[Modality, Calibration], settings: FusionSettings) -> None:
        self._calibration = calibration
        self._settings = settings

    def fuse(self, evidence: Iterable[Evidence]) -> Fused:
        """Give the verdict on one candidate; without evidence for it, that is 0 and no shares."""
        pieces = [piece for piece in evidence if piece.modality in self._calibration]
        speaking_for = self._strongest(piece for piece in pieces if piece.weight > 0)
        against = self._strongest(piece for piece in pieces if piece.weight < 0)
        if not speaking_for:
            return Fused(0.0, ())
        taken = sum(max(0.0, nats) for nats in against.values())
        log_odds = self._settings.prior_log_odds + sum(speaking_for.values()) - taken
        return Fused(float(expit(log_odds)), shares_of(speaking_for))

    def _strongest(self, pieces: Iterable[Evidence]) -> dict[Modality, float]:
        """The most nats of each modality, weights' signs left out."""
        strongest: dict[Modality, float] = {}
        for piece in pieces:
            limit = self._settings.limit_log_odds
            nats = float(np.clip(self._calibration[piece.modality].logit(piece.cosine), -limit, limit))
            nats *= abs(piece.weight)
            strongest[piece.modality] = max(nats, strongest.get(piece.modality, nats))
        return strongest


def shares_of(nats: Mapping[Modality, float]) -> tuple[ModalityShare, ...]:
    """Divide 1 among the modalities that have evidence, largest first; those that add nothing are left out."""
    parts = {modality: max(0.0, value) for modality, value in nats.items()}
    if not any(parts.values()):
        parts = {modality: float(np.logaddexp(0.0, value)) for modality, value in nats.items()}
    total = sum(parts.values())
    shares: Sequence[ModalityShare] = [ModalityShare(each, part / total) for each, part in parts.items() if part > 0]
    return tuple(sorted(shares, key=lambda share: (-share.share, share.modality)))
