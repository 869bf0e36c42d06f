"""From evidence and chains to one score, its shares and its reason.

An appearance can be believed in directly (the query's own embeddings match it, d) and by a chain of associations (e).

- The chain ends in a modality that the direct match rests on too (face and face): both see the same thing, so the
  stronger counts: max(d, e).
- It ends in another (body): the two are independent, and either is enough: 1 - (1 - d)(1 - e) ("noisy or").
- A chain that ends in a short-term modality is contradicted by a long-term one that looks different: from its log-odds
  is taken what the query's face says against it, tempered by the quality of that face and bounded. Clothes shared by
  two people must not outweigh their faces.

A rejected person (a part with a negative weight w) has beliefs q of the same kind, and competes for each appearance:
score = p (1 - |w| q^k / (p^k + q^k)). Its direct similarity is subtracted by the fusion service already; this carries
the "no" along associations, to appearances that have no face. What was rejected itself is never a hit.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from packs.calibration import Calibration
from packs.spec import Modality
from services.search.answer import Belief, Share, Step
from services.search.expansion import Path
from services.search.ports import Evidence, FusedEvidence
from services.search.reach import LONG_TERM

Calibrations = Mapping[Modality, Calibration]


@dataclass(frozen=True, slots=True)
class Direct:
    """What the query's own embeddings say of an appearance.

    Attributes:
        probability: Fused, in [0, 1].
        shares: Of the modalities.
        step: The strongest single piece of evidence, as the step from its part to the appearance.
        named: Whether the query names the appearance, so that no evidence is needed.
    """

    probability: float
    shares: tuple[Share, ...]
    step: Step
    named: bool = False


def direct_from(
    appearance_id: str, evidence: Sequence[Evidence], fused: FusedEvidence, calibration: Calibrations
) -> Direct | None:
    """The direct belief in an appearance, or None when nothing speaks for it at all."""
    supporting = [piece for piece in evidence if piece.weight > 0.0]
    if not supporting:
        return None
    best = max(supporting, key=lambda piece: _rank_of(piece, calibration))
    probability = calibration[best.modality].probability(best.cosine)
    step = Step(best.part_index, appearance_id, best.modality, probability, best.cosine)
    shares = fused.shares or (Share(best.modality, 1.0),)
    return Direct(fused.probability, shares, step)


def contradiction(evidence: Sequence[Evidence], calibration: Calibrations, weight: float, limit: float) -> float:
    """What the long-term modalities of the query say against an appearance, in nats in [-limit, 0].

    Of each modality the best evidence counts, times the quality of the appearance's embedding and `weight`.
    """
    best: dict[Modality, float] = {}
    for piece in evidence:
        if piece.weight > 0.0 and piece.modality in LONG_TERM:
            said = _nats(piece, calibration) * min(1.0, max(0.0, piece.quality))
            best[piece.modality] = max(said, best.get(piece.modality, -math.inf))
    return max(-limit, weight * sum(min(0.0, said) for said in best.values()))


def given(part_index: int, appearance_id: str, modality: Modality) -> Direct:
    """The belief in an appearance that the query names: it is the person by definition."""
    step = Step(part_index, appearance_id, modality, 1.0, 1.0)
    return Direct(1.0, (Share(modality, 1.0),), step, named=True)


def strongest(evidence: Sequence[Evidence], calibration: Calibrations) -> FusedEvidence:
    """A verdict without the fusion service: the strongest modality decides, less what speaks for a rejected person."""
    supporting = [piece for piece in evidence if piece.weight > 0.0]
    if not supporting:
        return FusedEvidence(0.0, ())
    best = max(supporting, key=lambda piece: _rank_of(piece, calibration))
    rejected = [-_nats(piece, calibration) for piece in evidence if piece.weight < 0.0]
    log_odds = _nats(best, calibration) - max([0.0, *rejected])
    return FusedEvidence(_sigmoid(log_odds), (Share(best.modality, 1.0),))


def judge(
    appearance_id: str,
    direct: Direct | None,
    path: Path | None,
    seed: Direct | None,
    against: float = 0.0,
) -> Belief:
    """Combine a direct belief with a chain; at least one of the two is there.

    Args:
        appearance_id: The appearance.
        direct: What the query's embeddings say.
        path: The best chain to it, with at least one step.
        seed: The direct belief in the chain's seed; there when `path` is.
        against: What long-term modalities take from a chain that ends in a short-term one, in nats, at most 0.
    """
    if path is None or seed is None:
        if direct is None:
            raise ValueError(f"appearance {appearance_id} has neither a direct belief nor a chain")
        return Belief(appearance_id, direct.probability, direct.shares, (direct.step,))
    chain = (seed.step, *path.steps)
    chained_shares = shares_of_chain(seed, path)
    last = path.steps[-1].modality
    chained = path.probability if last in LONG_TERM else _contradicted(path.probability, against)
    if direct is None:
        return Belief(appearance_id, chained, chained_shares, chain)
    stronger = direct.probability >= chained
    if stronger:
        chain = (direct.step,)
    if any(share.modality is last for share in direct.shares):
        shares = direct.shares if stronger else chained_shares
        return Belief(appearance_id, max(direct.probability, chained), shares, chain)
    shares = mix(((direct.probability, direct.shares), (chained, chained_shares))) or direct.shares
    return Belief(appearance_id, 1.0 - (1.0 - direct.probability) * (1.0 - chained), shares, chain)


def shares_of_chain(seed: Direct, path: Path) -> tuple[Share, ...]:
    """Each step of a chain counts the same, the first with the shares of the direct match.

    An appearance that the query names is no evidence, so there the first step does not count.
    """
    first = () if seed.named else ((1.0, seed.shares),)
    return mix((*first, *((1.0, (Share(step.modality, 1.0),)) for step in path.steps)))


def mix(parts: Iterable[tuple[float, Sequence[Share]]]) -> tuple[Share, ...]:
    """The mean of some shares by weight: largest first, summing to 1; the weights must not all be 0."""
    sums: dict[Modality, float] = defaultdict(float)
    for weight, shares in parts:
        for share in shares:
            sums[share.modality] += weight * share.share
    total = sum(sums.values())
    if total <= 0.0:
        return ()
    order = sorted(sums, key=lambda modality: (-sums[modality], list(Modality).index(modality)))
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


def ranked(beliefs: Iterable[Belief], min_score: float) -> list[Belief]:
    """Best first, equal scores by id; scores are compared as they are sent, in single precision."""
    rounded = [Belief(b.appearance_id, float(np.float32(b.score)), b.shares, b.chain) for b in beliefs]
    kept = [belief for belief in rounded if belief.score >= float(np.float32(min_score))]
    return sorted(kept, key=lambda belief: (-belief.score, belief.appearance_id))


def _rank_of(piece: Evidence, calibration: Calibrations) -> tuple[float, int, int]:
    """Orders supporting evidence: by what it says, then long-term keys first, then the earlier part."""
    return _nats(piece, calibration), int(piece.modality in LONG_TERM), -piece.part_index


def _nats(piece: Evidence, calibration: Calibrations) -> float:
    return piece.weight * calibration[piece.modality].logit(piece.cosine)


def _contradicted(probability: float, nats: float) -> float:
    if nats == 0.0 or probability <= 0.0 or probability >= 1.0:
        return probability
    return _sigmoid(math.log(probability / (1.0 - probability)) + nats)


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0.0 else math.exp(x) / (1.0 + math.exp(x))
