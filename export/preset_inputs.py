"""Seeded inputs for the small presets: no real ones, but as unlike one another as real ones are.

Noise alone would do for a comparison of runtimes only in name: a network with random weights answers nearly the same to
any two pictures of noise, and then mixed-up rows would agree too. So pictures have large shapes and sounds have bands.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from packs.spectra import CEPSTRA, MEL_BANDS

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]
Rng = np.random.Generator


def pictures(rng: Rng, rows: int, height: int, width: int) -> U8:
    """Colours in large shapes with some noise: uint8[rows, height, width, 3]."""
    return _shapes(rng, rows, height, width, 3)


def grey_tracks(rng: Rng, rows: int, frames: int, side: int) -> U8:
    """Grey pictures that change little from frame to frame: uint8[rows, frames, side, side]."""
    still = _shapes(rng, rows, side, side, 1)[..., 0].astype(np.float32)
    moved = still[:, None] + rng.normal(0.0, 12.0, (rows, frames, side, side))
    return np.clip(moved, 0.0, 255.0).astype(np.uint8)


def magnitudes(rng: Rng, rows: int, frames: int, bins: int) -> F32:
    """Magnitudes of a spectrum, 0 to about 200, strong in some bands: float32[rows, frames, bins]."""
    return (np.exp(_bands(rng, rows, frames, bins)) * 4.0).astype(np.float32)


def log_magnitudes(rng: Rng, rows: int, frames: int, bins: int) -> F32:
    """Natural logarithms of magnitudes, about -6 to 2: float32[rows, frames, bins]."""
    return _bands(rng, rows, frames, bins) - np.float32(2.0)


def speech_frames(rng: Rng, rows: int, frames: int, bins: int) -> F32:
    """log(1 + magnitude), not negative: float32[rows, frames, bins]."""
    return np.asarray(np.log1p(np.exp(_bands(rng, rows, frames, bins) - 2.0)), np.float32)


def mel_snippets(rng: Rng, rows: int, frames: int) -> F32:
    """Log-mel bands: float32[rows, frames, 64]."""
    return _bands(rng, rows, frames, MEL_BANDS) - np.float32(4.0)


def cepstra(rng: Rng, rows: int, frames: int) -> F32:
    """Cepstra, large in the first coefficient: float32[rows, frames, 13]."""
    spread = np.linspace(8.0, 2.0, CEPSTRA)
    centre = np.concatenate([[15.0], np.zeros(CEPSTRA - 1)])
    voice = rng.normal(0.0, 1.0, (rows, 1, CEPSTRA)) * spread
    return (centre + voice + rng.normal(0.0, 0.5, (rows, frames, CEPSTRA)) * spread).astype(np.float32)


def embeddings(rng: Rng, *shape: int) -> F32:
    """Embeddings of length one, or frames of them that belong together: float32[rows, ..., D]."""
    rows, *rest, dim = shape
    centre = rng.normal(0.0, 1.0, (rows, *[1 for _ in rest], dim))
    found = centre + rng.normal(0.0, 0.5, shape)
    return np.asarray(found / np.linalg.norm(found, axis=-1, keepdims=True), np.float32)


def presence(rng: Rng, rows: int, modalities: int) -> F32:
    """Which modalities there are, 1 or 0: all in the first row, at least one in each other: float32[rows, M]."""
    found = rng.random((rows, modalities)) < 0.6
    found[np.arange(rows), rng.integers(0, modalities, rows)] = True
    found[0] = True
    return found.astype(np.float32)


def qualities(rng: Rng, rows: int, modalities: int) -> F32:
    """How clear each modality is, 0 to 1: float32[rows, M]."""
    return rng.random((rows, modalities), np.float32)


def sentences(rng: Rng, rows: int, length: int, vocabulary: int) -> I32:
    """Rows of 3 to `length` words, then padding: int32[rows, length]."""
    words = rng.integers(1, vocabulary, (rows, length))
    ends = rng.integers(3, length + 1, (rows, 1))
    return (words * (np.arange(length) < ends)).astype(np.int32)


def word_vectors(rng: Rng, rows: int, length: int, dim: int) -> F32:
    """Vectors of 3 to `length` words, then zeros: float32[rows, length, dim]."""
    ends = rng.integers(3, length + 1, (rows, 1, 1))
    inside = np.arange(length)[None, :, None] < ends
    return (rng.normal(0.0, 1.0, (rows, length, dim)) * inside).astype(np.float32)


def states(rng: Rng, *shape: int, largest: float) -> F32:
    """What a recurrent network may remember, in -largest..largest: float32[shape]."""
    return rng.uniform(-largest, largest, shape).astype(np.float32)


def _shapes(rng: Rng, rows: int, height: int, width: int, colours: int) -> U8:
    """A coarse grid of colours, each cell a block of pixels, and noise over it."""
    coarse = rng.uniform(0.0, 255.0, (rows, 4, 4, colours))
    ys, xs = np.arange(height) * 4 // height, np.arange(width) * 4 // width
    shaped = coarse[:, ys][:, :, xs]
    return np.clip(shaped + rng.normal(0.0, 10.0, shaped.shape), 0.0, 255.0).astype(np.uint8)


def _bands(rng: Rng, rows: int, frames: int, bands: int) -> F32:
    """A spectrum of each row's own that swells and fades, with noise: float32, spread about 1.5."""
    spectrum = rng.normal(0.0, 1.0, (rows, 1, bands))
    swelling = np.sin(rng.uniform(0.1, 0.6, (rows, 1, 1)) * np.arange(frames)[None, :, None])
    return (spectrum + swelling + rng.normal(0.0, 0.5, (rows, frames, bands))).astype(np.float32)
