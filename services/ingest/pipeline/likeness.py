"""How likely two people of a film are one person, by their looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import expit

from packs.arrays import F32, F64, Bool
from packs.calibration import Calibration
from packs.spec import Modality
from services.ingest.pipeline.settings import LikenessSettings
from services.ingest.pipeline.shot_speech import Player

__all__ = ["TOLD_BY", "Likeness"]

# What tells people of one film apart.
TOLD_BY = (Modality.FACE, Modality.BODY)


class Likeness:
    """Compares the people of a film.

    Args:
        players: F people of the film.
        shots: int64[F], the shot of each.
        calibration: What the pack's cosines mean; a modality without one says nothing.
        settings: What the looks count.
    """

    def __init__(
        self,
        players: Sequence[Player],
        shots: np.ndarray[tuple[int], np.dtype[np.int64]],
        calibration: Mapping[Modality, Calibration],
        settings: LikenessSettings,
    ) -> None:
        self._players, self._shots, self._settings = players, shots, settings
        self._start_s = np.array([one.start_s for one in players])
        self._end_s = np.array([one.end_s for one in players])
        self._looks = {
            modality: (*_stacked(players, modality), calibration[modality])
            for modality in TOLD_BY
            if modality in calibration and any(modality in one.looks for one in players)
        }

    def of(self, some: Sequence[int]) -> F64:
        """The probability that each of some people is each of all F, float64[len(some), F], in [0, 1]."""
        rows = np.asarray(some, dtype=np.int64)
        nats = np.full((len(rows), len(self._players)), self._settings.rare)
        for modality, (vectors, known, clear, calibration) in self._looks.items():
            quality = np.minimum(clear[rows][:, None], clear)
            said = calibration.logit_of(vectors[rows] @ vectors.T, quality)
            weight = self._settings.face if modality is Modality.FACE else self._settings.body
            low = -self._settings.most if modality is Modality.FACE else -self._settings.least_body
            nats += np.where(known[rows][:, None] & known, weight * np.clip(said, low, self._settings.most), 0.0)
        made = expit(nats)
        # Two people who are seen at the same time are two.
        together = (self._start_s[rows][:, None] < self._end_s) & (self._start_s < self._end_s[rows][:, None])
        made = np.where(together & (self._shots[rows][:, None] == self._shots), 0.0, made)
        made[np.arange(len(rows)), rows] = 1.0
        return np.asarray(made, dtype=np.float64)


def _stacked(players: Sequence[Player], modality: Modality) -> tuple[F32, Bool, F64]:
    """The looks of all, float32[F, D] of length 1, or 0; where there are any; and their quality."""
    size = next(len(one.looks[modality]) for one in players if modality in one.looks)
    nothing = np.zeros(size, np.float32)
    vectors = np.stack([one.looks.get(modality, nothing) for one in players])
    lengths = np.linalg.norm(vectors, axis=1)
    units = vectors / np.maximum(lengths, 1e-12)[:, None]
    return units, np.array([modality in one.looks for one in players]), np.minimum(lengths, 1.0).astype(np.float64)
