"""Figures besides the table, of the whole system: faceless tracklets, open set, calibration, voices, groups.

A query kind is a portrait (asks where the person is seen) or a voice clip (where the person is heard, whoever is on
screen). Every query is asked alone across all films.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.datasets.tracklets import CastSearch, Flags, Tracklets
from evaluation.groups import group_means
from evaluation.metrics.bootstrap import Estimate, estimate_mean
from evaluation.metrics.calibration_error import calibration_estimate
from evaluation.metrics.open_set import OpenSet, open_set
from evaluation.metrics.scored import Scored
from packs.spec import Modality

__all__ = [
    "Asked",
    "Besides",
    "FacelessFigures",
    "KindFigures",
    "as_heard",
    "besides_of",
    "faceless_figures",
    "heard_pool",
    "kind_figures",
    "strange_to",
    "without_people",
]

Scores = NDArray[np.floating]
RECALL_AT = 50
# What a search returns at all, and what it says may well be so.
RETURNED, LIKELY = 0.01, 0.1


@dataclass(frozen=True, slots=True)
class FacelessFigures:
    """Over tracklets without a visible face; the person's others are ignored, neither right nor wrong.

    Attributes:
        r_precision: Share of right ones among the first R, R being how many there are; mean over people.
        recall_at_50: Share of them among the first 50.
        mean_average_precision: Over them.
        chance: The same three of a random ranking.
        tracklets: How many there are, of all people asked for.
    """

    r_precision: Estimate
    recall_at_50: Estimate
    mean_average_precision: Estimate
    chance: tuple[float, float, float]
    tracklets: int


@dataclass(frozen=True, slots=True)
class KindFigures:
    """Of one kind of query.

    Attributes:
        mean_average_precision: With its interval over people.
        chance: Of a random ranking.
        open_set: True persons found at a false positive identification rate of 1 %.
        calibration_error: Over all pairs scored 0.01 or more; None where scores are no probabilities.
        calibration_error_likely: Over those scored 0.1 or more.
        per_identity: AP of each person.
        chance_per_identity: The same of a random ranking.
    """

    mean_average_precision: Estimate
    chance: float
    open_set: OpenSet
    calibration_error: Estimate | None
    calibration_error_likely: Estimate | None
    per_identity: Mapping[str, float]
    chance_per_identity: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Besides:
    """All of it; what the data has nothing for is None."""

    faceless: FacelessFigures | None
    portrait: KindFigures
    voice: KindFigures | None
    by_group: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Scores of all queries of a kind.

    Attributes:
        scores: float[Q, N], against all tracklets.
        strangers: float[Q], the best in a gallery without the query's person.
    """

    scores: Scores
    strangers: Scores


def heard_pool(tracklets: Tracklets) -> Flags:
    """What a voice may find, bool[N]: only what is heard can come back."""
    return tracklets.present(Modality.VOICE) | ~tracklets.on_screen


def as_heard(tracklets: Tracklets) -> Tracklets:
    """The same, each as whom it lets be heard: `HEARD` asks for a voice, whoever is on screen."""
    return replace(tracklets, identities=tracklets.heard)


def without_people(tracklets: Tracklets, people: Collection[str]) -> Flags:
    """What is left of a gallery when some people are not in it, bool[N]: neither whom they show nor whom they let hear.

    What the truth assigns to nobody goes too, where it has one of them in a part of it.
    """
    gone = frozenset(people)
    named = zip(tracklets.identities, tracklets.heard, tracklets.partly, strict=True)
    return np.array([not gone & {seen, heard} and (seen is not None or not gone & part) for seen, heard, part in named])


def strange_to(tracklets: Tracklets, person: str | None) -> Flags:
    """What has not even a part of a person in it, bool[N]: only that can be found wrongly when the person is absent."""
    return np.array([person not in part for part in tracklets.partly], dtype=bool)


def besides_of(search: CastSearch, portraits: Asked, voices: Asked | None) -> Besides:
    """Measure what portraits and voices find."""
    tracklets = search.tracklets
    seen = kind_figures(search.portraits, tracklets, portraits, tracklets.on_screen, tracklets.on_screen)
    groups = {"portrait": group_means(seen.per_identity, search.attributes, seen.chance_per_identity)}
    heard = None
    if search.voices is not None and voices is not None:
        pool = heard_pool(tracklets)
        told = as_heard(tracklets)
        if any(name in set(_labels(told, pool)) for name in search.voices.identities):
            heard = kind_figures(search.voices, told, voices, pool, pool)
            groups["voice"] = group_means(heard.per_identity, search.attributes, heard.chance_per_identity)
    return Besides(faceless_figures(search, portraits.scores), seen, heard, groups)


def kind_figures(queries: Tracklets, tracklets: Tracklets, asked: Asked, pool: Flags, right: Flags) -> KindFigures:
    """Measure one kind.

    Args:
        queries: Q of one kind.
        tracklets: N.
        asked: Their scores.
        pool: bool[N], what takes part.
        right: bool[N], what of a person is right when it is returned; a person's other tracklets are ignored.
    """
    values: dict[str, list[tuple[float, float]]] = {}
    pairs: list[tuple[Scores, Flags, str]] = []
    for person, row in zip(queries.identities, asked.scores, strict=True):
        own = np.array([name == person for name in tracklets.identities], dtype=bool)
        kept = pool & ~(own & ~right)
        flags = (own & right)[kept]
        if person is None or not flags.any():
            continue
        count = int(flags.sum())
        blind = Scored.of(np.zeros(len(flags)), flags).average_precision(count)
        values.setdefault(person, []).append((Scored.of(row[kept], flags).average_precision(count), blind))
        pairs.append((row[kept], flags, person))
    means, blind_means = (
        {person: float(np.mean([both[side] for both in found])) for person, found in sorted(values.items())}
        for side in (0, 1)
    )
    known = [row for row, person in enumerate(queries.identities) if person in values]
    labels = _labels(tracklets, right)
    columns = np.flatnonzero(pool)
    return KindFigures(
        estimate_mean(list(means.values())),
        float(np.mean(list(blind_means.values()))),
        open_set(
            asked.scores[known][:, columns],
            [str(queries.identities[row]) for row in known],
            [labels[column] for column in columns],
            impostors=asked.strangers[known],
        ),
        _error(pairs, RETURNED),
        _error(pairs, LIKELY),
        means,
        blind_means,
    )


def faceless_figures(search: CastSearch, scores: Scores) -> FacelessFigures | None:
    """Measure float[Q, N] scores of portraits over tracklets without a visible face; None when there are none."""
    tracklets = search.tracklets
    wanted = tracklets.on_screen & ~tracklets.face_visible
    found: dict[str, list[list[float]]] = {}
    counts: dict[str, int] = {}
    for person, row in zip(search.portraits.identities, scores, strict=True):
        own = np.array([name == person for name in tracklets.identities], dtype=bool)
        kept = tracklets.on_screen & ~(own & ~wanted)
        flags = (own & wanted)[kept]
        if person is None or not flags.any():
            continue
        counts[person] = int(flags.sum())
        ours = _three(row[kept], flags)
        found.setdefault(person, []).append([*ours, *_three(np.zeros(len(flags)), flags)])
    if not found:
        return None
    means = np.array([np.mean(rows, axis=0) for _, rows in sorted(found.items())])
    precision, recall, ap = (estimate_mean(means[:, column].tolist()) for column in range(3))
    blind = (float(means[:, 3].mean()), float(means[:, 4].mean()), float(means[:, 5].mean()))
    return FacelessFigures(precision, recall, ap, blind, sum(counts.values()))


def _three(scores: Scores, flags: Flags) -> tuple[float, float, float]:
    ranking, count = Scored.of(scores, flags), int(flags.sum())
    return ranking.precision_at(count), ranking.recall_at(RECALL_AT, count), ranking.average_precision(count)


def _error(pairs: list[tuple[Scores, Flags, str]], least: float) -> Estimate | None:
    scores = np.concatenate([row for row, _, _ in pairs])
    flags = np.concatenate([right for _, right, _ in pairs])
    people = np.repeat([person for *_, person in pairs], [len(row) for row, _, _ in pairs])
    if scores.max(initial=0.0) > 1.0 or scores.min(initial=0.0) < 0.0:
        return None
    kept = scores >= least
    return calibration_estimate(scores[kept].tolist(), flags[kept].tolist(), people[kept].tolist())


def _labels(tracklets: Tracklets, right: Flags) -> list[str | None]:
    return [name if flag else None for name, flag in zip(tracklets.identities, right, strict=True)]
