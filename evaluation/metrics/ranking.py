"""Reads a ranked answer against the truth.

Of one answer to a portrait of an identity, over a set of relevant truth tracklets of that identity: a hit is right
when its appearance shows a relevant tracklet for the first time; a further hit of the same tracklet is ignored, and so
is a hit of another tracklet of the identity that is not in the set; every other hit is wrong, also one that shows
nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.truth import TruthTracklet

__all__ = ["Judged", "RankedHit", "judge"]


@dataclass(frozen=True, slots=True)
class RankedHit:
    """A hit of an answer, best first."""

    appearance_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Judged:
    """What is left of an answer without the ignored hits: scores and verdicts, best first, and the number relevant."""

    scores: tuple[float, ...]
    right: tuple[bool, ...]
    relevant_count: int


def judge(
    hits: Iterable[RankedHit], identity: str, relevant: Sequence[TruthTracklet], shown: Mapping[str, TruthTracklet]
) -> Judged:
    """Judge an answer; `shown` maps appearance ids to the truth tracklets that they show."""
    wanted = {tracklet.key for tracklet in relevant}
    left = set(wanted)
    scores: list[float] = []
    right: list[bool] = []
    for hit in hits:
        tracklet = shown.get(hit.appearance_id)
        is_person = tracklet is not None and tracklet.identity == identity
        if tracklet is not None and is_person and tracklet.key not in left:
            continue
        scores.append(hit.score)
        right.append(is_person)
        if tracklet is not None and is_person:
            left.discard(tracklet.key)
    return Judged(tuple(scores), tuple(right), len(wanted))
