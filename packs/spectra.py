"""The spectra of the papers, the only implementation: training, export and serving all call it. numpy alone.

Beside the log-magnitudes of `packs.sound` there are three front ends; what is subtracted or scaled afterwards is left
to the network, inside its graph (`models.trunks.inputs`):

* magnitudes, for the speaker encoder of iQIYI-VID (section 5.1);
* log-mel bands, for the snippets of 0.45 s of APES (section 4.1);
* 13 cepstra, as the published code of APES and Light-ASD compute them (python_speech_features with its defaults).

Sound is float32[N], mono, 16 kHz, about -1..1.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from packs.arrays import F32, F64
from packs.sound import BINS, FFT, HOP, SAMPLE_RATE, WINDOW, checked, magnitudes_of, reached

# APES: snippets of 0.45 s. How many bands, and their floor, the paper does not state: both are our choice.
SNIPPET_FRAMES = 45
MEL_BANDS = 64
MEL_FLOOR = 1e-6  # added to the power: about what the last bit of 16 makes

# The published cepstra: their author's defaults.
CEPSTRA = 13
CEPSTRAL_BANDS = 26
PRE_EMPHASIS = 0.97
LIFTER = 22
# The published code reads wave files as integers of 16 bits.
INT16 = 32768.0


def linear_magnitudes(samples: F32) -> F32:
    """The magnitude spectrogram of a sound, as iQIYI-VID takes it before the mean goes out.

    Args:
        samples: float32[N], N >= 1.

    Returns:
        float32[ceil(N / 160), 257], not negative, at most about 215; frame t is centred on sample 160 t + 80.

    Raises:
        ValueError: If the sound is empty, not one-dimensional, or not finite.
    """
    return magnitudes_of(reached(samples))


def log_mel(samples: F32) -> F32:
    """The log-mel spectrogram of a sound.

    Args:
        samples: float32[N], N >= 1.

    Returns:
        float32[ceil(N / 160), 64], natural logarithm of (power in a band + 1e-6): -13.8 in silence.

    Raises:
        ValueError: If the sound is empty, not one-dimensional, or not finite.
    """
    powers = np.square(linear_magnitudes(samples)) @ mel_filters()
    logarithm: F32 = np.log(powers + np.float32(MEL_FLOOR))
    return logarithm


def cepstra(samples: F32) -> F32:
    """The 13 mel-frequency cepstra of a sound, the first replaced by the logarithm of the frame's energy.

    Frame t begins at sample 160 t: other than those of the spectrograms it looks ahead only.

    Args:
        samples: float32[N], N >= 1.

    Returns:
        float32[1 + ceil(max(0, N - 400) / 160), 13].

    Raises:
        ValueError: If the sound is empty, not one-dimensional, or not finite.
    """
    sound = checked(samples).astype(np.float64) * INT16
    if sound.shape[0] == 0:
        raise ValueError("a sound must have at least 1 sample, got none")
    emphasised = np.append(sound[0], sound[1:] - PRE_EMPHASIS * sound[:-1])
    power = np.square(np.abs(np.fft.rfft(_begun_frames(emphasised), n=FFT, axis=1))) / FFT
    smallest = np.finfo(np.float64).eps
    energy = np.maximum(power.sum(axis=1), smallest)
    bands = np.log(np.maximum(power @ cepstral_filters(), smallest))
    coefficients = bands @ _cosines()
    coefficients[:, 0] = np.log(energy)
    return coefficients.astype(np.float32)


def snippets(spectrogram: F32, starts: list[int], frames: int = SNIPPET_FRAMES) -> F32:
    """Cut windows out of a spectrogram; what lacks at its end is wrapped round from its beginning.

    For T frames of picture, 25 a second, the active-speaker network takes ``snippets(cepstra(sound), [0], 4 * T)``, as
    its published code fills up the frames that the last window of a sound cannot begin.

    Args:
        spectrogram: float32[T, F], T >= 1.
        starts: First frame of each window, 0 <= start < T.
        frames: Frames of a window.

    Returns:
        float32[len(starts), frames, F].
    """
    rows = np.asarray(starts)[:, None] + np.arange(frames)
    cut: F32 = spectrogram[rows % spectrogram.shape[0]]
    return cut


@cache
def mel_filters() -> F32:
    """Triangles over the bins, evenly spaced in mel from 0 to 8 kHz and one high: float32[257, 64]."""
    edges = _hertz(np.linspace(0.0, _mel(SAMPLE_RATE / 2.0), MEL_BANDS + 2))
    bins = np.arange(BINS) * (SAMPLE_RATE / FFT)
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


@cache
def cepstral_filters() -> F64:
    """Triangles whose corners are whole bins, as published: float64[257, 26]."""
    edges = _hertz(np.linspace(0.0, _mel(SAMPLE_RATE / 2.0), CEPSTRAL_BANDS + 2))
    corners = np.floor((FFT + 1) * edges / SAMPLE_RATE)
    low, middle, high = corners[:-2], corners[1:-1], corners[2:]
    bins = np.arange(BINS, dtype=np.float64)[:, None]
    rising = np.where((bins >= low) & (bins < middle), (bins - low) / (middle - low), 0.0)
    falling = np.where((bins >= middle) & (bins < high), (high - bins) / (high - middle), 0.0)
    return rising + falling


@cache
def _cosines() -> F64:
    """The first rows of the orthonormal cosine transform, times the lifter: float64[26, 13]."""
    band, order = np.arange(CEPSTRAL_BANDS)[:, None], np.arange(CEPSTRA)[None, :]
    basis = np.cos(np.pi * order * (2 * band + 1) / (2 * CEPSTRAL_BANDS)) * np.sqrt(2.0 / CEPSTRAL_BANDS)
    basis[:, 0] /= np.sqrt(2.0)
    lifted: F64 = basis * (1.0 + LIFTER / 2.0 * np.sin(np.pi * order / LIFTER))
    return lifted


def _begun_frames(sound: F64) -> F64:
    """Frames that begin every 160 samples, the last one filled with zeros: float64[T, 400]."""
    count = 1 + max(0, -(-(sound.shape[0] - WINDOW) // HOP))
    padded = np.zeros((count - 1) * HOP + WINDOW)
    padded[: sound.shape[0]] = sound[: padded.shape[0]]
    return np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]


def _mel(hertz: float) -> float:
    return 2595.0 * float(np.log10(1.0 + hertz / 700.0))


def _hertz(mel: F64) -> F64:
    hertz: F64 = 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    return hertz
