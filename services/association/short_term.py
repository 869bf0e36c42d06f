"""What links two appearances while clothes stay: body and head, judged together.

Either alone is deceived: a uniform makes two bodies one, a hat two heads. What each says of a pair is a calibrated
log-likelihood ratio, and they are added: the head's by a share, since both see the same hair and the same light; the
body's v as  log(k e^v + 1 - k),  where k is the probability that somebody who is seen again soon still wears the same,
since a cut may leave out an evening: other clothes then say little, the same clothes nearly all. Where two people who
look the same were on screen at once, to look like them says less (`doubles`). An edge is of the modality that speaks
most for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.special import expit

from packs.arrays import F64, I64, Bool
from packs.spec import Modality
from services.association.doubles import Doubt, doubles
from services.association.evidence import LEAST, MOST, SHORT_TERM, LinkEvidence
from services.association.looks import Looks
from services.association.settings import LinkingSettings

__all__ = ["Link", "ShortTermLinks"]

# Appearances that are compared with all near ones at once: what the comparison takes of memory stays bounded.
BLOCK = 256


@dataclass(frozen=True, slots=True)
class Link:
    """A link between the appearances at two places, and the modality that speaks most for it."""

    first: int
    second: int
    modality: Modality
    probability: float


@dataclass(frozen=True, slots=True)
class ShortTermLinks:
    """Judges pairs.

    Attributes:
        evidence: What the cosines of each modality mean.
        window_s: Longest gap.
        head_share: How far the head's say counts beside the body's.
        clothes_kept: Probability that one person wears the same in both.
        doubt: What a pair loses whose looks are worn by two.
    """

    evidence: Mapping[Modality, LinkEvidence]
    window_s: float
    head_share: float
    clothes_kept: float
    doubt: Doubt

    @classmethod
    def of(cls, evidence: Mapping[Modality, LinkEvidence], settings: LinkingSettings) -> Self:
        """With the numbers of some settings; of the evidence that of bodies and heads."""
        return cls(
            {modality: one for modality, one in evidence.items() if modality in SHORT_TERM},
            settings.short_term_window_s,
            settings.head_share,
            settings.clothes_kept,
            Doubt(settings.double_above, settings.double_share),
        )

    def within(self, looks: Looks, least: float, worn: F64 | None = None) -> Iterator[Link]:
        """Links of one video of at least a probability; appearances that overlap in time are two people.

        Args:
            looks: Of the video.
            least: The probability.
            worn: What `doubles_of` says of them, where it is known already.
        """
        worn = self.doubles_of(looks) if worn is None else worn
        for low in range(0, len(looks), BLOCK):
            mine = looks.part(low, low + BLOCK)
            later = looks.part(low, looks.first_after(float(mine.end_s.max()) + self.window_s))
            gaps = later.start_s[None, :] - mine.end_s[:, None]
            lost = self.doubt.of(worn[low : low + len(mine)], worn[low : low + len(later)])
            for link in self._links(mine, later, (gaps >= 0.0) & (gaps <= self.window_s), lost, least):
                yield replace(link, first=low + link.first, second=low + link.second)

    def between(self, looks: Looks, others: Looks, least: float, worn: F64 | None = None) -> Iterator[Link]:
        """Links of two cameras, on one clock: both may see somebody at the same time; `worn` as in `within`."""
        worn, far = self.doubles_of(looks) if worn is None else worn, self.doubles_of(others)
        for low in range(0, len(looks), BLOCK):
            mine = looks.part(low, low + BLOCK)
            lost = self.doubt.of(worn[low : low + len(mine)], far)
            for link in self._links(mine, others, mine.gaps_s(others) <= self.window_s, lost, least):
                yield replace(link, first=low + link.first)

    def doubles_of(self, looks: Looks) -> F64:
        """How sure it is that each look of a video is worn by two people, float64[N], in nats."""
        return doubles(looks, self.window_s, BLOCK, lambda one, other: self._judged(one, other)[0])

    def _links(self, looks: Looks, others: Looks, near: Bool, lost: F64, least: float) -> Iterator[Link]:
        nats, strongest, priors = self._judged(looks, others)
        probability = np.clip(expit(nats + priors - lost), LEAST, MOST)
        for first, second in np.argwhere(near & np.isfinite(nats) & (probability >= least)).tolist():
            modality = _MODALITIES[strongest[first, second]]
            yield Link(first, second, modality, float(probability[first, second]))

    def _judged(self, looks: Looks, others: Looks) -> tuple[F64, I64, F64]:
        """Of each pair what all modalities say, -inf where none does, which says most, and the prior: [N, M] each."""
        shape = len(looks), len(others)
        said, priors = np.full((len(_MODALITIES), *shape), -np.inf), np.full(shape, np.inf)
        for place, modality in enumerate(_MODALITIES):
            if modality in looks.seen and modality in others.seen and modality in self.evidence:
                nats, known = self._said(modality, looks, others)
                said[place][known] = nats[known]
                # The rarest prior of those that speak: each is of pairs that are near in time.
                priors[known] = np.minimum(priors[known], self.evidence[modality].prior_log_odds)
        total = np.where(np.isfinite(said), said, 0.0).sum(axis=0)
        any_said = np.isfinite(priors)
        return np.where(any_said, total, -np.inf), said.argmax(axis=0), np.where(any_said, priors, 0.0)

    def _said(self, modality: Modality, looks: Looks, others: Looks) -> tuple[F64, Bool]:
        """What a modality says of each pair, float64[N, M], and of which it says anything."""
        one, other = looks.seen[modality], others.seen[modality]
        weaker = np.minimum(one.qualities[:, None], other.qualities[None, :])
        nats = self.evidence[modality].calibration.logit_of(one.vectors @ other.vectors.T, weaker)
        said = self.head_share * nats if modality is Modality.HEAD else self._if_kept(nats)
        return said, one.present[:, None] & other.present[None, :]

    def _if_kept(self, nats: F64) -> F64:
        kept = np.log(max(self.clothes_kept, LEAST))
        return np.asarray(np.logaddexp(kept + nats, np.log(max(1.0 - self.clothes_kept, LEAST))), dtype=np.float64)


_MODALITIES = tuple(sorted(SHORT_TERM))
