"""The figures of queries: each query is asked alone, an identity is the mean of its queries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from evaluation.asking import TOP_K, Answer
from evaluation.metrics.average_precision import average_precision, chance_average_precision
from evaluation.metrics.bootstrap import Estimate, estimate_mean, estimate_ratio
from evaluation.metrics.calibration_error import calibration_error, calibration_estimate
from evaluation.metrics.ranking import Judged, Shown, judge

__all__ = ["SURE", "RankedFigures", "Verdicts", "keys_by_identity", "ranked_figures", "verdicts_of"]

# A score from here on says "more likely this person than not".
SURE = 0.5


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Scores of hits, whether each is right, and whom was asked for."""

    scores: tuple[float, ...]
    right: tuple[bool, ...]
    people: tuple[str, ...]

    def error(self, min_score: float = 0.0) -> float:
        """Calibration error over the hits scored `min_score` or more."""
        kept = [(score, flag) for score, flag in zip(self.scores, self.right, strict=True) if score >= min_score]
        return calibration_error([score for score, _ in kept], [flag for _, flag in kept])

    def estimate(self, min_score: float = 0.0) -> Estimate | None:
        """The same with its interval over people; None without hits."""
        kept = [row for row, score in enumerate(self.scores) if score >= min_score]
        scores, right = [self.scores[row] for row in kept], [self.right[row] for row in kept]
        return calibration_estimate(scores, right, [self.people[row] for row in kept])


@dataclass(frozen=True, slots=True)
class RankedFigures:
    """Figures over one set of wanted things.

    Attributes:
        mean_average_precision: Mean over identities of the mean AP of their queries, with its interval.
        per_identity: The AP of each identity.
        chance: What a random order of the pool would have.
        chance_per_identity: The same of each identity.
        rank_1: Share of queries whose first hit that is not ignored is right.
        precision_when_sure: Right hits among those scored 0.5 or more, over all queries; None when there are none.
        recall_when_sure: Share of the wanted found with 0.5 or more, as mean over identities.
        side: `rank_1`, `precision_at_0_5` and `recall_at_0_5` with their intervals over identities.
        rank_1_chance: Rank 1 of a random order of the pool.
        judged: Identity and judged answer of each query.
        cut_off: How many wanted things, over all queries, are in no answer that was full: they may be beyond its end.
    """

    mean_average_precision: Estimate
    per_identity: Mapping[str, float]
    chance: float
    chance_per_identity: Mapping[str, float]
    rank_1: float
    precision_when_sure: float | None
    recall_when_sure: float
    side: Mapping[str, Estimate]
    rank_1_chance: float
    judged: tuple[tuple[str, Judged], ...]
    cut_off: int


def ranked_figures(
    answers: Sequence[Answer], wanted: Mapping[str, Set[str]], shown: Mapping[str, Shown], pool_size: int
) -> RankedFigures:
    """Judge all answers over the keys `wanted` of each identity; identities without any are left out.

    Raises ValueError when no identity is left.
    """
    asked = [answer for answer in answers if wanted.get(answer.identity)]
    if not asked:
        raise ValueError("no query asks for anybody with something to be found: nothing can be measured on these films")
    judged = tuple(
        (answer.identity, judge(answer.hits, answer.identity, wanted[answer.identity], shown)) for answer in asked
    )
    per_identity = _means(judged, lambda one: average_precision(one.right, one.relevant_count))
    chances = _means(
        judged, lambda one: chance_average_precision(one.relevant_count, max(pool_size, one.relevant_count))
    )
    missing = [one.relevant_count - len(one.found) for _, one in judged]
    return RankedFigures(
        mean_average_precision=estimate_mean(list(per_identity.values())),
        per_identity=per_identity,
        chance=float(np.mean(list(chances.values()))),
        chance_per_identity=chances,
        rank_1=float(np.mean([bool(one.right) and one.right[0] for _, one in judged])),
        precision_when_sure=_precision([one for _, one in judged]),
        recall_when_sure=float(np.mean(list(_means(judged, _recall).values()))),
        side=_side(judged),
        rank_1_chance=float(np.mean([one.relevant_count / max(pool_size, one.relevant_count) for _, one in judged])),
        judged=judged,
        cut_off=sum(count for answer, count in zip(asked, missing, strict=True) if len(answer.hits) >= TOP_K),
    )


def verdicts_of(answers: Sequence[Answer], shown: Mapping[str, Shown], among: Set[str] | None = None) -> Verdicts:
    """Collect all hits' scores; right is what shows the person asked for and is, where given, `among` these keys."""
    scores: list[float] = []
    right: list[bool] = []
    people: list[str] = []
    for answer in answers:
        for hit in answer.hits:
            thing = shown.get(hit.appearance_id)
            scores.append(hit.score)
            people.append(answer.identity)
            is_person = thing is not None and thing.identity == answer.identity
            right.append(is_person and (among is None or (thing is not None and thing.key in among)))
    return Verdicts(tuple(scores), tuple(right), tuple(people))


def keys_by_identity(things: Iterable[Shown]) -> dict[str, set[str]]:
    """Map each identity to the keys of its things."""
    groups: dict[str, set[str]] = {}
    for thing in things:
        groups.setdefault(thing.identity, set()).add(thing.key)
    return groups


def _side(judged: Sequence[tuple[str, Judged]]) -> dict[str, Estimate]:
    first = _sums(judged, lambda one: (float(bool(one.right) and one.right[0]), 1.0))
    sure = _sums(judged, _surely)
    found = {"rank_1": estimate_ratio(*first, unit="identities")}
    found["recall_at_0_5"] = estimate_mean(list(_means(judged, _recall).values()))
    return found | ({"precision_at_0_5": estimate_ratio(*sure, unit="identities")} if any(sure[1]) else {})


def _surely(one: Judged) -> tuple[float, float]:
    """Right hits among the sure ones, and how many those are."""
    flags = [flag for score, flag in zip(one.scores, one.right, strict=True) if score >= SURE]
    return float(sum(flags)), float(len(flags))


def _sums(
    judged: Sequence[tuple[str, Judged]], counts: Callable[[Judged], tuple[float, float]]
) -> tuple[list[float], list[float]]:
    """Of each identity what its queries counted, and what was possible."""
    found: dict[str, list[float]] = {}
    for identity, one in judged:
        sums = found.setdefault(identity, [0.0, 0.0])
        for column, value in enumerate(counts(one)):
            sums[column] += value
    return [one for one, _ in found.values()], [other for _, other in found.values()]


def _means(judged: Sequence[tuple[str, Judged]], figure: Callable[[Judged], float]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for identity, one in judged:
        values.setdefault(identity, []).append(figure(one))
    return {identity: float(np.mean(found)) for identity, found in sorted(values.items())}


def _precision(judged: Sequence[Judged]) -> float | None:
    verdicts = [flag for one in judged for score, flag in zip(one.scores, one.right, strict=True) if score >= SURE]
    return float(np.mean(verdicts)) if verdicts else None


def _recall(one: Judged) -> float:
    return sum(flag for score, flag in zip(one.scores, one.right, strict=True) if score >= SURE) / one.relevant_count
