"""Faces and sound of the same moments as an active-speaker network takes them: windows of pictures, 25 a second.

Training, measuring and serving cut their windows here. Four frames of cepstra (`packs.spectra`) go with each picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from packs.arrays import F32, F64, I64, Bool

__all__ = ["PICTURES_PER_S", "SOUND_PER_PICTURE", "heard_in", "joined", "looks_of", "starts_of"]

PICTURES_PER_S = 25
SOUND_PER_PICTURE = 4
# A face is of a moment that is no further away than this: half a frame of a film of 16 a second.
NEAR_S = 0.031


def starts_of(first_s: float, last_s: float, frames: int) -> list[float]:
    """When the windows of a track begin that is seen from `first_s` to `last_s`: each overlaps half of the next."""
    half_s = frames / PICTURES_PER_S / 2.0
    return [first_s + half_s * k for k in range(max(1, math.ceil((last_s - first_s) / half_s - 1.0 - 1e-6)))]


def looks_of(times_s: F64, start_s: float, frames: int) -> tuple[I64, Bool]:
    """Which faces of a track a window shows.

    Args:
        times_s: float64[N], N >= 1, rising, when the faces were seen.
        start_s: Of the window.
        frames: Pictures of a window, T.

    Returns:
        int64[T], the nearest face of each picture, and bool[T], whether it is of that moment.
    """
    moments = start_s + np.arange(frames) / PICTURES_PER_S
    after = np.clip(np.searchsorted(times_s, moments), 1, max(len(times_s) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(times_s) - 1)
    nearer = np.abs(times_s[after] - moments) < np.abs(times_s[before] - moments)
    rows = np.where(nearer, after, before).astype(np.int64)
    return rows, np.asarray(np.abs(times_s[rows] - moments) <= NEAR_S)


def heard_in(cepstra: F32, begins_s: float, start_s: float, frames: int) -> F32:
    """The sound of a window; its first and last frame go on where it ends.

    Args:
        cepstra: float32[S, 13], S >= 1, 100 a second.
        begins_s: Time of the first.
        start_s: Of the window.
        frames: Pictures of a window, T.

    Returns:
        float32[4 T, 13].
    """
    first = round((start_s - begins_s) * PICTURES_PER_S * SOUND_PER_PICTURE)
    rows = np.clip(first + np.arange(SOUND_PER_PICTURE * frames), 0, len(cepstra) - 1)
    heard: F32 = cepstra[rows]
    return heard


def joined(answers: F32, starts: Sequence[float], times_s: F64) -> F32:
    """The probability that a track speaks at each of its faces, from its windows.

    Args:
        answers: float32[W, T], what the network says of each picture of each window.
        starts: When the windows begin, W.
        times_s: float64[N], when the faces of the track were seen.

    Returns:
        float32[N], 0..1: the mean over the windows that show the moment, pictures in their middle counting most.
    """
    frames = answers.shape[1]
    bent = 1.0 - np.abs((np.arange(frames) + 0.5) / frames * 2.0 - 1.0) + 0.05
    total, weight = np.zeros(len(times_s)), np.zeros(len(times_s))
    for row, start_s in zip(answers, starts, strict=True):
        places = np.rint((times_s - start_s) * PICTURES_PER_S).astype(np.int64)
        inside = (places >= 0) & (places < frames)
        total[inside] += bent[places[inside]] * row[places[inside]]
        weight[inside] += bent[places[inside]]
    return np.asarray(total / np.maximum(weight, 1e-9), dtype=np.float32)
