"""The ways in which public networks divide frequencies into mel bands. numpy alone; every function is a pure table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

SAMPLE_RATE_HZ = 16_000
BANDS = 80
# The lowest frequency that Kaldi's bands hear, in Hz.
KALDI_LOWEST_HZ = 20.0
# Slaney's scale is linear up to 1 kHz, at 15 mel, and 27 mel later 6.4 times as high.
SLANEY_BREAK_HZ = 1000.0
SLANEY_HZ_PER_MEL = 200.0 / 3.0


def waves(fft: int, length: int) -> F64:
    """Cosines and sines of a Fourier transform.

    Args:
        fft: Points of the transform.
        length: Samples of the window, at most `fft`: the rest counts as zero.

    Returns:
        [2 (fft / 2 + 1), length]: all cosines, then all sines.
    """
    angles = 2.0 * np.pi * np.outer(np.arange(fft // 2 + 1), np.arange(length)) / fft
    return np.concatenate([np.cos(angles), -np.sin(angles)])


def speechbrain_bands(bands: int = BANDS) -> F64:
    """SpeechBrain's triangles: as wide to the right as to the left of the middle, [bands, 201]."""
    edges = _from_htk(np.linspace(0.0, _to_htk(SAMPLE_RATE_HZ / 2.0), bands + 2))
    middles, widths = edges[1:-1, None], np.diff(edges)[:-1, None]
    distance = (np.linspace(0.0, SAMPLE_RATE_HZ // 2, 201)[None] - middles) / widths
    return np.maximum(0.0, 1.0 - np.abs(distance))


def kaldi_bands(fft: int, bands: int = BANDS) -> F64:
    """Kaldi's triangles, straight in mel and not in Hz, from 20 Hz up; the highest frequency is in none.

    Returns:
        [bands, fft / 2 + 1].
    """
    lowest, highest = _to_kaldi(np.array([KALDI_LOWEST_HZ, SAMPLE_RATE_HZ / 2.0]))
    edges = np.linspace(lowest, highest, bands + 2)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    mels = _to_kaldi(np.arange(fft // 2, dtype=np.float64) * (SAMPLE_RATE_HZ / fft))[None]
    triangles = np.maximum(0.0, np.minimum((mels - low) / (middle - low), (high - mels) / (high - middle)))
    return np.pad(triangles, ((0, 0), (0, 1)))


def slaney_bands(bands: int, fft: int = 400) -> F64:
    """Slaney's triangles of equal area, as librosa makes them and Whisper ships them, [bands, fft / 2 + 1]."""
    edges = _from_slaney(np.linspace(0.0, _to_slaney(SAMPLE_RATE_HZ / 2.0), bands + 2))
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    hertz = np.linspace(0.0, SAMPLE_RATE_HZ / 2.0, fft // 2 + 1)[None]
    triangles = np.maximum(0.0, np.minimum((hertz - low) / (middle - low), (high - hertz) / (high - middle)))
    return triangles * (2.0 / (high - low))


def _to_htk(hertz: float) -> float:
    return 2595.0 * float(np.log10(1.0 + hertz / 700.0))


def _from_htk(mel: F64) -> F64:
    hertz: F64 = 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    return hertz


def _to_kaldi(hertz: F64) -> F64:
    mel: F64 = 1127.0 * np.log1p(hertz / 700.0)
    return mel


def _to_slaney(hertz: float) -> float:
    """Of frequencies above the break."""
    return SLANEY_BREAK_HZ / SLANEY_HZ_PER_MEL + 27.0 * float(np.log(hertz / SLANEY_BREAK_HZ) / np.log(6.4))


def _from_slaney(mel: F64) -> F64:
    break_mel = SLANEY_BREAK_HZ / SLANEY_HZ_PER_MEL
    above = SLANEY_BREAK_HZ * np.exp(np.log(6.4) / 27.0 * (mel - break_mel))
    return np.where(mel < break_mel, mel * SLANEY_HZ_PER_MEL, above)
