"""Ways to name clips: how probable each known person is for each clip.

Built in is a nearest-prototype classifier over any fuser, which learns nothing but means. Networks that were trained to
name people (NetVLAD, multi-modal attention with a classifier) come through the same Protocol.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from evaluation.datasets.tracklets import ModalityRows, Tracklets
from evaluation.fusers.comparable import comparable_queries
from evaluation.fusers.fuser import Fuser
from evaluation.protocols.iqiyi.split import thirds_of
from packs.arrays import F64
from packs.spec import Modality

__all__ = ["EnsembleIdentifier", "Identifier", "PrototypeIdentifier", "prototypes_of"]


class Identifier(Protocol):
    """Names clips."""

    @property
    def name(self) -> str:
        """For the table."""
        ...

    def probabilities(self, train: Tracklets, test: Tracklets, people: Sequence[str]) -> F64:
        """How probable each person is for each clip: float64[C, N], in [0, 1].

        Args:
            train: Clips of known people.
            test: N clips.
            people: C, those of `train`.
        """
        ...


class PrototypeIdentifier:
    """Compares clips with the mean of each person's training clips.

    Args:
        name: For the table.
        fuser: Makes one score of the modalities.
        modalities: Which take part.
    """

    def __init__(self, name: str, fuser: Fuser, modalities: Sequence[Modality]) -> None:
        self._name = name
        self._fuser = fuser
        self._modalities = modalities

    @property
    def name(self) -> str:
        """For the table."""
        return self._name

    def probabilities(self, train: Tracklets, test: Tracklets, people: Sequence[str]) -> F64:
        """See `Identifier.probabilities`; what is left of 1 is that it is none of them."""
        known = prototypes_of(train, people)
        found = self._fuser.matches(known, test, comparable_queries(known, test, self._modalities))
        odds = found / np.maximum(1.0 - found, 1e-9)
        return np.asarray(odds / (1.0 + odds.sum(axis=0, keepdims=True)))


class EnsembleIdentifier:
    """Sums what three of a kind say, each having learnt from two thirds of the clips, as the paper's ensemble does."""

    def __init__(self, name: str, one: Identifier) -> None:
        self._name = name
        self._one = one

    @property
    def name(self) -> str:
        """For the table."""
        return self._name

    def probabilities(self, train: Tracklets, test: Tracklets, people: Sequence[str]) -> F64:
        """See `Identifier.probabilities`."""
        total = np.zeros((len(people), len(test)))
        thirds = thirds_of(train, people)
        for some in thirds:
            total += self._one.probabilities(train.take(some), test, people)
        return total / len(thirds)


def prototypes_of(train: Tracklets, people: Sequence[str]) -> Tracklets:
    """One row a person: of each modality the mean of the clips that have it, weighted by quality."""
    rows: dict[Modality, ModalityRows] = {}
    for modality, one in train.rows.items():
        means = np.zeros((len(people), one.vectors.shape[1]), np.float32)
        present, quality = np.zeros(len(people), dtype=bool), np.zeros(len(people), np.float32)
        for place, person in enumerate(people):
            own = np.array([name == person for name in train.identities], dtype=bool) & one.present
            weights = np.maximum(one.quality[own], 1e-3)
            mean = weights @ one.vectors[own] if own.any() else means[place]
            if np.linalg.norm(mean) > 0:
                means[place], present[place], quality[place] = mean, True, one.quality[own].mean()
        rows[modality] = ModalityRows.of(means, present, quality)
    return Tracklets.of(list(people), [""] * len(people), list(people), rows)
