"""What a chain of associations is worth at its end: what contradicts it, and whether it tells what is asked.

A chain that ends in looks (face, head, body) says who is seen in its last appearance, one that ends in a voice who is
heard. Where the other is asked for, it counts as far as it is sure that they are one person.

A chain may be contradicted by a long-term modality of the query that looks, or sounds, different: from its log-odds is
taken what that says against it, bounded, and only where the embedding is clear: a face that is turned away looks like
nobody, and half a second of speech sounds like anybody. Clothes shared by two people must not outweigh their faces, nor
speech that was linked to the wrong person the face that is seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from packs.calibration import Calibration
from packs.spec import Modality
from services.runtime.trust import trust_in
from services.search.expansion import Path
from services.search.ports import Evidence
from services.search.query import Task
from services.search.reach import LONG_TERM
from services.search.settings import SearchSettings

Calibrations = Mapping[Modality, Calibration]

_NOTHING: frozenset[Modality] = frozenset()


@dataclass(frozen=True, slots=True)
class Chain:
    """A path with at least one step, as it counts for what is asked.

    Attributes:
        path: The associations.
        against: What contradicts its end, in nats, at most 0.
        link: How far the person whom it tells of is who is asked for in its last appearance, in [0, 1].
    """

    path: Path
    against: float = 0.0
    link: float = 1.0

    @property
    def ends_in(self) -> Modality:
        """What the last step rests on."""
        return self.path.steps[-1].modality

    @property
    def probability(self) -> float:
        """That the last appearance is what is asked for."""
        return self.link * _contradicted(self.path.probability, self.against)


@dataclass(frozen=True, slots=True)
class Doubt:
    """How a long-term modality contradicts a chain; the fields are documented in `settings`."""

    weight: float
    limit: float
    unclear: float
    clear: float

    @classmethod
    def of(cls, settings: SearchSettings) -> Self:
        """The doubt that the settings give."""
        unclear, clear = settings.contradiction_quality
        return cls(settings.contradiction_weight, settings.contradiction_limit, unclear, clear)

    def clearness(self, modality: Modality, quality: float) -> float:
        """How far an embedding of that quality can deny anything, in [0, 1]."""
        if modality is Modality.VOICE:
            return 1.0  # little speech is heeded in what it says already
        if self.clear <= self.unclear:
            return float(quality >= self.clear)
        return min(1.0, max(0.0, (quality - self.unclear) / (self.clear - self.unclear)))

    def clear_of(self, evidence: Iterable[Evidence], link: float) -> float:
        """How far the long-term evidence of an appearance can deny anything, in [0, 1]; 0 without any.

        Args:
            evidence: Of the appearance.
            link: How far its voice tells of who is seen on it.
        """
        most = 0.0
        for piece in evidence:
            if piece.weight > 0.0 and piece.modality in LONG_TERM:
                said = self.clearness(piece.modality, piece.quality)
                if piece.modality is Modality.VOICE:
                    said *= link * trust_in(piece.modality, piece.quality)
                most = max(most, said)
        return min(1.0, most)


def tells(task: Task, modality: Modality) -> bool:
    """Whether a modality by itself tells what is asked: looks who is seen, a voice who is heard."""
    if task is Task.SEEN_AND_HEARD:
        return False
    return (modality is Modality.VOICE) is (task is Task.HEARD)


def doubters(task: Task, ends_in: Modality) -> frozenset[Modality]:
    """The modalities that can contradict a chain which ends in another, for what is asked.

    A face is not contradicted by a voice, which may be linked to the wrong person, unless it is asked who is heard; and
    a voice not by a face, unless it is asked who is seen.
    """
    if ends_in not in LONG_TERM:
        return LONG_TERM
    heard = task in (Task.HEARD, Task.SEEN_AND_HEARD)
    if ends_in is Modality.FACE:
        return frozenset({Modality.VOICE}) if heard else _NOTHING
    return _NOTHING if task is Task.HEARD else frozenset({Modality.FACE})


def contradiction(
    evidence: Sequence[Evidence],
    calibration: Calibrations,
    doubt: Doubt,
    modalities: frozenset[Modality] = LONG_TERM,
    link: float = 1.0,
) -> float:
    """What some modalities of the query say against an appearance, in nats in [-doubt.limit, 0].

    Of each modality the best evidence counts, as far as the appearance's embedding is clear enough to deny anything.

    Args:
        evidence: Of the appearance.
        calibration: Of the pack.
        doubt: How much it counts.
        modalities: Which may contradict.
        link: How far a voice tells of the person whom the chain tells of.
    """
    best: dict[Modality, float] = {}
    for piece in evidence:
        if piece.weight > 0.0 and piece.modality in modalities:
            said = nats_of(piece, calibration) * doubt.clearness(piece.modality, piece.quality)
            said *= link if piece.modality is Modality.VOICE else 1.0
            best[piece.modality] = max(said, best.get(piece.modality, -math.inf))
    return max(-doubt.limit, doubt.weight * sum(min(0.0, said) for said in best.values()))


def nats_of(piece: Evidence, calibration: Calibrations) -> float:
    """What a piece of evidence says, in nats, as far as it can be trusted."""
    line = calibration[piece.modality]
    return piece.weight * trust_in(piece.modality, piece.quality) * line.logit(piece.cosine, piece.quality)


def _contradicted(probability: float, nats: float) -> float:
    if nats == 0.0 or probability <= 0.0 or probability >= 1.0:
        return probability
    return sigmoid(math.log(probability / (1.0 - probability)) + nats)


def sigmoid(x: float) -> float:
    """The probability of log-odds."""
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0.0 else math.exp(x) / (1.0 + math.exp(x))
