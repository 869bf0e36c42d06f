"""Arrays against their declaration, both ways, and the splitting of batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from packs.arrays import AnyArray
from packs.spec import ModelSpec, TensorSpec
from services.backends.inference.errors import InferenceInputError, InferenceOutputError

Arrays = Mapping[str, AnyArray]


def model_spec(models: Mapping[str, ModelSpec], name: str) -> ModelSpec:
    """The declaration of a model, or `InferenceInputError`."""
    if name not in models:
        raise InferenceInputError(f"the pack has no model {name!r}; it has {', '.join(models)}")
    return models[name]


def check_inputs(spec: ModelSpec, inputs: Arrays) -> int:
    """The number of rows, if ``inputs`` are as declared; else `InferenceInputError`."""
    expected = {tensor.name for tensor in spec.inputs}
    if set(inputs) != expected:
        raise InferenceInputError(f"{spec.name} takes inputs {sorted(expected)}, got {sorted(inputs)}")
    rows = {inputs[tensor.name].shape[0] if inputs[tensor.name].ndim else 0 for tensor in spec.inputs}
    if len(rows) != 1 or min(rows) < 1:
        raise InferenceInputError(f"{spec.name} takes one batch of at least 1 row, got rows {sorted(rows)}")
    count = rows.pop()
    for tensor in spec.inputs:
        fault = _fault(tensor, inputs[tensor.name], count)
        if fault is not None:
            raise InferenceInputError(f"{spec.name} input {fault}")
    return count


def check_outputs(spec: ModelSpec, outputs: Mapping[str, AnyArray | None], rows: int) -> dict[str, AnyArray]:
    """The declared outputs, if they are there, shaped as declared and finite; else `InferenceOutputError`.

    A server can answer OK with no output or an empty one (platform facts: a cached error, a wrong numpy in its
    environment), so an answer is believed only after this.
    """
    checked: dict[str, AnyArray] = {}
    for tensor in spec.outputs:
        array = outputs.get(tensor.name)
        if array is None:
            raise InferenceOutputError(f"{spec.name} answered without output {tensor.name!r}, got {sorted(outputs)}")
        fault = _fault(tensor, array, rows)
        if fault is None and not np.isfinite(array).all():
            fault = f"{tensor.name!r} has values that are not finite"
        if fault is not None:
            raise InferenceOutputError(f"{spec.name} output {fault}; rebuild the pack or the server's environment")
        checked[tensor.name] = array
    return checked


def split(inputs: Arrays, rows: int, max_batch: int) -> Iterator[tuple[dict[str, AnyArray], int]]:
    """Chunks of at most ``max_batch`` rows, in order, each with its number of rows."""
    for start in range(0, rows, max_batch):
        end = min(start + max_batch, rows)
        yield {name: array[start:end] for name, array in inputs.items()}, end - start


def join(chunks: Sequence[dict[str, AnyArray]]) -> dict[str, AnyArray]:
    """The outputs of chunks, one behind the other."""
    if len(chunks) == 1:
        return chunks[0]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def zeros(spec: ModelSpec) -> dict[str, AnyArray]:
    """One row of zeros for each input: the smallest real inference."""
    return {tensor.name: np.zeros((1, *tensor.shape), tensor.numpy_dtype) for tensor in spec.inputs}


def _fault(tensor: TensorSpec, array: AnyArray, rows: int) -> str | None:
    expected = (rows, *tensor.shape)
    if array.dtype == tensor.numpy_dtype and array.shape == expected:
        return None
    got = f"{array.dtype.name}{list(array.shape)}"
    return f"{tensor.name!r} is {got}, expected {tensor.numpy_dtype.name}{list(expected)}"
