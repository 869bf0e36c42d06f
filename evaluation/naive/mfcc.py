"""Voices told apart by the mean of their mel-frequency cepstral coefficients alone.

Windows of 25 ms every 10 ms, 40 triangular mel bands, logarithm, orthonormal cosine transform (Davis and Mermelstein,
IEEE Trans. ASSP 28(4), 1980; the mel scale of O'Shaughnessy, 2595 log10(1 + f / 700)).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.naive.vectors import F32, unit

SAMPLE_RATE = 16_000
MFCC_COUNT = 20
MEL_BANDS = 40
_WINDOW, _HOP, _FFT = 400, 160, 512
_LOW_HZ, _HIGH_HZ = 60.0, 7600.0
_PRE_EMPHASIS = 0.97
# Windows more than this under the loudest are silence between words.
_FLOOR_DB = 30.0


def mfcc(samples: F32) -> F32:
    """Coefficients 1 to 20 of each window; the 0th, the level, is left out.

    Args:
        samples: float32[T], mono at 16 kHz, -1..1; shorter than a window counts as padded with silence.

    Returns:
        float32[F, 20], one row every 10 ms.
    """
    return np.asarray(_cepstrum(_mel_energies(samples)), dtype=np.float32)


def mean_mfcc(clips: Sequence[F32]) -> F32:
    """Mean coefficients over the windows that are not silent, standardised over the clips of the call.

    Clips are comparable only within one call: give queries and gallery together.

    Args:
        clips: float32[T] each, mono at 16 kHz; there may be none.

    Returns:
        float32[N, 20], rows of length one; cosine compares them.
    """
    return _standardised([_voiced(clip).mean(axis=0) for clip in clips], MFCC_COUNT)


def mean_std_mfcc(clips: Sequence[F32]) -> F32:
    """As `mean_mfcc`, with the standard deviation over the windows beside the mean: float32[N, 40]."""
    voiced = [_voiced(clip) for clip in clips]
    return _standardised([np.concatenate([c.mean(axis=0), c.std(axis=0)]) for c in voiced], 2 * MFCC_COUNT)


def _standardised(rows: list[NDArray[np.float64]], width: int) -> F32:
    if not rows:
        return np.zeros((0, width), np.float32)
    table = np.stack(rows)
    return unit((table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 1e-9))


def _voiced(samples: F32) -> NDArray[np.float64]:
    """Coefficients float64[F, 20] of the windows that are not silent; at least the loudest is left."""
    energies = _mel_energies(samples)
    level = 10 * np.log10(energies.sum(axis=1) + 1e-12)
    return np.asarray(_cepstrum(energies)[level >= level.max() - _FLOOR_DB])


def _mel_energies(samples: F32) -> NDArray[np.float64]:
    """Energies float64[F, 40] of the mel bands."""
    sound = np.asarray(samples, dtype=np.float64).ravel()
    sound = np.append(sound[:1], sound[1:] - _PRE_EMPHASIS * sound[:-1])
    sound = np.pad(sound, (0, max(0, _WINDOW - len(sound))))
    windows = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP]
    power = np.abs(np.fft.rfft(windows * np.hamming(_WINDOW), _FFT, axis=1)) ** 2
    return np.asarray(power @ _mel_bank().T)


def _cepstrum(energies: NDArray[np.float64]) -> NDArray[np.float64]:
    bands = np.arange(MEL_BANDS)
    order = np.arange(1, MFCC_COUNT + 1)[:, None]
    basis = np.sqrt(2 / MEL_BANDS) * np.cos(np.pi * order * (bands + 0.5) / MEL_BANDS)
    return np.asarray(np.log(energies + 1e-10) @ basis.T)


def _mel_bank() -> NDArray[np.float64]:
    """Triangles float64[40, 257] over the bins of the spectrum, evenly spaced on the mel scale."""
    edges_mel = np.linspace(_mel(_LOW_HZ), _mel(_HIGH_HZ), MEL_BANDS + 2)
    edges = 700 * (10 ** (edges_mel / 2595) - 1)
    bins = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)), dtype=np.float64)


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))
