"""The sum of log-odds, of who is seen and of who is heard.

With ``llr_m`` the calibrated log-likelihood ratio of "same person" that a cosine of modality m gives, and w the
weight of the part of the query that it comes from::

    logit p = prior + sum over m of ( w_m llr_m  -  v_m max(0, llr'_m) )

Of several pieces for the candidate in one modality the strongest counts (they look at one and the same person, so
their errors are not independent), and so of several against it. A piece against (a negative weight, -v) takes away
only what says "this is the rejected person": not to look like them is no reason to be the one asked for. Modalities
are taken to err independently, which overstates certainty where a candidate's crops share one bad frame. What a voice
says is shrunk by how little of it was heard (`services.runtime.trust`).

Looks (face, head, body) tell who is seen, a voice who is heard, and only with probability c, how sure it is that the
person on screen is the one who speaks, are they one person. With V and A the nats of looks and voice, pi the prior
probability, and p(x) = sigmoid(prior + x)::

    c' = c P1 / (c P1 + (1 - c) P0)         P1 = pi e^(V + A) + 1 - pi
                                            P0 = (pi e^V + 1 - pi) (pi e^A + 1 - pi)
    seen          = c' p(V + A) + (1 - c') p(V)
    heard         = c' p(V + A) + (1 - c') p(A)
    seen and heard = c' p(V + A)

So a wrong link costs little: a face that says "somebody else" beside a voice that says "this one" makes the link
unlikely, the candidate is not seen but is heard. With c = 1, or with one of the two alone and the question its own, it
is the plain sum above.

A modality's share is its part of what speaks for the candidate (of looks, when it is asked who is heard, and of voice,
when who is seen, as far as the link holds); when nothing does, of how little it speaks against (its softplus), so that
the shares sum to 1 whenever there is evidence, and a modality without evidence has none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from packs.calibration import Calibration
from packs.fuser import FusionMethod
from packs.spec import Modality
from services.fusion.settings import FusionSettings
from services.runtime.trust import trust_in

__all__ = ["Aspect", "Candidate", "Evidence", "Fused", "Fuser", "ModalityShare", "Said", "probability_of", "shares_of"]


class Aspect(StrEnum):
    """What is asked of a candidate."""

    SEEN = "seen"
    HEARD = "heard"
    SEEN_AND_HEARD = "seen_and_heard"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence that a candidate is the person asked for.

    Attributes:
        modality: Of both embeddings.
        cosine: Of the query's and the candidate's embedding, in [-1, 1].
        weight: Of the query's part, in [-1, 1]; below 0 it counts against.
        quality: Of the weaker embedding, in [0, 1]; what it means the calibration says, and for a voice
            `services.runtime.trust`.
    """

    modality: Modality
    cosine: float
    weight: float = 1.0
    quality: float = 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """What speaks for and against one appearance; `speaker` is how sure it is that who is heard is who is seen."""

    evidence: tuple[Evidence, ...]
    speaker: float = 1.0


@dataclass(frozen=True, slots=True)
class ModalityShare:
    """How much one modality counted, in [0, 1]."""

    modality: Modality
    share: float


@dataclass(frozen=True, slots=True)
class Fused:
    """Probability of "the person asked for", the shares of the modalities, largest first, and what judged."""

    probability: float
    shares: tuple[ModalityShare, ...]
    method: FusionMethod = FusionMethod.LATE


@dataclass(frozen=True, slots=True)
class Said:
    """The strongest piece of each modality for a candidate, and against it, with its nats.

    `speaking_for` and `against` are (place of the piece in the candidate's evidence, nats).
    """

    speaking_for: Mapping[Modality, tuple[int, float]]
    against: Mapping[Modality, tuple[int, float]]


class Fuser:
    """Weighs evidence by a pack's calibration; a modality without one decides nothing."""

    def __init__(self, calibration: Mapping[Modality, Calibration], settings: FusionSettings) -> None:
        self._calibration = calibration
        self._settings = settings

    def fuse(self, candidate: Candidate, aspect: Aspect = Aspect.SEEN) -> Fused:
        """Give the verdict on one candidate; without evidence for it, that is 0 and no shares."""
        said = self.said(candidate)
        speaking_for = {modality: nats for modality, (_, nats) in said.speaking_for.items()}
        against = {modality: nats for modality, (_, nats) in said.against.items()}
        if not speaking_for:
            return Fused(0.0, ())
        looks, voice = _divided(speaking_for, against)
        prior, link = self._settings.prior_log_odds, candidate.speaker
        if link < 1.0:
            link = _link_after(link, prior, looks, voice)
        probability = _probability(aspect, prior, looks, voice, link)
        return Fused(probability, shares_of(speaking_for, _shown(aspect, link)))

    def said(self, candidate: Candidate) -> Said:
        """What speaks for and against a candidate; of several pieces in one modality the strongest counts."""
        speaking_for: dict[Modality, tuple[int, float]] = {}
        against: dict[Modality, tuple[int, float]] = {}
        for place, piece in enumerate(candidate.evidence):
            side = speaking_for if piece.weight > 0.0 else against
            nats = self._nats(piece)
            if nats is not None and (piece.modality not in side or nats > side[piece.modality][1]):
                side[piece.modality] = place, nats
        return Said(speaking_for, against)

    def _nats(self, piece: Evidence) -> float | None:
        """What a piece says, its weight's sign left out; None for what says nothing at all."""
        calibration = self._calibration.get(piece.modality)
        trust = trust_in(piece.modality, piece.quality)
        if calibration is None or piece.weight == 0.0 or trust == 0.0:
            return None
        limit = self._settings.limit_log_odds
        # min and max: numpy takes fifty times as long for one number.
        return max(-limit, min(limit, trust * calibration.logit(piece.cosine, piece.quality))) * abs(piece.weight)


def shares_of(nats: Mapping[Modality, float], shown: Mapping[bool, float] | None = None) -> tuple[ModalityShare, ...]:
    """Divide 1 among the modalities that have evidence, largest first; those that add nothing are left out.

    Args:
        nats: What each says.
        shown: How far looks (False) and voice (True) count; 1 when left out.
    """
    factors = {modality: (shown or {}).get(modality is Modality.VOICE, 1.0) for modality in nats}
    parts = {modality: max(0.0, value) * factors[modality] for modality, value in nats.items()}
    if not any(parts.values()):
        parts = {modality: _softplus(value) for modality, value in nats.items()}
    total = sum(parts.values())
    shares = [ModalityShare(modality, part / total) for modality, part in parts.items() if part > 0.0]
    return tuple(sorted(shares, key=lambda share: (-share.share, share.modality)))


def probability_of(log_odds: float) -> float:
    """The probability of natural-log odds."""
    return _sigmoid(log_odds)


def _divided(speaking_for: Mapping[Modality, float], against: Mapping[Modality, float]) -> tuple[float, float]:
    """Nats of the looks and of the voice, less what was taken."""
    looks = voice = 0.0
    for modality, nats in speaking_for.items():
        if modality is Modality.VOICE:
            voice += nats
        else:
            looks += nats
    for modality, nats in against.items():
        if modality is Modality.VOICE:
            voice -= max(0.0, nats)
        else:
            looks -= max(0.0, nats)
    return looks, voice


def _link_after(link: float, prior: float, looks: float, voice: float) -> float:
    """How sure it is that seen and heard are one person, once both have been compared with the person asked for."""
    rare = _sigmoid(prior)

    def likelihood(nats: float) -> float:
        return rare * math.exp(nats) + 1.0 - rare

    one = link * likelihood(looks + voice)
    return one / (one + (1.0 - link) * likelihood(looks) * likelihood(voice))


def _probability(aspect: Aspect, prior: float, looks: float, voice: float, link: float) -> float:
    together = link * _sigmoid(prior + looks + voice)
    if link >= 1.0 or aspect is Aspect.SEEN_AND_HEARD:
        return together
    return together + (1.0 - link) * _sigmoid(prior + (looks if aspect is Aspect.SEEN else voice))


def _shown(aspect: Aspect, link: float) -> Mapping[bool, float]:
    """How far looks (False) and voice (True) count for what is asked."""
    return {
        False: link if aspect is Aspect.HEARD else 1.0,
        True: link if aspect is Aspect.SEEN else 1.0,
    }


def _softplus(nats: float) -> float:
    return max(0.0, nats) + math.log1p(math.exp(-abs(nats)))


def _sigmoid(log_odds: float) -> float:
    if log_odds >= 0.0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1.0 + odds)
