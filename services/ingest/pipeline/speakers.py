"""What speaks for each of the people on screen to say a piece of speech.

Each piece chooses among the people in the picture and "nobody that can be seen". What speaks for a person is a few
numbers about how their mouth goes with the sound, weighed by a conditional logistic model (McFadden 1974); the weights
are fitted on films of the training seeds by ``python -m tools.fit_speakers``. How the pieces of a film choose together
is in `film_speakers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from packs.arrays import F32, F64
from services.ingest.pipeline.lips import Lips
from services.ingest.pipeline.mouth_reader import MouthReader
from services.ingest.pipeline.utterances import Utterance
from services.ingest.pipeline.values import Sound

__all__ = ["EVIDENCE", "Line", "Watched", "evidence_of"]

EVIDENCE = ("unseen", "seen", "follows", "somewhere", "speaks")
"""What the columns of the evidence mean, see `evidence_of`; the last is there where a pack can tell who speaks."""

# A mouth rests before and after its line, unless somebody else's line is there: what it does then counts too.
AROUND_S, OWN_S, OTHER_S = 0.3, 0.08, 0.05
# The jaw that is read from the sound is at rest so long before and after the line.
FADE_S = 0.06
# A mouth may run a little ahead of its sound or behind.
LAGS_S = (-0.04, 0.0, 0.04)
FEWEST_LOOKS = 5
GOOD_LOOKS = 25.0
BEST_PLACES = 6
# So sure the network may be of one look.
MOST_LOG_ODDS = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A piece of speech, and the sound that it is in."""

    utterance: Utterance
    sound: Sound
    bands: F64

    def jaw_at(self, times_s: F64, reader: MouthReader) -> F64:
        """How far the mouth of who says it is open at some times, 0 closed .. 1 open: float64[N]."""
        start_s, end_s = self.utterance.start_s, self.utterance.end_s
        jaw = np.clip(reader.jaw(self.bands, self.sound, times_s, (start_s, end_s)), 0.0, 1.0)
        return np.where((times_s < start_s - FADE_S) | (times_s > end_s + FADE_S), 0.0, jaw)


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """What the active-speaker network says of a face: float32[N], 0..1, at float64[N] seconds."""

    times_s: F64
    speaks: F32

    def log_odds(self, spoken: Utterance) -> float:
        """That they say a piece, on average over its looks, less when they are few; 0 when it was hardly seen."""
        inside = self.speaks[_between(self.times_s, spoken, 0.0)].astype(np.float64)
        if len(inside) < FEWEST_LOOKS:
            return 0.0
        odds = np.log(inside + 1e-6) - np.log1p(1e-6 - inside)
        return _trust(len(inside)) * float(np.clip(odds, -MOST_LOG_ODDS, MOST_LOG_ODDS).mean())


def evidence_of(
    line: Line,
    lips: Lips | None,
    others: Sequence[tuple[float, float]],
    reader: MouthReader,
    watched: Watched | None = None,
) -> F64:
    """What speaks for a person to say a piece of speech: float64[4], or float64[5] with what the network says.

    Args:
        line: The piece.
        lips: The person's mouth in the shot; None when it was not seen.
        others: Where other pieces are: what the mouth does then says nothing of this one.
        reader: Knows what a mouth must do for a sound.
        watched: What the active-speaker network says; None where a pack has none.

    Returns:
        In order of `EVIDENCE`: whether the mouth is unseen, or seen; how well its opening follows what the sound asks
        of a jaw, and how well the best places of the lower face do (correlations that count less when they rest on
        little); and the network's log-odds. All but the first and the last are 0 for an unseen mouth.
    """
    read = _evidence_of(line, lips, others, reader)
    return read if watched is None else np.append(read, watched.log_odds(line.utterance))


def _evidence_of(line: Line, lips: Lips | None, others: Sequence[tuple[float, float]], reader: MouthReader) -> F64:
    spoken = line.utterance
    if lips is None or _between(lips.times_s, spoken, OTHER_S).sum() < FEWEST_LOOKS:
        return np.array([1.0, 0.0, 0.0, 0.0])
    kept, own = _between(lips.times_s, spoken, AROUND_S), _between(lips.times_s, spoken, OWN_S)
    for start_s, end_s in others:
        kept &= own | (lips.times_s < start_s - OTHER_S) | (lips.times_s >= end_s + OTHER_S)
    times, opening, dark = lips.times_s[kept], lips.opening[kept], lips.dark[kept]
    heard = [line.jaw_at(times + lag_s, reader) for lag_s in LAGS_S]
    trust = _trust(len(times))
    follows = max(float(_correlations(opening[:, None], jaw)[0]) for jaw in heard)
    somewhere = max(float(np.sort(_correlations(dark, jaw))[-BEST_PLACES:].mean()) for jaw in heard)
    return np.array([0.0, 1.0, trust * follows, trust * somewhere])


def _trust(looks: int) -> float:
    return float(np.sqrt(min(looks, 2 * GOOD_LOOKS) / GOOD_LOOKS))


def _between(times_s: F64, spoken: Utterance, around_s: float) -> NDArray[np.bool_]:
    return (times_s >= spoken.start_s - around_s) & (times_s < spoken.end_s + around_s)


def _correlations(columns: F32, other: F64) -> F64:
    """Of each column of float32[N, K] with float64[N]: float64[K], 0 where either is still."""
    first, second = columns - columns.mean(axis=0), other - other.mean()
    lengths = np.linalg.norm(first, axis=0) * np.linalg.norm(second)
    return np.asarray((second @ first) / (lengths + 1e-6), dtype=np.float64)
