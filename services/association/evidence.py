"""From two embeddings to the probability of an edge, and who may be linked at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from scipy.special import expit

from packs.calibration import Calibration
from packs.spec import Modality
from services.backends.schemas import Association

__all__ = ["LEAST", "LONG_TERM", "MOST", "SHORT_TERM", "EdgeSet", "LinkEvidence", "Timed", "evidence_of", "overlap"]

# The heart of the multimodality index: a face and a voice stay the same, clothes do not.
LONG_TERM = frozenset({Modality.FACE, Modality.VOICE})
SHORT_TERM = frozenset({Modality.HEAD, Modality.BODY})
# An edge is evidence, never certainty: the ends of the interval stay open in single precision too.
LEAST, MOST = 1e-6, 1.0 - 1e-6


class Timed(Protocol):
    """Something that happens in [start_s, end_s)."""

    @property
    def start_s(self) -> float:
        """When it begins."""
        ...

    @property
    def end_s(self) -> float:
        """When it is over."""
        ...


@dataclass(frozen=True, slots=True)
class LinkEvidence:
    """How cosines of one modality speak for a link: the pack's log-likelihood ratio and the prior, added."""

    calibration: Calibration
    prior_log_odds: float

    def probability(self, cosine: float, trust: float = 1.0, quality: float = 1.0) -> float:
        """Probability of "same person" of two retrieved appearances, in (0, 1).

        `trust` shrinks the cosine's say; `quality` is that of the weaker embedding.
        """
        log_odds = trust * self.calibration.logit(cosine, quality) + self.prior_log_odds
        return min(max(float(expit(log_odds)), LEAST), MOST)


class EdgeSet:
    """The edges of one run: symmetric, each pair once for each modality, with its strongest probability."""

    def __init__(self, min_probability: float) -> None:
        self._min_probability = min_probability
        self._edges: dict[tuple[str, str, Modality], float] = {}

    def add(self, one: str, other: str, modality: Modality, probability: float) -> None:
        """Take an edge, whichever end is named first; a weak one, and one to itself, is dropped."""
        if probability < self._min_probability or one == other:
            return
        key = (min(one, other), max(one, other), modality)
        self._edges[key] = max(probability, self._edges.get(key, 0.0))

    def associations(self) -> list[Association]:
        """The edges, by their ends."""
        return [Association(*key, probability) for key, probability in sorted(self._edges.items())]


def evidence_of(
    calibration: Mapping[Modality, Calibration], priors: Mapping[Modality, float]
) -> dict[Modality, LinkEvidence]:
    """The modalities that can make edges: those with a calibration and a prior."""
    return {
        modality: LinkEvidence(calibration[modality], priors[modality])
        for modality in Modality
        if modality in calibration and modality in priors
    }


def overlap(one: Timed, other: Timed) -> bool:
    """Whether two appearances of one video are on screen at the same time: they are two people."""
    return one.start_s < other.end_s and other.start_s < one.end_s
