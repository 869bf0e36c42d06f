"""Inputs to compare and to calibrate on: real ones from a file, or seeded noise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from packs.errors import PackError
from packs.spec import ModelSpec, TensorSpec

AnyArray = NDArray[Any]
Feed = dict[str, AnyArray]


def read_samples(path: Path) -> dict[str, AnyArray]:
    """Read an npz file whose arrays are called ``<model>`` or, of a model with several inputs, ``<model>.<input>``.

    Raises:
        PackError: If there is no such file.
    """
    if not path.is_file():
        raise PackError(f"no samples at {path}: give an npz file with one array [N, ...] for each input")
    with np.load(path) as content:
        return dict(content)


def feed_of(spec: ModelSpec, arrays: Mapping[str, AnyArray]) -> Feed | None:
    """The inputs of one model, [N, ...] by input name; None where the file has none of it.

    Raises:
        PackError: If they are not what the model declares.
    """
    found = {tensor.name: arrays.get(f"{spec.name}.{tensor.name}") for tensor in spec.inputs}
    if len(spec.inputs) == 1 and spec.name in arrays:
        found[spec.inputs[0].name] = arrays[spec.name]
    feed = {name: values for name, values in found.items() if values is not None}
    if not feed:
        return None
    for tensor in spec.inputs:
        values = feed.get(tensor.name)
        got = "none" if values is None else f"{values.dtype}{list(values.shape)}"
        if values is None or values.dtype != tensor.numpy_dtype or values.shape[1:] != tensor.shape:
            wanted = f"{tensor.numpy_dtype}[N, {', '.join(map(str, tensor.shape))}]"
            raise PackError(f"samples of {spec.name}.{tensor.name} are {got}, expected {wanted}")
    return feed


def noise_of(spec: ModelSpec, rows: int = 4) -> Feed:
    """Seeded inputs for a model when no real ones are at hand."""
    rng = np.random.default_rng(0)
    return {tensor.name: _noise(tensor, rows, rng) for tensor in spec.inputs}


def tiled(feed: Feed, rows: int) -> Feed:
    """Repeat samples from the start until there are at least so many rows."""
    have = min(len(values) for values in feed.values())
    index = np.arange(max(rows, have)) % have
    return {name: values[index] for name, values in feed.items()}


def _noise(tensor: TensorSpec, rows: int, rng: np.random.Generator) -> AnyArray:
    shape = (rows, *tensor.shape)
    if tensor.dtype == "UINT8":
        return rng.integers(0, 256, size=shape, dtype=np.uint8)
    if tensor.dtype == "BOOL":
        return np.ones(shape, np.bool_)
    if tensor.dtype in ("INT32", "INT64"):
        # Token numbers of the smallest vocabulary.
        return rng.integers(1, 64, size=shape).astype(tensor.numpy_dtype)
    # About what log-magnitudes are.
    return rng.normal(-2.0, 2.0, size=shape).astype(tensor.numpy_dtype)
