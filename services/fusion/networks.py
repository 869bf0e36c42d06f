"""Fusion by a network: a person and a candidate are as alike as their representations.

The rules are those by which such networks are measured (`evaluation.fusers.representation`): both of a pair are
represented by the modalities in which they may be compared, and by no others, so that a body does not speak of another
film nor a voice to a portrait; what a cosine means is calibrated for that subset, by the quality of the weaker. With
said(S) the log-likelihood ratio of the representations by the subset S::

    logit p = prior + said(S) + sum over m outside of S of llr_m - sum over m of v_m max(0, llr'_m)

where llr_m is late fusion's, of what the network does not take (text), and llr' of what speaks against.

- One modality alone leaves nothing to weigh: late fusion judges, to the last bit.
- Of several pieces in one modality the strongest stands for the person asked for, as in late fusion.
- A voice's quality is what it is worth times how sure it is that who is heard is who is seen.
- The share of a modality is w_m w'_m, the weights that the network gave it on both sides, divided by their sum: so much
  of the cosine of two representations comes from it. What is missing, cannot be compared or is off has exactly none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from packs.arrays import F64
from packs.fuser import FusionMethod, Subset
from packs.spec import Modality
from services.backends.fusers import Held, Represented, Representer
from services.fusion.embedded import Asked, Pairs
from services.fusion.fusing import Fused, Fuser, ModalityShare, Said, probability_of, shares_of
from services.fusion.settings import FusionSettings

__all__ = ["NetworkFuser"]

Person = Mapping[Modality, Held]


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """A candidate that the network judges: its place, what was said, the subset, and both sides by it."""

    place: int
    said: Said
    subset: Subset
    asked: Mapping[Modality, Asked]
    theirs: Person

    @property
    def ours(self) -> Person:
        """The person asked for."""
        return {modality: Held(one.vector, one.quality) for modality, one in self.asked.items()}

    @property
    def key(self) -> tuple[int, ...]:
        """Equal where the person asked for is represented by the same embeddings."""
        return tuple(id(self.asked[modality]) for modality in sorted(self.subset))


class NetworkFuser:
    """Weighs by a network.

    Args:
        method: What it is called.
        representer: The network.
        fuser: Late fusion, for what is alone, what the network does not take, and what speaks against.
        settings: Prior and limit.
    """

    def __init__(self, method: FusionMethod, representer: Representer, fuser: Fuser, settings: FusionSettings) -> None:
        self._method = method
        self._representer = representer
        self._fuser = fuser
        self._settings = settings

    async def fuse(self, pairs: Sequence[Pairs]) -> list[Fused]:
        """Give the verdicts on who is seen, one for each candidate.

        Raises:
            BackendUnavailableError: The network does not answer.
            InvalidFieldError: An embedding is not as long as the network takes it.
        """
        fused = [self._fuser.fuse(one.candidate) for one in pairs]
        judged = [found for place, one in enumerate(pairs) if (found := self._to_judge(place, one)) is not None]
        if not judged:
            return fused
        people: dict[tuple[int, ...], tuple[int, Person]] = {}
        for one in judged:
            people.setdefault(one.key, (len(people), one.ours))
        rows = [person for _, person in people.values()]
        made = await self._representer.represent([*rows, *(one.theirs for one in judged)])
        for number, one in enumerate(judged):
            ours = people[one.key][0]
            fused[one.place] = self._verdict(one, made, ours, len(rows) + number)
        return fused

    def _to_judge(self, place: int, pairs: Pairs) -> _Judged | None:
        """What the network shall judge; None for what has fewer than two modalities that it can weigh together."""
        said = self._fuser.said(pairs.candidate)
        card = self._representer.card
        subset = card.spoken(modality for modality in said.speaking_for if modality in card.modalities)
        if subset is None or len(subset) < 2:
            return None
        chosen = {modality: pairs.compared[said.speaking_for[modality][0]] for modality in subset}
        sure = {modality: pairs.candidate.speaker if modality is Modality.VOICE else 1.0 for modality in subset}
        theirs = {modality: Held(held.vector, held.quality * sure[modality]) for modality, (_, held) in chosen.items()}
        return _Judged(place, said, subset, {modality: one for modality, (one, _) in chosen.items()}, theirs)

    def _verdict(self, one: _Judged, made: Represented, ours: int, theirs: int) -> Fused:
        limit = self._settings.limit_log_odds
        cosine = np.asarray(made.vectors[ours] @ made.vectors[theirs], np.float64)
        weaker = np.minimum(made.quality[ours], made.quality[theirs])
        line = self._representer.card.lines[one.subset]
        weights = self._weights(one.subset, made, ours, theirs)
        heeded = sum(weights[modality] * abs(asked.weight) for modality, asked in one.asked.items())
        nats = float(np.clip(line.logit_of(cosine, weaker), -limit, limit)) * heeded
        taken = set(self._representer.card.modalities)
        others = {modality: said for modality, (_, said) in one.said.speaking_for.items() if modality not in taken}
        against = sum(max(0.0, said) for _, said in one.said.against.values())
        log_odds = self._settings.prior_log_odds + nats + sum(others.values()) - against
        return Fused(probability_of(log_odds), _shares(weights, nats, others), self._method)

    def _weights(self, subset: Subset, made: Represented, ours: int, theirs: int) -> Mapping[Modality, float]:
        both: F64 = made.weights[ours].astype(np.float64) * made.weights[theirs]
        total = float(both.sum())
        order = self._representer.card.modalities
        if total <= 0.0:
            return {modality: 1.0 / len(subset) for modality in subset}
        return {modality: float(both[order.index(modality)]) / total for modality in subset}


def _shares(
    weights: Mapping[Modality, float], nats: float, others: Mapping[Modality, float]
) -> tuple[ModalityShare, ...]:
    """The network's weights; beside what it does not take, they divide the share that late fusion would give them."""
    divided = dict(weights)
    if others:
        stands_for = next(iter(weights))
        late = {one.modality: one.share for one in shares_of({stands_for: nats, **others})}
        own = late.pop(stands_for, 0.0)
        divided = {modality: own * weight for modality, weight in weights.items()} | late
    kept = [ModalityShare(modality, share) for modality, share in divided.items() if share > 0.0]
    return tuple(sorted(kept, key=lambda share: (-share.share, share.modality)))
