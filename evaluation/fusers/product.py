"""What the product answers with today: calibrated late fusion of a query, and the strongest edge of two tracklets.

Matches are those of `services.fusion.fusing`, over whole matrices: the sum of log-likelihood ratios, each by its
quality and bounded, looks and voice joined as far as it is sure that the person on screen is the one who speaks. Links
are those of `services.association`: face, voice, and body with head make an edge each, and the strongest speaks. (Left
out: the association looks at the 48 nearest faces and voices alone, and search lets a clear face take from a short-term
chain.)
"""

from __future__ import annotations

import numpy as np

from evaluation.datasets.tracklets import Flags, Tracklets
from evaluation.fusers.comparable import Comparable
from evaluation.fusers.fuser import Weighing, cosines, qualities
from evaluation.fusers.worn import worn_of
from packs.arrays import F64
from packs.calibration import Calibration
from packs.logistic import expit
from packs.spec import Modality
from services.association.evidence import LEAST, LONG_TERM, MOST, SHORT_TERM, evidence_of
from services.association.short_term import ShortTermLinks
from services.fusion.fusing import Aspect
from services.runtime.trust import HALF_WORTH_S

__all__ = ["ProductFuser"]


class ProductFuser:
    """Late fusion for matches, the strongest edge for links.

    Args:
        weighing: Calibrations and settings.
        aspect: What is asked of a candidate.
    """

    def __init__(self, weighing: Weighing, aspect: Aspect = Aspect.SEEN) -> None:
        self._weighing = weighing
        self._aspect = aspect

    @property
    def name(self) -> str:
        """For tables."""
        return "late fusion"

    def matches(self, queries: Tracklets, tracklets: Tracklets, comparable: Comparable) -> F64:
        """See `Fuser.matches`."""
        shape = (len(queries), len(tracklets))
        looks, voice, there = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=bool)
        limit = self._weighing.fusion.limit_log_odds
        for modality, pairs in comparable.items():
            if modality not in self._weighing.calibration:
                continue
            nats, trusted = self._nats(queries, tracklets, modality)
            there |= pairs & trusted
            said = np.where(pairs & trusted, np.clip(nats, -limit, limit), 0.0)
            if modality is Modality.VOICE:
                voice += said
            else:
                looks += said
        linked = np.asarray(tracklets.speaker, dtype=np.float64)[None, :]
        return np.where(there, self._joined(looks, voice, linked), 0.0)

    def links(self, some: Tracklets, tracklets: Tracklets, comparable: Comparable) -> F64:
        """See `Fuser.links`."""
        best = self._short_term(some, tracklets, comparable)
        for modality in LONG_TERM & comparable.keys() & self._weighing.calibration.keys():
            prior = self._weighing.linking.prior_log_odds.get(modality)
            if prior is None:
                continue
            nats, _ = self._nats(some, tracklets, modality)
            probability = np.clip(expit(nats + prior), LEAST, MOST)
            if modality is Modality.VOICE:
                probability = probability * some.speaker[:, None] * tracklets.speaker[None, :]
            best = np.maximum(best, np.where(comparable[modality], probability, 0.0))
        return best

    def _short_term(self, some: Tracklets, tracklets: Tracklets, comparable: Comparable) -> F64:
        """Body and head of a pair, judged together: the formulas of `services.association.short_term`."""
        linking = self._weighing.linking
        shape = (len(some), len(tracklets))
        total, prior, there = np.zeros(shape), np.full(shape, np.inf), np.zeros(shape, dtype=bool)
        kept, changed = (np.log(max(one, LEAST)) for one in (linking.clothes_kept, 1.0 - linking.clothes_kept))
        for modality in SHORT_TERM & comparable.keys() & self._weighing.calibration.keys():
            if modality not in linking.prior_log_odds:
                continue
            pairs = comparable[modality]
            nats, _ = self._nats(some, tracklets, modality)
            said = linking.head_share * nats if modality is Modality.HEAD else np.logaddexp(kept + nats, changed)
            total += np.where(pairs, said, 0.0)
            prior[pairs] = np.minimum(prior[pairs], linking.prior_log_odds[modality])
            there |= pairs
        log_odds = total + np.where(there, prior, 0.0) - self._doubt(some, tracklets, comparable)
        return np.where(there, np.clip(expit(log_odds), LEAST, MOST), 0.0)

    def _doubt(self, some: Tracklets, tracklets: Tracklets, comparable: Comparable) -> F64:
        """What pairs lose whose looks two people wear (`services.association.doubles`), by what is compared of them."""
        evidence = evidence_of(self._weighing.calibration, self._weighing.linking.prior_log_odds)
        judged = {modality: one for modality, one in evidence.items() if modality in comparable}
        judge = ShortTermLinks.of(judged, self._weighing.linking)
        # No short-term modality links two films.
        worn = worn_of(tracklets, some.movies, judge)
        places = {one: row for row, one in enumerate(tracklets.ids)}
        return judge.doubt.of(worn[[places[one] for one in some.ids]], worn)

    def _nats(self, left: Tracklets, right: Tracklets, modality: Modality) -> tuple[F64, Flags]:
        """Log-likelihood ratios by quality, and where they say anything at all."""
        calibration: Calibration = self._weighing.calibration[modality]
        weaker = qualities(left, right, modality)
        nats = calibration.logit_of(cosines(left, right, modality), weaker)
        trust = _trust(weaker) if modality is Modality.VOICE else np.ones_like(weaker)
        return trust * nats, trust > 0.0

    def _joined(self, looks: F64, voice: F64, linked: F64) -> F64:
        """Formulas of `services.fusion.fusing`."""
        prior = self._weighing.fusion.prior_log_odds
        rare = float(expit(np.array(prior)))

        def likelihood(nats: F64) -> F64:
            return rare * np.exp(nats) + 1.0 - rare

        one = linked * likelihood(looks + voice)
        link = one / (one + (1.0 - linked) * likelihood(looks) * likelihood(voice))
        together = link * expit(prior + looks + voice)
        if self._aspect is Aspect.SEEN_AND_HEARD:
            return together
        alone = looks if self._aspect is Aspect.SEEN else voice
        return together + (1.0 - link) * expit(prior + alone)


def _trust(quality: F64) -> F64:
    """`services.runtime.trust.trust_in` of voices, over a matrix."""
    heard_s = np.maximum(quality, 0.0) / np.maximum(1.0 - quality, 1e-9)
    return heard_s**2 / (heard_s**2 + HALF_WORTH_S**2)
