"""Checkpoints as the public code would write them: its keys and shapes, seeded values, no real weights."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent / "state_dicts"
ELSEWHERE = Path(__file__).parents[1] / "models" / "state_dicts"
Weights = dict[str, torch.Tensor]


def listed(name: str) -> dict[str, tuple[int, ...]]:
    """Shapes by public key."""
    path = HERE / f"{name}.tsv"
    path = path if path.is_file() else ELSEWHERE / path.name
    shapes = {}
    for line in path.read_text().splitlines():
        key, shape, _ = line.split("\t")
        shapes[key] = () if shape == "scalar" else tuple(int(size) for size in shape.split("x"))
    return shapes


def checkpoint(name: str) -> Weights:
    """Seeded weights of a list."""
    return seeded(listed(name))


def seeded(shapes: Mapping[str, tuple[int, ...]]) -> Weights:
    """Weights of a size that keeps activations alive. Each depends on its key alone, on every machine the same."""
    return {key: torch.from_numpy(_values(key, shape)) for key, shape in shapes.items()}


def _values(key: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    if key.endswith("num_batches_tracked"):
        return np.array(7, np.int64)
    if key.endswith("running_var"):
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    if len(shape) <= 1:
        # Scales of norms about one, shifts about nothing.
        centre = 0.8 if key.endswith("weight") else 0.0
        return np.asarray(centre + 0.1 * rng.standard_normal(shape), np.float32)
    spread = np.sqrt(1.4 / np.prod(shape[1:]))
    return (spread * rng.standard_normal(shape)).astype(np.float32)


def pictures(rows: int, height: int, width: int) -> np.ndarray:
    """Seeded pictures uint8[rows, height, width, 3]."""
    return np.random.default_rng(5).integers(0, 256, (rows, height, width, 3), dtype=np.uint8)


def sounds(rows: int, samples: int) -> np.ndarray:
    """Seeded sounds float32[rows, samples]: tones that swell over faint noise."""
    rng = np.random.default_rng(5)
    time = np.arange(samples) / 16_000
    tones = np.sin(2.0 * np.pi * rng.uniform(90.0, 3000.0, (rows, 5, 1)) * time) * np.abs(np.sin(9.0 * time))
    return (0.08 * tones.sum(axis=1) + rng.normal(0.0, 0.003, (rows, samples))).astype(np.float32)


def sentences(rows: int, tokens: int, vocabulary: int) -> np.ndarray:
    """Seeded sentences int64[rows, tokens] that end in the highest number, then zeros."""
    rng = np.random.default_rng(5)
    ids = np.zeros((rows, tokens), np.int64)
    for index, row in enumerate(ids):
        length = tokens - 3 * index
        row[:length] = rng.integers(1, vocabulary - 1, length)
        row[length - 1] = vocabulary - 1
    return ids
