"""From evidence and chains to one score, its shares and its reason.

An appearance can be believed in directly (the query's own embeddings match it, d) and by a chain of associations (e).

- They are one witness where they rest on the same comparison: the stronger counts, max(d, e). So it is where the chain
  ends in a modality that the direct match rests on too (face and face); where what the chain starts from was matched by
  such a one (the portrait is like both, and if that is a sister then of both); where it starts from a hit that is asked
  with (its sister resembles it by face, and by hair and build too); and where the direct match is by a face that a hit
  took from where associations led (`adopting`).
- Otherwise they are independent, and either is enough: 1 - (1 - d)(1 - e) ("noisy or"): a voice clip's match, and a
  chain of faces from where a portrait beside it matched.

What a chain is worth, and what contradicts it, is in `chains`. What was asked for, to be seen, heard or both, is in
the numbers already when they come here.

A rejected person (a part with a negative weight w) has beliefs q of the same kind, and competes for each appearance:
score = p (1 - |w| q^k / (p^k + q^k)). Its direct similarity is subtracted by the fusion service already; this carries
the "no" along associations, to appearances that have no face. What was rejected itself is never a hit.

Scores are computed of all candidates, reasons (`explain`) only of those that are in the answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from packs.spec import Modality
from services.search.answer import Belief, Share, Step
from services.search.chains import Calibrations, Chain, nats_of, sigmoid, tells
from services.search.expansion import Path
from services.search.ports import Candidate, Evidence, FusedEvidence
from services.search.query import Task
from services.search.reach import LONG_TERM

_ORDER = {modality: place for place, modality in enumerate(Modality)}


@dataclass(frozen=True, slots=True)
class Direct:
    """What the query's own embeddings say of an appearance.

    Attributes:
        probability: Fused, in [0, 1].
        shares: Of the modalities, largest first; of those that speak against it alone, none.
        evidence: What it is fused of; empty when the query names the appearance.
        named_by: The part and the modality by which the query names the appearance: it is the person by definition.
    """

    probability: float
    shares: tuple[Share, ...]
    evidence: tuple[Evidence, ...]
    named_by: tuple[int, Modality] | None = None


def named(part_index: int, modality: Modality) -> Direct:
    """The belief in an appearance that the query names."""
    return Direct(1.0, (Share(modality, 1.0),), (), (part_index, modality))


def fallback(candidate: Candidate, calibration: Calibrations, task: Task) -> FusedEvidence:
    """A verdict without the fusion service: the strongest modality decides, less what speaks for a rejected person."""
    supporting = [piece for piece in candidate.evidence if piece.weight > 0.0]
    if not supporting:
        return FusedEvidence(0.0, ())
    best = max(supporting, key=lambda piece: _rank_of(piece, calibration))
    rejected = [-nats_of(piece, calibration) for piece in candidate.evidence if piece.weight < 0.0]
    log_odds = nats_of(best, calibration) - max([0.0, *rejected])
    link = 1.0 if tells(task, best.modality) else candidate.speaker
    return FusedEvidence(link * sigmoid(log_odds), (Share(best.modality, 1.0),))


def score_of(
    direct: Direct | None, chain: Chain | None, seed: Direct | None = None, adopted: Container[int] = ()
) -> float:
    """The probability that an appearance is what is asked for.

    Args:
        direct: What the query's embeddings say, if they reach it.
        chain: The best chain to it, if there is one.
        seed: The direct belief in the chain's first appearance; None when there is no chain.
        adopted: Parts of the query whose face is that of an appearance to which associations led.
    """
    if chain is None:
        return direct.probability if direct is not None else 0.0
    if direct is None:
        return chain.probability
    if _one_witness(direct, chain, seed, adopted):
        return max(direct.probability, chain.probability)
    return 1.0 - (1.0 - direct.probability) * (1.0 - chain.probability)


def explain(
    appearance_id: str,
    score: float,
    direct: Direct | None,
    chain: Chain | None,
    seed: Direct | None,
    calibration: Calibrations,
    adopted: Container[int] = (),
) -> Belief:
    """The reason for a score: shares that sum to 1, and the steps of the stronger of its two grounds.

    Args:
        appearance_id: The appearance.
        score: What it was given.
        direct: As in `score_of`.
        chain: As in `score_of`.
        seed: The direct belief in the chain's first appearance; there when `chain` is.
        calibration: Of the pack.
        adopted: As in `score_of`.
    """
    if chain is None or seed is None:
        if direct is None:
            raise ValueError(f"appearance {appearance_id} has neither a direct belief nor a chain")
        return Belief(appearance_id, score, _shares(direct), (_step(appearance_id, direct, calibration),))
    steps = (_step(chain.path.seed, seed, calibration), *chain.path.steps)
    shares = shares_of_chain(seed, chain.path)
    if direct is None:
        return Belief(appearance_id, score, shares, steps)
    stronger = direct.probability >= chain.probability
    if stronger:
        steps = (_step(appearance_id, direct, calibration),)
    if not _one_witness(direct, chain, seed, adopted):
        shares = mix(((direct.probability, _shares(direct)), (chain.probability, shares))) or _shares(direct)
    elif stronger:
        shares = _shares(direct)
    return Belief(appearance_id, score, shares, steps)


def shares_of_chain(seed: Direct, path: Path) -> tuple[Share, ...]:
    """Each step of a chain counts the same, the first with the shares of the direct match.

    An appearance that the query names is no evidence, so there the first step does not count; nor does a step that
    somebody confirmed, unless there is no other.
    """
    first = _shares(seed) if seed.named_by is None else None
    kinds = tuple(step.modality for step in path.steps if not step.confirmed)
    if first is None and not kinds:
        kinds = tuple(step.modality for step in path.steps)
    return _mixed(first, kinds)


@lru_cache(4096)
def _mixed(first: tuple[Share, ...] | None, kinds: tuple[Modality, ...]) -> tuple[Share, ...]:
    """A hundred chains of an answer rest on few different mixtures."""
    before = () if first is None else ((1.0, first),)
    return mix((*before, *((1.0, (Share(kind, 1.0),)) for kind in kinds)))


def mix(parts: Iterable[tuple[float, Sequence[Share]]]) -> tuple[Share, ...]:
    """The mean of some shares by weight: largest first, summing to 1; without any weight there are none."""
    sums: dict[Modality, float] = defaultdict(float)
    for weight, shares in parts:
        for share in shares:
            sums[share.modality] += weight * share.share
    total = sum(sums.values())
    if total <= 0.0:
        return ()
    order = sorted(sums, key=lambda modality: (-sums[modality], _ORDER[modality]))
    return tuple(Share(modality, sums[modality] / total) for modality in order if sums[modality] > 0.0)


def compete(score: float, rejected: Iterable[tuple[float, float]], sharpness: float) -> float:
    """What the competition with rejected people leaves of a score.

    Args:
        score: Probability of the person asked for, in [0, 1].
        rejected: (weight in [-1, 0), probability of that rejected person) for each.
        sharpness: Exponent k; large lets the stronger take all.
    """
    left = score
    for weight, probability in rejected:
        own, other = score**sharpness, probability**sharpness
        if own + other > 0.0:
            left = min(left, score * (1.0 + weight * other / (own + other)))
    return left


def ranked(scores: Mapping[str, float], min_score: float) -> list[tuple[str, float]]:
    """(id, score), best first, equal scores by id; they are compared as they are sent, in single precision."""
    sent = np.fromiter(scores.values(), np.float32, len(scores)).tolist()
    least = float(np.float32(min_score))
    kept = [(-score, appearance_id) for appearance_id, score in zip(scores, sent, strict=True) if score >= least]
    return [(appearance_id, -minus) for minus, appearance_id in sorted(kept)]


def _one_witness(direct: Direct, chain: Chain, seed: Direct | None, adopted: Container[int]) -> bool:
    """Whether the direct match and the chain rest on the same comparison."""
    seen = {share.modality for share in _shares(direct)}
    if chain.ends_in in seen:
        return True
    if seed is not None and (seed.named_by is not None or any(share.modality in seen for share in _shares(seed))):
        return True
    return any(piece.modality is Modality.FACE and piece.part_index in adopted for piece in direct.evidence)


def _shares(direct: Direct) -> tuple[Share, ...]:
    """Where nothing speaks for an appearance, what was compared shares alike."""
    if direct.shares:
        return direct.shares
    return mix((1.0, (Share(piece.modality, 1.0),)) for piece in direct.evidence if piece.weight > 0.0)


def _step(appearance_id: str, direct: Direct, calibration: Calibrations) -> Step:
    """The strongest piece of evidence as the step from its part to the appearance."""
    if direct.named_by is not None:
        part_index, modality = direct.named_by
        return Step(part_index, appearance_id, modality, 1.0, 1.0)
    supporting = [piece for piece in direct.evidence if piece.weight > 0.0]
    best = supporting[0] if len(supporting) == 1 else max(supporting, key=lambda one: _rank_of(one, calibration))
    probability = calibration[best.modality].probability(best.cosine, best.quality)
    return Step(best.part_index, appearance_id, best.modality, probability, best.cosine)


def _rank_of(piece: Evidence, calibration: Calibrations) -> tuple[float, bool, int]:
    """Orders supporting evidence: by what it says, then long-term keys first, then the earlier part."""
    return nats_of(piece, calibration), piece.modality in LONG_TERM, -piece.part_index
