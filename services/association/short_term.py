"""What links two appearances while clothes stay: body and head, judged together.

Either alone is deceived: a uniform makes two bodies one, a hat two heads. What each says of a pair is a calibrated
log-likelihood ratio, and they are added: the head's by a share, since both see the same hair and the same light; the
body's v as  log(k e^v + 1 - k),  where k is the probability that somebody who is seen again soon still wears the same,
since a cut may leave out an evening: other clothes then say little, the same clothes nearly all. An edge is of the
modality that speaks most for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.special import expit

from packs.arrays import F32, F64, Bool
from packs.spec import Modality
from services.association.evidence import LEAST, MOST, SHORT_TERM, LinkEvidence
from services.backends.schemas import EmbeddingRow

__all__ = ["Link", "Looks", "ShortTermLinks"]

# Appearances that are compared with all near ones at once: what the comparison takes of memory stays bounded.
BLOCK = 256


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One modality of N appearances: float32[N, D], zeros where it is absent; bool[N]; quality float64[N]."""

    vectors: F32
    present: Bool
    qualities: F64


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """How N appearances look, in order of time.

    Attributes:
        ids: Of the appearances.
        start_s: float64[N].
        end_s: float64[N].
        seen: By modality.
    """

    ids: tuple[str, ...]
    start_s: F64
    end_s: F64
    seen: Mapping[Modality, Seen]

    @classmethod
    def of(cls, rows: Mapping[Modality, Sequence[EmbeddingRow]]) -> Self:
        """Put together what is stored of each modality."""
        spans = {row.appearance_id: (row.start_s, row.end_s) for some in rows.values() for row in some}
        ids = sorted(spans, key=lambda one: (spans[one], one))
        places = {one: place for place, one in enumerate(ids)}
        times = np.array([spans[one] for one in ids], dtype=np.float64).reshape(-1, 2)
        return cls(
            tuple(ids), times[:, 0], times[:, 1], {one: _seen(some, places) for one, some in rows.items() if some}
        )

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, low: int, high: int) -> Looks:
        """Those from one place to before another."""
        cut = slice(low, high)
        seen = {
            modality: Seen(one.vectors[cut], one.present[cut], one.qualities[cut])
            for modality, one in self.seen.items()
        }
        return Looks(self.ids[cut], self.start_s[cut], self.end_s[cut], seen)

    def later_by(self, shift_s: float) -> Looks:
        """The same on a clock that is so much ahead."""
        return replace(self, start_s=self.start_s + shift_s, end_s=self.end_s + shift_s)


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
    """

    evidence: Mapping[Modality, LinkEvidence]
    window_s: float
    head_share: float
    clothes_kept: float

    def within(self, looks: Looks, least: float) -> Iterator[Link]:
        """Links of one video of at least a probability; appearances that overlap in time are two people."""
        for low in range(0, len(looks), BLOCK):
            mine = looks.part(low, low + BLOCK)
            last = int(np.searchsorted(looks.start_s, mine.end_s.max() + self.window_s, side="right"))
            later = looks.part(low, last)
            gaps = later.start_s[None, :] - mine.end_s[:, None]
            for link in self._links(mine, later, (gaps >= 0.0) & (gaps <= self.window_s), least):
                yield replace(link, first=low + link.first, second=low + link.second)

    def between(self, looks: Looks, others: Looks, least: float) -> Iterator[Link]:
        """Links of two cameras, on one clock: both may see somebody at the same time."""
        for low in range(0, len(looks), BLOCK):
            mine = looks.part(low, low + BLOCK)
            after = others.start_s[None, :] - mine.end_s[:, None]
            before = mine.start_s[:, None] - others.end_s[None, :]
            for link in self._links(mine, others, np.maximum(after, before) <= self.window_s, least):
                yield replace(link, first=low + link.first)

    def _links(self, looks: Looks, others: Looks, near: Bool, least: float) -> Iterator[Link]:
        said = {
            modality: self._said(modality, looks.seen[modality], others.seen[modality])
            for modality in sorted(SHORT_TERM)
            if modality in looks.seen and modality in others.seen and modality in self.evidence
        }
        if not said:
            return
        nats = np.stack([one for one, _ in said.values()])
        known = np.stack([one for _, one in said.values()])
        priors = np.array([self.evidence[modality].prior_log_odds for modality in said])
        # The rarest prior of those that speak: each is of pairs that are near in time.
        prior = np.where(known, priors[:, None, None], np.inf).min(axis=0)
        probability = np.clip(expit(np.where(known, nats, 0.0).sum(axis=0) + prior), LEAST, MOST)
        strongest = np.where(known, nats, -np.inf).argmax(axis=0)
        names = list(said)
        for first, second in np.argwhere(near & known.any(axis=0) & (probability >= least)).tolist():
            yield Link(first, second, names[strongest[first, second]], float(probability[first, second]))

    def _said(self, modality: Modality, one: Seen, other: Seen) -> tuple[F64, Bool]:
        """What a modality says of each pair, float64[N, M], and of which it says anything."""
        cosines = one.vectors @ other.vectors.T
        qualities = np.minimum(one.qualities[:, None], other.qualities[None, :])
        nats = self.evidence[modality].calibration.logit_of(cosines, qualities)
        said = self.head_share * nats if modality is Modality.HEAD else self._if_kept(nats)
        return said, one.present[:, None] & other.present[None, :]

    def _if_kept(self, nats: F64) -> F64:
        kept = np.log(max(self.clothes_kept, LEAST))
        return np.asarray(np.logaddexp(kept + nats, np.log(max(1.0 - self.clothes_kept, LEAST))), dtype=np.float64)


def _seen(rows: Sequence[EmbeddingRow], places: Mapping[str, int]) -> Seen:
    vectors = np.zeros((len(places), len(rows[0].vector)), np.float32)
    present, qualities = np.zeros(len(places), np.bool_), np.ones(len(places))
    for row in rows:
        place = places[row.appearance_id]
        vectors[place], present[place], qualities[place] = row.vector, True, row.quality
    return Seen(vectors, present, qualities)
