"""Open set: how often a person who is there is found, when nearly nobody is named who is not there.

After the terms of ISO/IEC 19795 (and Phillips, Grother and Micheals, "Evaluation methods in face recognition", 2011): a
search is mated when its person is in the gallery, else non-mated. Of non-mated searches the false positive
identification rate is the share whose best score reaches a threshold; of mated ones the rate of true persons found is
the share whose best hit is the person *and* reaches it. The threshold is the lowest at which the first rate is at most
the one that is allowed. Closed-set rank-1 is the second rate without a threshold.

Non-mated searches are made from mated ones by taking the person's own appearances out of the gallery. Where scores
depend on what else is in the gallery, as after a propagation, that must be done before it, and its best scores be
given (`impostors`); else the person's columns are left out. With n of them a rate below 1 / n cannot be told from 0:
the threshold then lies above every one of them, which is the strict side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.bootstrap import Estimate, estimate_by_unit, estimate_of

__all__ = ["FALSE_POSITIVE_RATE", "OpenSet", "Searches", "open_set", "open_set_of"]

FALSE_POSITIVE_RATE = 0.01


@dataclass(frozen=True, slots=True)
class OpenSet:
    """What an open-set search finds.

    Attributes:
        threshold: The least score that is believed; the next number above the strongest impostor that is refused.
        found: Rate of true persons found, with its interval over identities.
        rank_1: Closed-set rank-1 rate, likewise.
        share: The first over the second; None when nobody is found at all.
        share_interval: Its interval over identities, at the same threshold.
        chance: Closed-set rank-1 rate of a random ranking, in expectation.
        searches: How many there are of each kind.
    """

    threshold: float
    found: Estimate
    rank_1: Estimate
    share: float | None
    share_interval: tuple[float, float] | None
    chance: float
    searches: int


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """S searches, each mated and non-mated.

    Attributes:
        own: float64[S], the best score of the person who is asked for.
        first: float64[S] in 0..1, whether the best hit is that person; where ties are broken at random, how likely.
        strange: float64[S], the best score in the gallery without that person.
        people: Whom each asks for.
        chance: Closed-set rank-1 rate of a random ranking.
    """

    own: NDArray[np.float64]
    first: NDArray[np.float64]
    strange: NDArray[np.float64]
    people: tuple[str, ...]
    chance: float


def open_set(
    scores: NDArray[np.floating],
    asked: Sequence[str],
    labels: Sequence[str | None],
    allowed: float = FALSE_POSITIVE_RATE,
    impostors: NDArray[np.floating] | None = None,
) -> OpenSet:
    """Measure queries, each mated and, without its person's columns, non-mated.

    Args:
        scores: float[Q, N].
        asked: Whom each row asks for.
        labels: Whom each column shows; None is nobody of the truth.
        allowed: The false positive identification rate.
        impostors: float[Q], the best score of each query in a gallery without its person.

    Raises:
        ValueError: If no query's person is in the gallery, or nobody else is.
    """
    names = np.array([label or "" for label in labels])
    best_own, best_other, best_strange, blind, people = [], [], [], [], []
    for place, (person, row) in enumerate(zip(asked, np.asarray(scores, dtype=np.float64), strict=True)):
        own = names == person
        if own.any() and not own.all():
            best_own.append(float(row[own].max()))
            best_other.append(float(row[~own].max()))
            best_strange.append(best_other[-1] if impostors is None else float(impostors[place]))
            blind.append(float(own.mean()))
            people.append(person)
    if not people:
        raise ValueError("no query's person is in the gallery beside somebody else: nothing can be measured")
    own_scores = np.array(best_own)
    first = (own_scores > np.array(best_other)).astype(np.float64)
    return open_set_of(
        Searches(own_scores, first, np.array(best_strange), tuple(people), float(np.mean(blind))), allowed
    )


def open_set_of(searches: Searches, allowed: float = FALSE_POSITIVE_RATE) -> OpenSet:
    """Measure searches of which it is known already what came first.

    Raises:
        ValueError: Without a search.
    """
    people, first = searches.people, searches.first
    threshold = _threshold(searches.strange, allowed)
    hits = first * (searches.own >= threshold)
    found, rank_1 = estimate_by_unit(hits, people), estimate_by_unit(first, people)
    share = _share(hits, first, people) if rank_1.value else None
    return OpenSet(
        threshold,
        found,
        rank_1,
        None if share is None else share.value,
        None if share is None else share.interval,
        searches.chance,
        len(people),
    )


def _threshold(impostors: NDArray[np.float64], allowed: float) -> float:
    """The lowest threshold that at most the allowed share of impostors reaches."""
    falling = np.sort(impostors)[::-1]
    refused = falling[int(np.floor(allowed * len(falling) + 1e-9))]
    return float(np.nextafter(refused, np.inf))


def _share(hits: NDArray[np.float64], first: NDArray[np.float64], people: Sequence[str]) -> Estimate:
    names = sorted(set(people))
    places = np.array([names.index(person) for person in people])
    sums = [np.bincount(places, weights=flags, minlength=len(names)) for flags in (hits, first)]

    def figure(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        # A draw in which nobody is first has no share; none of it is the strict side.
        whole = drawn[:, 1]
        return np.divide(drawn[:, 0], whole, out=np.zeros(len(drawn)), where=whole > 0)

    return estimate_of(np.stack(sums, axis=1), figure)
