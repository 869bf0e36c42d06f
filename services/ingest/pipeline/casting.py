"""Which voice of a film is whose, as a first guess for `film_speakers`.

Pieces that choose together can settle wrong: once a voice has taken the looks of somebody else, their own voice is kept
from them line by line, though every line says so. So before they choose, each voice as a whole is given to the person
who explains all of its lines best, the surest voice first, and nobody gets two voices.

A voice's lines are found by average linkage over what their voices say (Sokal and Michener 1958). For line m with the
shares p_m that its mouths give to those in the picture and to nobody, and the probability s that two people are one,
person j explains it by

    sum over the people c in the picture of  p_m(c) s(j, c)   +   p_m(nobody) u (1 - max over c of s(j, c))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from packs.arrays import F64, I64

__all__ = ["Line", "first_guess", "voices_of"]

# What a line may say at most against a person: mouths and looks are wrong now and then.
_LEAST = 0.01
# Two people are taken for one from this probability on.
_ONE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A piece of speech.

    Attributes:
        people: int64[C], the people in the picture, by number.
        shares: float64[C + 1], what mouths give to each of them and, last, to nobody who can be seen; the sum is 1.
    """

    people: I64
    shares: F64


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The person at a place in the picture of a line, and how much better than nobody they explain the line's voice."""

    voice: int
    line: int
    place: int
    gain: float


def voices_of(nats: F64) -> list[list[int]]:
    """Join pieces into voices while they say on average that it is one speaker.

    Args:
        nats: float64[N, N], symmetric, what each two pieces say for one speaker.

    Returns:
        The pieces of each voice, in order; each piece is in one.
    """
    if len(nats) < 2:
        return [[number] for number in range(len(nats))]
    far = float(nats.max()) + 1.0
    distances = far - nats
    np.fill_diagonal(distances, 0.0)
    tree = linkage(squareform(distances, checks=False), method="average")
    labels = fcluster(tree, far, criterion="distance")
    return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]


def first_guess(
    lines: Sequence[Line], voices: Sequence[Sequence[int]], same_as: Callable[[int], F64], unseen: float
) -> list[F64]:
    """Guess who says each line.

    Args:
        lines: N lines.
        voices: The lines of each voice.
        same_as: Of a line: float64[C, P], the probability that each in its picture is each of the film's P people.
        unseen: Probability that somebody who is not in the picture is one who was in another.

    Returns:
        float64[C + 1] of each line; the sum is 1, the last is nobody who can be seen.
    """
    cast = _cast(_candidates(lines, voices, same_as, unseen), lines, same_as)
    voice_of = {number: k for k, voice in enumerate(voices) for number in voice}
    return [_guess(line, cast.get(voice_of[number]), unseen) for number, line in enumerate(lines)]


def _candidates(
    lines: Sequence[Line], voices: Sequence[Sequence[int]], same_as: Callable[[int], F64], unseen: float
) -> list[_Candidate]:
    """Weigh everybody in every picture; in order of the lines, so that each picture's likeness is worked out once."""
    found = []
    for number, k in sorted((number, k) for k, voice in enumerate(voices) for number in voice):
        voice = voices[k]
        nobody = sum(float(np.log(max(lines[other].shares[-1], _LEAST))) for other in voice)
        for place, same in enumerate(same_as(number)):
            explained = [_explained(lines[other], same, unseen) for other in voice]
            gain = float(np.log(np.maximum(explained, _LEAST)).sum()) - nobody
            found.append(_Candidate(k, number, place, gain))
    return found


def _explained(line: Line, same: F64, unseen: float) -> float:
    here = same[line.people]
    return float(line.shares[:-1] @ here) + float(line.shares[-1]) * unseen * (1.0 - float(here.max(initial=0.0)))


def _cast(candidates: list[_Candidate], lines: Sequence[Line], same_as: Callable[[int], F64]) -> dict[int, F64]:
    """Give each voice the likeness of its person, the surest first; voices without one belong to nobody in the film."""
    cast: dict[int, F64] = {}
    for one in sorted(candidates, key=lambda each: (-each.gain, each.voice, each.line, each.place)):
        if one.gain <= 0.0:
            break
        person = lines[one.line].people[one.place]
        if one.voice not in cast and not any(other[person] > _ONE for other in cast.values()):
            # Likeness is as long as the film has people: it is kept for those who are cast, not for everybody.
            cast[one.voice] = same_as(one.line)[one.place]
    return cast


def _guess(line: Line, same: F64 | None, unseen: float) -> F64:
    here = np.zeros(len(line.people)) if same is None else same[line.people]
    away = 1.0 if same is None else unseen * (1.0 - float(here.max(initial=0.0)))
    guess = line.shares * (np.append(here, away) + _LEAST)
    return np.asarray(guess / guess.sum(), dtype=np.float64)
