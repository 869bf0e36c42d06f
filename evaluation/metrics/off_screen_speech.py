"""off_screen_speech_recall: whether what a person says off screen comes back for the person's voice.

Over the lines of the truth that last at least half a second, whose speaker is off screen (dubbed lines left out) and
has a voice query. Let R be the number of appearances in which the person speaks (tracklets with any speech, and these
lines). A line is found by a query when a hit of kind speech that holds the line is among the first R hits of the
answer, repeats left out: in as many hits as a perfect answer would need. A line is the mean of the person's queries,
a person the mean of their lines, and the figure the mean of the persons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from evaluation.asking import Answer
from evaluation.metrics.bootstrap import Estimate, estimate_mean
from evaluation.metrics.ranking import Shown, judge
from evaluation.truth_speech import TruthSpeech

__all__ = ["LEAST_S", "OffScreenFigures", "off_screen_figures"]

LEAST_S = 0.5


@dataclass(frozen=True, slots=True)
class OffScreenFigures:
    """Figures over the lines spoken off screen.

    Attributes:
        recall: Found among the first R hits.
        returned: Share of the lines that come back as a hit of kind speech at any rank, over lines and queries.
        per_identity: The recall of each person.
        lines: How many lines there are.
    """

    recall: Estimate
    returned: float
    per_identity: Mapping[str, float]
    lines: int


def off_screen_figures(
    answers: Sequence[Answer],
    lines: Sequence[TruthSpeech],
    speaking: Mapping[str, Set[str]],
    shown: Mapping[str, Shown],
) -> OffScreenFigures | None:
    """Judge the answers to voice queries; `speaking` holds the keys of all appearances in which each identity speaks.

    `lines` are the off-screen lines in question, and their keys are in `speaking`. Returns None without any.
    """
    ranks: dict[tuple[str, str], list[int | None]] = {}
    for answer in answers:
        own = [line for line in lines if line.identity == answer.identity]
        if not own:
            continue
        found = judge(answer.hits, answer.identity, speaking[answer.identity], shown).found
        for line in own:
            ranks.setdefault((line.identity, line.key), []).append(found.get(line.key))
    if not ranks:
        return None
    by_person: dict[str, list[float]] = {}
    for (identity, _), places in ranks.items():
        limit = len(speaking[identity])
        by_person.setdefault(identity, []).append(
            float(np.mean([place is not None and place <= limit for place in places]))
        )
    per_identity = {identity: float(np.mean(values)) for identity, values in sorted(by_person.items())}
    every = [place is not None for places in ranks.values() for place in places]
    return OffScreenFigures(estimate_mean(list(per_identity.values())), float(np.mean(every)), per_identity, len(ranks))
