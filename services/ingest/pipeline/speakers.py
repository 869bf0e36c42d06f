"""Who of the people on screen speaks, if any of them does.

Each piece of speech chooses among the people in the picture and "nobody that can be seen". What speaks for a person is
a few numbers about how their mouth goes with the sound, weighed by a conditional logistic model (McFadden 1974); the
weights are fitted on films of the training seeds by ``python -m tools.fit_speakers``. Pieces of one shot that sound
alike, or follow each other at once, choose together (a mean field of their couplings).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from packs.arrays import F32, F64
from packs.sound import HOP, SAMPLE_RATE, magnitude
from services.ingest.pipeline.lips import Lips
from services.ingest.pipeline.settings import SpeakerSettings
from services.ingest.pipeline.utterances import FRAME_S, Utterance
from services.ingest.pipeline.values import Sound

__all__ = ["EVIDENCE", "Loudness", "choose", "evidence_of"]

EVIDENCE = ("unseen", "seen", "follows", "open", "opens", "moves")
"""What the columns of the evidence mean, see `evidence_of`."""

# Most of what tells vowels from consonants and pauses, without hum and hiss: bins of 31.25 Hz.
VOICED_BINS = slice(8, 112)
QUIET = 1e-2
# A mouth may run a little ahead of its sound or behind it.
LAGS_S = (-0.04, 0.0, 0.04)
FEWEST_LOOKS = 5
GOOD_LOOKS = 25.0
SOFT = 0.01
USUAL_OPENING = 0.05
ROUNDS = 12


class Loudness:
    """How loud a voice would be over time: log amplitude, smoothed over 40 ms."""

    def __init__(self, sound: Sound) -> None:
        amplitude = np.exp(magnitude(sound.samples)[:, VOICED_BINS].astype(np.float64))
        level = np.log(QUIET + np.sqrt((amplitude**2).mean(axis=1)))
        self._level = np.convolve(level, np.full(4, 0.25), mode="same")
        # Four frames have their middle half a frame before the end of the second.
        self._first_s = sound.start_s + 0.5 * HOP / SAMPLE_RATE + 0.5 * FRAME_S

    def at(self, times_s: F64) -> F64:
        """The level at some times, float64[N]."""
        grid = self._first_s + np.arange(len(self._level)) * FRAME_S
        return np.asarray(np.interp(times_s, grid, self._level), dtype=np.float64)


def evidence_of(utterance: Utterance, lips: Lips | None, silence: Sequence[tuple[float, float]], loud: Loudness) -> F64:
    """What speaks for a person to say a piece of speech: float64[6].

    Args:
        utterance: The piece.
        lips: The person's mouth in the shot; None when it was not seen.
        silence: Where nobody speaks in the shot, for how the mouth is then.
        loud: The sound's loudness.

    Returns:
        In order of `EVIDENCE`: whether the mouth is unseen, or seen; how well its opening follows the loudness (a
        correlation that counts less when it rests on little); how far it is open, and how much further than in
        silence (log ratios); how much it moves. All but the first are 0 for an unseen mouth.
    """
    during = None if lips is None else lips.within(utterance.start_s, utterance.end_s)
    if lips is None or during is None or len(during) < FEWEST_LOOKS:
        return np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    opening = float(during.opening.mean())
    level = np.log((opening + SOFT) / (USUAL_OPENING + SOFT))
    quiet = [lips.within(*span).opening for span in silence]
    resting = np.concatenate(quiet) if quiet else np.zeros(0, np.float32)
    opens = np.log((opening + SOFT) / (float(resting.mean()) + SOFT)) if len(resting) >= FEWEST_LOOKS else 0.0
    moves = float(np.clip(10.0 * during.motion.mean(), -2.0, 2.0))
    trust = np.sqrt(min(len(during), 2 * GOOD_LOOKS) / GOOD_LOOKS)
    return np.array([0.0, 1.0, trust * _follows(during, loud), level, opens, moves])


def choose(evidence: F64, present: F64, same: F64, settings: SpeakerSettings) -> F64:
    """Let pieces of speech choose who speaks them.

    Args:
        evidence: float64[N, P, 6], of each of N pieces and P people.
        present: float64[N, P], 1 where the person is in the picture while the piece is spoken, else 0.
        same: float64[N, N], how much two pieces should choose the same person, in nats; 0 on the diagonal.
        settings: The weights.

    Returns:
        float64[N, P + 1], rows sum to 1; the last column is nobody who can be seen.
    """
    pieces, people = evidence.shape[:2]
    worth = evidence @ np.asarray(settings.weights, dtype=np.float64)
    alone = np.concatenate([np.where(present > 0.0, worth, -50.0), np.full((pieces, 1), settings.off_screen)], axis=1)
    belief = _softmax(alone)
    for _ in range(ROUNDS):
        others = same @ belief
        # Two voices that differ may both be off screen; two that are alike are there or here together.
        others[:, people] = np.maximum(same, 0.0) @ belief[:, people]
        belief = 0.5 * belief + 0.5 * _softmax(alone + others)
    return belief


def _follows(lips: Lips, loud: Loudness) -> float:
    """Best correlation of a mouth's opening with the loudness, over small lags."""
    return max(_correlation(lips.opening, loud.at(lips.times_s + lag_s)) for lag_s in LAGS_S)


def _correlation(opening: F32, level: F64) -> float:
    one, other = opening - opening.mean(), level - level.mean()
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths > 1e-9 else 0.0


def _softmax(rows: F64) -> F64:
    powers = np.exp(rows - rows.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)
