"""What the mouth of who speaks must do, read from the sound.

A vowel with a high first formant opens the jaw, a consonant closes it: a linear map of a fifth of a second of sound in
20 bands knows the jaw with a correlation of 0.8. ``python -m tools.fit_mouths`` fits it on lines of training people
with the times of their phonemes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np

from packs.arrays import F32, F64
from packs.sound import HOP, SAMPLE_RATE, magnitude
from services.ingest.pipeline.values import Sound

__all__ = ["BAND_EDGES", "WEIGHTS", "MouthReader", "bands_of", "sound_features"]

WEIGHTS = Path(__file__).with_name("mouths.npz")
# 20 bands of 31.25 Hz bins, 94 Hz to 7.5 kHz, wider upwards.
BAND_EDGES = (3, 5, 8, 11, 15, 19, 23, 29, 35, 42, 50, 59, 70, 82, 97, 113, 132, 153, 178, 206, 239)
QUIET = 0.03
# Ten steps of 20 ms, from 80 ms before a frame begins to 120 ms after.
STEPS = range(-4, 6)
STEP_FRAMES = 2
AROUND_S = 0.15


def bands_of(samples: F32) -> F64:
    """Log levels of a sound float32[N] in 20 bands, each 10 ms: float64[ceil(N / 160), 20]."""
    amplitude = np.exp(magnitude(samples).astype(np.float64))
    pairs = pairwise(BAND_EDGES)
    levels = [np.log(QUIET + np.sqrt((amplitude[:, low:high] ** 2).mean(axis=1))) for low, high in pairs]
    return np.stack(levels, axis=1)


def sound_features(bands: F64, frames: F64) -> F64:
    """What the linear map reads around some moments.

    Args:
        bands: float64[T, 20], less their mean over the line.
        frames: float64[N], moments in frames of 10 ms.

    Returns:
        float64[N, 200].
    """
    sums = np.concatenate([np.zeros((1, bands.shape[1])), np.cumsum(bands, axis=0)])
    parts = []
    for step in STEPS:
        low = np.clip(np.rint(frames).astype(int) + STEP_FRAMES * step, 0, len(bands) - STEP_FRAMES)
        parts.append((sums[low + STEP_FRAMES] - sums[low]) / STEP_FRAMES)
    return np.concatenate(parts, axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class MouthReader:
    """Reads how far a jaw is open, 0 closed .. 1 open, from the sound.

    Attributes:
        linear: float32[201], on standardised features; the last is the bias.
        mean: float32[200] of the features.
        spread: float32[200] of the features.
    """

    linear: F32
    mean: F32
    spread: F32

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Self:
        """Read fitted weights."""
        with np.load(path) as stored:
            return cls(*(stored[name].astype(np.float32) for name in ("linear", "mean", "spread")))

    def jaw(self, bands: F64, sound: Sound, times_s: F64, span: tuple[float, float]) -> F64:
        """The jaw of who says a line, in the frames that begin at some times: float64[N].

        Args:
            bands: `bands_of` the sound.
            sound: The sound.
            times_s: When.
            span: From where to where the line goes.
        """
        rate = SAMPLE_RATE / HOP
        low, high = (round((time_s - sound.start_s) * rate) for time_s in (span[0] - AROUND_S, span[1] + AROUND_S))
        usual = bands[max(low, 0) : max(high, 1)].mean(axis=0)
        features = sound_features(bands - usual, (times_s - sound.start_s) * rate)
        standard = (features - self.mean) / self.spread
        return np.asarray(standard @ self.linear[:-1] + self.linear[-1], dtype=np.float64)
