"""Reads a ranked answer against the truth.

Of one answer to a query for an identity, over a set of wanted things of that identity (truth tracklets, lines spoken
off screen): a hit is right when its appearance shows a wanted thing for the first time; a further hit of the same
thing is ignored, and so is a hit of another thing of the identity that is not in the set; every other hit is wrong,
also one that shows nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Judged", "RankedHit", "Shown", "judge"]


class Shown(Protocol):
    """What an appearance shows: a truth tracklet, or a line."""

    @property
    def key(self) -> str:
        """Unique over all films of a run."""

    @property
    def identity(self) -> str:
        """Whose it is."""


@dataclass(frozen=True, slots=True)
class RankedHit:
    """A hit of an answer, best first; `modality` is the one that counted most, empty when none is told."""

    appearance_id: str
    score: float
    modality: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is left of an answer without the ignored hits, best first, and the number wanted.

    Attributes:
        scores: The hits' scores.
        right: Their verdicts.
        relevant_count: How many things are wanted, found or not.
        found: Of each right hit what it shows, and its rank from 1 among the hits that are left.
    """

    scores: tuple[float, ...]
    right: tuple[bool, ...]
    relevant_count: int
    found: Mapping[str, int]


def judge(hits: Iterable[RankedHit], identity: str, wanted: Set[str], shown: Mapping[str, Shown]) -> Judged:
    """Judge an answer; `shown` maps appearance ids to what they show, `wanted` holds keys."""
    found: dict[str, int] = {}
    scores: list[float] = []
    right: list[bool] = []
    for hit in hits:
        thing = shown.get(hit.appearance_id)
        is_person = thing is not None and thing.identity == identity
        if thing is not None and is_person and (thing.key not in wanted or thing.key in found):
            continue
        scores.append(hit.score)
        right.append(is_person)
        if thing is not None and is_person:
            found[thing.key] = len(scores)
    return Judged(tuple(scores), tuple(right), len(wanted), found)
