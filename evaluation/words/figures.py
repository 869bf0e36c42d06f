"""Figures of descriptions: each is asked alone, an identity is the mean of its descriptions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

from evaluation.metrics.average_precision import average_precision, chance_average_precision
from evaluation.metrics.bootstrap import Estimate, estimate_mean
from evaluation.metrics.ranking import Judged, RankedHit, Shown, judge
from evaluation.truth_words import Description
from synthetic.descriptions import HELD_OUT_TEMPLATES

__all__ = ["GROUPS", "KINDS", "Ranking", "WordFigures", "chance_figures", "figures_of", "group_of", "groups_of"]

TEN = 10
KINDS = ("full", "partial", "negated", "synonym")
GROUPS = ("all", "seen", "held_out_template", "held_out_words", "held_out_both", "held_out_other")


@dataclass(frozen=True, slots=True)
class Ranking:
    """What came back for a description, best first; nothing where it was refused."""

    asked: Description
    hits: tuple[RankedHit, ...]


@dataclass(frozen=True, slots=True)
class WordFigures:
    """Of some descriptions.

    Attributes:
        queries: How many have somebody to find.
        rank_1: Share whose first hit is right, as a mean over identities with its interval.
        rank_10: Share with a right one among the first ten.
        mean_average_precision: Of all hits.
    """

    queries: int
    rank_1: Estimate
    rank_10: Estimate
    mean_average_precision: Estimate

    def as_json(self) -> dict[str, Any]:
        """Plain values for a report."""
        named = {"rank1": self.rank_1, "rank10": self.rank_10, "map": self.mean_average_precision}
        told = {name: {"value": one.value, "interval": list(one.interval)} for name, one in named.items()}
        return {"queries": self.queries, "identities": self.rank_1.count, **told}


def group_of(description: Description, known: Set[str], words: Callable[[str], Sequence[str]]) -> str:
    """What of a description training has not seen: `seen` (nothing is held out), or `held_out_` with the reason.

    The truth marks what is held out and not why. A template is known by its name, a held-out word by this, that the
    vocabulary lacks it, which was built of sentences that training may see. A sentence for which a held-out word was
    drawn that is made of known ones ("steel blue"), or that the template left out, is `held_out_other`.

    Args:
        description: The description.
        known: Words of the vocabulary.
        words: Cuts a text into words.
    """
    if not description.held_out:
        return "seen"
    template = description.template in HELD_OUT_TEMPLATES
    word = any(one not in known for one in words(description.text) if any(char.isalnum() for char in one))
    if template and word:
        return "held_out_both"
    return "held_out_template" if template else "held_out_words" if word else "held_out_other"


def groups_of(
    asked: Sequence[Description], known: Set[str], words: Callable[[str], Sequence[str]]
) -> dict[str, list[Description]]:
    """The descriptions of each group, and of those that are seen each kind; groups without any are left out."""
    found: dict[str, list[Description]] = {name: [] for name in (*GROUPS, *(f"seen_{kind}" for kind in KINDS))}
    for one in asked:
        group = group_of(one, known, words)
        found["all"].append(one)
        found[group].append(one)
        if group == "seen":
            found[f"seen_{one.kind}"].append(one)
    return {name: some for name, some in found.items() if some}


def figures_of(
    rankings: Sequence[Ranking],
    wanted: Mapping[str, Set[str]],
    shown: Mapping[str, Shown],
    key: Callable[[Description], str],
) -> WordFigures | None:
    """Judge rankings; None when no description has anybody to find.

    Args:
        rankings: One for each description.
        wanted: Keys of the truth tracklets that are right, by what `key` gives.
        shown: What each appearance shows.
        key: Of a description what it asks for: who in these clothes, or who at all.
    """
    judged = [
        (one.asked.identity, judge(one.hits, one.asked.identity, wanted[key(one.asked)], shown))
        for one in rankings
        if wanted.get(key(one.asked))
    ]
    if not judged:
        return None
    return WordFigures(
        queries=len(judged),
        rank_1=_mean(judged, lambda one: float(any(one.right[:1]))),
        rank_10=_mean(judged, lambda one: float(any(one.right[:TEN]))),
        mean_average_precision=_mean(judged, lambda one: average_precision(one.right, one.relevant_count)),
    )


def chance_figures(
    asked: Sequence[Description], wanted: Mapping[str, Set[str]], pool: int, key: Callable[[Description], str]
) -> dict[str, float] | None:
    """What a random order of a pool of appearances would have, as means over identities; None as in `figures_of`."""
    relevant = [(one.identity, min(len(wanted[key(one)]), pool)) for one in asked if wanted.get(key(one))]
    if not relevant or not pool:
        return None
    return {
        "rank1": _chance(relevant, lambda right: right / pool),
        "rank10": _chance(
            relevant, lambda right: 1.0 - comb(pool - right, min(TEN, pool)) / comb(pool, min(TEN, pool))
        ),
        "map": _chance(relevant, lambda right: chance_average_precision(right, pool)),
    }


def _mean(judged: Sequence[tuple[str, Judged]], figure: Callable[[Judged], float]) -> Estimate:
    return estimate_mean(_by_identity([(who, figure(one)) for who, one in judged]))


def _chance(relevant: Sequence[tuple[str, int]], figure: Callable[[int], float]) -> float:
    return float(np.mean(_by_identity([(who, figure(right)) for who, right in relevant])))


def _by_identity(values: Sequence[tuple[str, float]]) -> list[float]:
    found: dict[str, list[float]] = {}
    for who, value in values:
        found.setdefault(who, []).append(value)
    return [float(np.mean(found[who])) for who in sorted(found)]
