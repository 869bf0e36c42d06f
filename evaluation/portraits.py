"""The figures of portrait queries: each portrait is asked alone, an identity is the mean of its portraits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.asking import Answer
from evaluation.metrics.average_precision import average_precision, chance_average_precision
from evaluation.metrics.bootstrap import bootstrap_interval
from evaluation.metrics.calibration_error import calibration_error
from evaluation.metrics.ranking import Judged, judge
from evaluation.truth import TruthTracklet

__all__ = ["SURE", "PortraitFigures", "calibration_of", "portrait_figures"]

# A score from here on says "more likely this person than not".
SURE = 0.5


@dataclass(frozen=True, slots=True)
class PortraitFigures:
    """Figures over one set of relevant tracklets.

    Attributes:
        mean_average_precision: Mean over identities of the mean AP of their portraits.
        interval: 95 % bootstrap interval of it, over identities.
        per_identity: The AP of each identity.
        chance: What a random order of the whole gallery would have.
        rank_1: Share of portraits whose first hit that is not ignored is right.
        precision_when_sure: Right hits among those scored 0.5 or more, over all portraits; None when there are none.
        recall_when_sure: Share of the relevant found with 0.5 or more, as mean over identities.
    """

    mean_average_precision: float
    interval: tuple[float, float]
    per_identity: Mapping[str, float]
    chance: float
    rank_1: float
    precision_when_sure: float | None
    recall_when_sure: float


def portrait_figures(
    answers: Sequence[Answer],
    truth: Sequence[TruthTracklet],
    shown: Mapping[str, TruthTracklet],
    pool_size: int,
    wanted: Callable[[TruthTracklet], bool],
) -> PortraitFigures:
    """Judge all answers over the truth tracklets that are `wanted`; identities without any are left out.

    Raises ValueError when no identity is left.
    """
    relevant = _by_identity([tracklet for tracklet in truth if wanted(tracklet)])
    judged = [
        (
            answer.portrait.identity,
            judge(answer.hits, answer.portrait.identity, relevant[answer.portrait.identity], shown),
        )
        for answer in answers
        if answer.portrait.identity in relevant
    ]
    if not judged:
        raise ValueError("no portrait shows anybody with a relevant tracklet: nothing can be measured on these films")
    per_identity = _means(judged, lambda one: average_precision(one.right, one.relevant_count))
    chances = [chance_average_precision(one.relevant_count, max(pool_size, one.relevant_count)) for _, one in judged]
    return PortraitFigures(
        mean_average_precision=float(np.mean(list(per_identity.values()))),
        interval=bootstrap_interval(list(per_identity.values())),
        per_identity=per_identity,
        chance=float(np.mean(chances)),
        rank_1=float(np.mean([bool(one.right) and one.right[0] for _, one in judged])),
        precision_when_sure=_precision([one for _, one in judged]),
        recall_when_sure=float(np.mean(list(_means(judged, _recall).values()))),
    )


def calibration_of(answers: Sequence[Answer], shown: Mapping[str, TruthTracklet], min_score: float) -> float:
    """Calibration error over all hits scored `min_score` or more; a hit is right when it shows the person asked for."""
    scores: list[float] = []
    right: list[bool] = []
    for answer in answers:
        for hit in answer.hits:
            if hit.score >= min_score:
                tracklet = shown.get(hit.appearance_id)
                scores.append(hit.score)
                right.append(tracklet is not None and tracklet.identity == answer.portrait.identity)
    return calibration_error(scores, right)


def _by_identity(tracklets: Sequence[TruthTracklet]) -> dict[str, list[TruthTracklet]]:
    groups: dict[str, list[TruthTracklet]] = {}
    for tracklet in tracklets:
        groups.setdefault(tracklet.identity, []).append(tracklet)
    return groups


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
