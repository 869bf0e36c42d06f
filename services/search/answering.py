"""From the strength of what was found to a probability that means the same in every query.

Evidence is weighed pair by pair, and an appearance takes the strongest of many chains, so that what is left at the low
end says too much, and of each kind of question in its own way. The last step is a map for each kind that keeps the
order (`packs.log_odds`), fitted on films that no network learned from by `python -m evaluation answers`; the maps are
`settings.DEFAULT_ANSWERS`. So `min_score` 0.5 asks for what is as likely right as wrong, whatever was asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from packs.log_odds import LogOddsMap
from packs.spec import Modality
from services.search.parts import ReadPart
from services.search.query import Task

__all__ = ["is_described", "kind_of", "settled"]

_DESCRIBED = "text"


def kind_of(task: Task, parts: Sequence[ReadPart]) -> str:
    """The kind of a question: its task, and the strongest thing that is known of the person.

    A hit is stronger than a portrait, since it names an appearance, and these stronger than a voice and looks.
    """
    asked = Task.SEEN if task is Task.PRESENT else task
    return f"{asked}.{_known(parts)}"


def is_described(parts: Sequence[ReadPart]) -> bool:
    """Whether nothing stronger is known of the person than a description, which may be as true of several people."""
    return _known(parts) == _DESCRIBED


def _known(parts: Sequence[ReadPart]) -> str:
    """The strongest thing that is known of the person."""
    held = {vector.modality for part in parts for vector in part.vectors}
    if any(part.appearance_id is not None for part in parts):
        return "hit"
    if Modality.FACE in held:
        return "portrait"
    if Modality.VOICE in held:
        return "voice"
    return _DESCRIBED if Modality.TEXT in held else "looks"


def settled(scores: Mapping[str, float], line: LogOddsMap | None) -> dict[str, float]:
    """Scores by appearance id as probabilities, in the same order."""
    if line is None or not scores:
        return dict(scores)
    mapped = line.of(np.fromiter(scores.values(), np.float64, len(scores)))
    return dict(zip(scores, mapped.tolist(), strict=True))
