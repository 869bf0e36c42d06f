"""mAP and transposed top-k of one way of searching, with intervals.

A person with several portraits is asked for by each alone: the portraits are dealt into sheets of one portrait a
person, each sheet is a cast as the protocol wants it, and a figure is the mean over sheets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.datasets.tracklets import Tracklets
from evaluation.metrics.bootstrap import Estimate, estimate_mean, estimate_ratio
from evaluation.metrics.cast_search import TOP, Pool

__all__ = ["CastFigures", "dealt", "figures_of", "gain_over", "mean_of", "sheets_of"]

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class CastFigures:
    """Of one pool (across) or of one a film (within).

    Attributes:
        mean_average_precision: Mean over queries, with its interval over people.
        top: Transposed top-1, 3 and 5, with intervals over films where there are several, else over people.
        precisions: AP of each query that has somebody to be found: (film or "", person) to the mean over sheets.
    """

    mean_average_precision: Estimate
    top: Mapping[int, Estimate]
    precisions: Mapping[tuple[str, str], float]

    @property
    def per_identity(self) -> dict[str, float]:
        """Mean AP of each person, over the films that ask for them."""
        found: dict[str, list[float]] = {}
        for (_, person), value in self.precisions.items():
            found.setdefault(person, []).append(value)
        return {person: float(np.mean(values)) for person, values in sorted(found.items())}


def sheets_of(portraits: Tracklets, movie: str | None = None) -> list[Rows]:
    """Deal portraits into sheets of one a person.

    Those of a movie's cast, or of everybody: then a person's are those of the first movie that has any. There are as
    many sheets as somebody has portraits; who has fewer is asked for again by the first ones.
    """
    of_person: dict[str, list[int]] = {}
    first_movie: dict[str, str] = {}
    for row, (name, person) in enumerate(zip(portraits.movies, portraits.identities, strict=True)):
        if person is not None and movie in (None, name) and first_movie.setdefault(person, name) == name:
            of_person.setdefault(person, []).append(row)
    count = max((len(rows) for rows in of_person.values()), default=0)
    chosen = [[rows[sheet % len(rows)] for _, rows in sorted(of_person.items())] for sheet in range(count)]
    return [np.array(rows, dtype=np.intp) for rows in chosen]


def dealt(queries: Tracklets) -> list[Rows]:
    """Deal all queries into sheets in which nobody is asked for twice; each query is in one of them."""
    sheets: list[list[int]] = []
    seen: dict[str, int] = {}
    for row, person in enumerate(queries.identities):
        place = seen.get(person or "", 0)
        seen[person or ""] = place + 1
        if place == len(sheets):
            sheets.append([])
        sheets[place].append(row)
    return [np.array(rows, dtype=np.intp) for rows in sheets]


def figures_of(pools: Mapping[str, Sequence[Pool]]) -> CastFigures:
    """Figures over pools: of each film (or "" for one pool of all) its sheets.

    Raises:
        ValueError: If nobody can be found in any.
    """
    values: dict[tuple[str, str], list[float]] = {}
    for name, sheets in pools.items():
        for sheet in sheets:
            for person, value in sheet.average_precisions().items():
                values.setdefault((name, person), []).append(value)
    if not values:
        raise ValueError("no tracklet shows anybody of the cast: nothing can be measured")
    precisions = {query: float(np.mean(found)) for query, found in values.items()}
    top = {k: _top(pools, k) for k in TOP}
    return CastFigures(mean_of(precisions), top, precisions)


def gain_over(ours: CastFigures, others: CastFigures) -> Estimate:
    """Mean difference of the same queries, so that one that is hard for both does not widen the interval."""
    both = ours.precisions.keys() & others.precisions.keys()
    return mean_of({query: ours.precisions[query] - others.precisions[query] for query in sorted(both)})


def mean_of(precisions: Mapping[tuple[str, str], float]) -> Estimate:
    """Mean over queries (film, person), with its interval over people."""
    people = sorted({person for _, person in precisions})
    sums, counts = dict.fromkeys(people, 0.0), dict.fromkeys(people, 0.0)
    for (_, person), value in precisions.items():
        sums[person] += value
        counts[person] += 1.0
    return estimate_ratio(list(sums.values()), list(counts.values()), unit="identities")


def _top(pools: Mapping[str, Sequence[Pool]], k: int) -> Estimate:
    """Mean over films of the mean over sheets; of a single pool the hits of each person over their tracklets."""
    tops = []
    for sheets in pools.values():
        found = [top for sheet in sheets if (top := sheet.top(k)) is not None]
        if found:
            tops.append(float(np.mean(found)))
    if len(tops) > 1 or min(len(sheet.cast) for sheets in pools.values() for sheet in sheets) < k:
        return estimate_mean(tops, unit="films")
    hits: dict[str, float] = {}
    counts: dict[str, float] = {}
    for sheet in (sheet for sheets in pools.values() for sheet in sheets):
        for person, (right, count) in sheet.hits_by_person(k).items():
            hits[person] = hits.get(person, 0.0) + right
            counts[person] = counts.get(person, 0.0) + count
    return estimate_ratio(list(hits.values()), list(counts.values()), unit="identities")
