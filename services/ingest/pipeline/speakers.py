"""Who of the people on screen speaks, if any of them does.

Each piece of speech chooses among the people in the picture and "nobody that can be seen". What speaks for a person is
a few numbers about how their mouth goes with the sound, weighed by a conditional logistic model (McFadden 1974); the
weights are fitted on films of the training seeds by ``python -m tools.fit_speakers``. Pieces of one shot that sound
alike, or follow each other at once, choose together (a mean field of their couplings).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from packs.arrays import F32, F64
from services.ingest.pipeline.lips import Lips
from services.ingest.pipeline.mouth_reader import MouthReader
from services.ingest.pipeline.settings import SpeakerSettings
from services.ingest.pipeline.utterances import Utterance
from services.ingest.pipeline.values import Sound

__all__ = ["EVIDENCE", "Line", "choose", "evidence_of"]

EVIDENCE = ("unseen", "seen", "middle", "follows", "opens", "wakes")
"""What the columns of the evidence mean, see `evidence_of`."""

# A mouth begins before its sound and ends after it.
AROUND_S = 0.1
# And may run a little ahead of it or behind.
LAGS_S = (-0.04, 0.0, 0.04)
FEWEST_LOOKS = 6
GOOD_LOOKS = 25.0
SOFT = 0.01
USUAL_OPENING = 0.05
ROUNDS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A piece of speech, and the sound that it is in."""

    utterance: Utterance
    sound: Sound
    bands: F64

    def jaw_at(self, times_s: F64, reader: MouthReader) -> F64:
        """How far the mouth of who says it is open at some times: float64[N]."""
        return reader.jaw(self.bands, self.sound, times_s, (self.utterance.start_s, self.utterance.end_s))


def evidence_of(line: Line, lips: Lips | None, silence: Sequence[tuple[float, float]], reader: MouthReader) -> F64:
    """What speaks for a person to say a piece of speech: float64[6].

    Args:
        line: The piece.
        lips: The person's mouth in the shot; None when it was not seen.
        silence: Where nobody speaks in the shot, for how the mouth is then.
        reader: Knows what a mouth must do for a sound.

    Returns:
        In order of `EVIDENCE`: whether the mouth is unseen, or seen; how well the darkness of its middle and of all of
        it follows what the sound asks of a jaw (correlations that count less when they rest on little); how far it
        opens, and how much further than in silence (log ratios). All but the first are 0 for an unseen mouth.
    """
    spoken = line.utterance
    during = None if lips is None else lips.within(spoken.start_s - AROUND_S, spoken.end_s + AROUND_S)
    if lips is None or during is None or len(during) < FEWEST_LOOKS:
        return np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    heard = [line.jaw_at(during.times_s + lag_s, reader) for lag_s in LAGS_S]
    trust = np.sqrt(min(len(during), 2 * GOOD_LOOKS) / GOOD_LOOKS)
    middle = max(_correlation(during.centre, jaw) for jaw in heard)
    follows = max(_correlation(during.dark, jaw) for jaw in heard)
    opening = float(during.dark.mean())
    opens = np.log((opening + SOFT) / (USUAL_OPENING + SOFT))
    resting = [part.dark for span in silence if len(part := lips.within(*span)) >= 3]
    quiet = np.concatenate(resting) if resting else np.zeros(0, np.float32)
    wakes = np.log((opening + SOFT) / (float(quiet.mean()) + SOFT)) if len(quiet) >= FEWEST_LOOKS else 0.0
    return np.array([0.0, 1.0, trust * middle, trust * follows, opens, float(np.clip(wakes, -2.0, 2.0))])


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


def _correlation(one: F32, other: F64) -> float:
    first, second = one - one.mean(), other - other.mean()
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / lengths if lengths > 1e-9 else 0.0


def _softmax(rows: F64) -> F64:
    powers = np.exp(rows - rows.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)
