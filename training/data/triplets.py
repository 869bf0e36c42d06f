"""Which tracklets make a triplet: the three samplings of APES, and what its published code does instead.

Source: Alcazar et al., "APES: Audiovisual Person Search in Untrimmed Video", section 4.2 and table 2:

* weak: the positive is the anchor's own tracklet, the negative any other tracklet of the data set, even of the same
  person;
* within: the positive is of the same person, the negative of another person in the same video;
* across: the positive is of the same person, the negative of another person in any video.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]


class Sampling(StrEnum):
    """Where positives and negatives come from."""

    WEAK = "weak"
    WITHIN = "within"
    ACROSS = "across"


class Negatives(StrEnum):
    """How negatives are drawn.

    ``RIGHT`` draws what the sampling promises. ``PUBLISHED`` draws what the published code draws (methods.md 3.1): it
    compares the identity of a candidate with the *tracklet* of the anchor, which never agree, so that its loop ends
    after one draw whatever came: any tracklet of the data set, of the anchor's person and the anchor itself included.
    Within and across come to the same there, and a positive may be the anchor too. It is kept to reproduce published
    figures, for nothing else.
    """

    RIGHT = "right"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Tracklets:
    """Whose tracklets they are, and of which video: int64[N] each; identities are unique over all videos."""

    identity: I64
    video: I64

    def __len__(self) -> int:
        return int(self.identity.shape[0])


class TripletSampler:
    """Draws a positive and a negative for anchors.

    Args:
        tracklets: What there is.
        sampling: Where positives and negatives come from.
        negatives: How negatives are drawn; ``PUBLISHED`` only with ``WITHIN`` or ``ACROSS``, which it is the fault of.

    Raises:
        ValueError: If the two options contradict each other, or no tracklet can be an anchor.
    """

    def __init__(self, tracklets: Tracklets, *, sampling: Sampling, negatives: Negatives = Negatives.RIGHT) -> None:
        if negatives is Negatives.PUBLISHED and sampling is Sampling.WEAK:
            raise ValueError("weak sampling was not published as code: take negatives=right")
        self.tracklets = tracklets
        self.sampling = sampling
        self.negatives = negatives
        self.anchors = self._with_negatives()
        if self.anchors.size == 0:
            raise ValueError(f"none of {len(tracklets)} tracklets has a negative under {sampling} sampling")

    def draw(self, anchors: I64, rng: np.random.Generator) -> tuple[I64, I64]:
        """Draw partners.

        Args:
            anchors: int64[B], rows out of `self.anchors`.
            rng: Source of chance.

        Returns:
            positives and negatives, int64[B] each, rows of the tracklets. A positive is the anchor's own row under
            weak sampling, and where a person has no other tracklet: take another moment of it then.
        """
        positives = np.array([self._positive(int(row), rng) for row in anchors], np.int64)
        negatives = np.array([self._negative(int(row), rng) for row in anchors], np.int64)
        return positives, negatives

    def _positive(self, anchor: int, rng: np.random.Generator) -> int:
        if self.sampling is Sampling.WEAK:
            return anchor
        rows = np.flatnonzero(self.tracklets.identity == self.tracklets.identity[anchor])
        if self.negatives is Negatives.RIGHT and rows.size > 1:
            rows = rows[rows != anchor]
        return int(rng.choice(rows))

    def _negative(self, anchor: int, rng: np.random.Generator) -> int:
        if self.negatives is Negatives.PUBLISHED:
            return int(rng.integers(0, len(self.tracklets)))
        return int(rng.choice(np.flatnonzero(self._allowed(anchor))))

    def _allowed(self, anchor: int) -> NDArray[np.bool_]:
        """Say which tracklets may be a negative of an anchor: bool[N]."""
        allowed: NDArray[np.bool_] = np.arange(len(self.tracklets)) != anchor
        if self.sampling is not Sampling.WEAK:
            allowed &= self.tracklets.identity != self.tracklets.identity[anchor]
        if self.sampling is Sampling.WITHIN:
            allowed &= self.tracklets.video == self.tracklets.video[anchor]
        return allowed

    def _with_negatives(self) -> I64:
        if self.negatives is Negatives.PUBLISHED:
            return np.arange(len(self.tracklets), dtype=np.int64)
        return np.array([row for row in range(len(self.tracklets)) if self._allowed(row).any()], np.int64)
