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
        return (centre + 0.1 * rng.standard_normal(shape)).astype(np.float32)
    spread = np.sqrt(1.4 / np.prod(shape[1:]))
    return (spread * rng.standard_normal(shape)).astype(np.float32)
