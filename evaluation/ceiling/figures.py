"""What a perfect reader finds: one who sees everything that a sentence can name, of everybody, without a mistake.

A description that is true of k people leaves k equal answers, of which the reader takes one at random: it is right with
1 / k. Asked for somebody who is absent, the reader sees whom else it is true of. What is left to tell these searches
apart is how many answers there are and how rare what is said is: a hit scores 1 / (k + expected), `expected` being of
how many it would be true in as large a part of the population, as if so many more could be meant. A second reader is
told besides who wears a uniform, and expects somebody else in the same: 0.3 more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evaluation.ceiling.hindsight import found_in_hindsight
from evaluation.ceiling.reading import Reading
from evaluation.metrics.bootstrap import Estimate, estimate_by_unit
from evaluation.metrics.open_set import FALSE_POSITIVE_RATE, OpenSet, Searches, open_set_of
from evaluation.words.figures import KINDS

__all__ = ["ALLOWED", "READERS", "CeilingFigures", "figures_by_kind", "figures_of", "in_hindsight"]

# False positive identification rates.
ALLOWED: Final = (FALSE_POSITIVE_RATE, 0.02, 0.05)
# By reader, how many more a description is expected to be true of where it is true of somebody in a uniform.
READERS: Final[Mapping[str, float]] = {"attributes": 0.0, "and_uniforms": 0.3}


@dataclass(frozen=True, slots=True)
class CeilingFigures:
    """Of some descriptions; every interval is over the identities that are asked for.

    Attributes:
        descriptions: How many.
        rank_1: Closed-set rank-1 rate, ties broken at random, in expectation.
        true_of_one: Share that is true of nobody but the person.
        answered: Share of searches for somebody absent in which it is true of somebody else.
        answered_by_one: Share of them in which it is true of exactly one: only how rare it is tells that from a right
            answer.
        open_set: By reader of `READERS` and false positive identification rate of `ALLOWED`.
    """

    descriptions: int
    rank_1: Estimate
    true_of_one: Estimate
    answered: Estimate
    answered_by_one: Estimate
    open_set: Mapping[str, Mapping[float, OpenSet]]


def figures_by_kind(readings: Sequence[Reading], people: int) -> dict[str, CeilingFigures]:
    """Figures of all descriptions, and of each kind that there is with thresholds of its own.

    Args:
        readings: Of the descriptions of a gallery.
        people: How many the gallery shows.
    """
    kinds = {"all": list(readings)} | _by_kind(readings)
    return {kind: figures_of(some, people) for kind, some in kinds.items()}


def in_hindsight(readings: Sequence[Reading], people: int) -> dict[str, dict[float, float]]:
    """Rate of true persons found with a threshold for each kind, set afterwards: by reader, and by `ALLOWED`."""
    kinds = _by_kind(readings).values()
    return {
        name: {
            allowed: found_in_hindsight([_searches(some, people, weight) for some in kinds], allowed)
            for allowed in ALLOWED
        }
        for name, weight in READERS.items()
    }


def figures_of(readings: Sequence[Reading], people: int) -> CeilingFigures:
    """Measure some descriptions; raises ValueError without any."""
    asked = tuple(one.asked.identity for one in readings)
    fits = np.array([len(one.people) for one in readings], dtype=np.float64)

    def by_person(values: NDArray[Any]) -> Estimate:
        return estimate_by_unit(values.astype(np.float64), asked)

    return CeilingFigures(
        descriptions=len(readings),
        rank_1=by_person(1.0 / fits),
        true_of_one=by_person(fits == 1),
        answered=by_person(fits > 1),
        answered_by_one=by_person(fits == 2),
        open_set={
            name: {allowed: open_set_of(_searches(readings, people, weight), allowed) for allowed in ALLOWED}
            for name, weight in READERS.items()
        },
    )


def _by_kind(readings: Sequence[Reading]) -> dict[str, list[Reading]]:
    kinds = {kind: [one for one in readings if one.asked.kind == kind] for kind in KINDS}
    return {kind: some for kind, some in kinds.items() if some}


def _searches(readings: Sequence[Reading], people: int, uniform: float) -> Searches:
    own = [_score(one, one.people, uniform) for one in readings]
    first = [1.0 / len(one.people) for one in readings]
    strange = [_score(one, one.people - {one.asked.identity}, uniform) for one in readings]
    asked = tuple(one.asked.identity for one in readings)
    return Searches(np.array(own), np.array(first), np.array(strange), asked, 1.0 / people)


def _score(reading: Reading, left: Set[str], uniform: float) -> float:
    """Of the hits when some people are left in the gallery; 0 without a hit."""
    if not left:
        return 0.0
    return 1.0 / (len(left) + reading.expected + (uniform if left & reading.uniformed else 0.0))
