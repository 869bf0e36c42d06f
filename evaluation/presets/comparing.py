"""What a server answers to the inputs that torch answered, at batches of 1, 3 and the largest, and chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from export.output_parity import OutputParity, Strictness, compare_outputs
from packs.arrays import AnyArray
from packs.errors import PackError
from packs.manifest import Pack
from packs.spec import ModelSpec
from services.backends.inference.protocol import InferenceBackend

__all__ = ["compare_served", "states_of"]

Feed = Mapping[str, AnyArray]
SMALL_BATCHES = (1, 3)
# Executions of each small batch; the largest is run once, over everything.
FEW = 3


async def compare_served(
    backend: InferenceBackend, pack: Pack, reference: Feed, chosen_by_server: str
) -> dict[str, list[OutputParity]]:
    """Ask every model of a pack, and compare.

    Args:
        backend: A client of the server.
        pack: What it serves.
        reference: `<model>.in.<tensor>` and `<model>.out.<tensor>`, [N, ...]; of a network that takes chunks
            `<model>.stream.in.<tensor>` and `<model>.stream.out.<tensor>` too.
        chosen_by_server: Arithmetic of networks that leave it to the server: `bf16` or `f32`.

    Returns:
        The figures of each model.

    Raises:
        packs.errors.PackError: If torch's answers of a model are absent.
    """
    figures = {}
    for name, spec in pack.models.items():
        arithmetic = spec.arithmetic or chosen_by_server
        figures[name] = await _at_every_batch(backend, spec, reference, arithmetic)
        figures[name] += await _chunk_by_chunk(backend, spec, reference, arithmetic)
    return figures


def states_of(spec: ModelSpec) -> dict[str, str]:
    """What a network remembers: the output that holds it, by the input that takes it with the next chunk."""
    outputs = {tensor.name for tensor in spec.outputs}
    return {tensor.name: f"{tensor.name}_out" for tensor in spec.inputs if f"{tensor.name}_out" in outputs}


async def _at_every_batch(
    backend: InferenceBackend, spec: ModelSpec, reference: Feed, arithmetic: str
) -> list[OutputParity]:
    feed, known = _part(spec, reference, "in"), _part(spec, reference, "out")
    if feed is None or known is None:
        raise PackError(f"torch's answers of {spec.name} are not there: python -m export presets writes them")
    figures = []
    for batch in sorted({*[size for size in SMALL_BATCHES if size < spec.max_batch], spec.max_batch}):
        starts = range(0, spec.max_batch - batch + 1, batch)[:FEW]
        answers = [await backend.infer(spec.name, {n: v[s : s + batch] for n, v in feed.items()}) for s in starts]
        found = {name: np.concatenate([answer[name] for answer in answers]) for name in known}
        figures += compare_outputs(
            found, known, spec, runtime=f"triton-{arithmetic}", batch=batch, strictness=_strictness(arithmetic)
        )
    return figures


async def _chunk_by_chunk(
    backend: InferenceBackend, spec: ModelSpec, reference: Feed, arithmetic: str
) -> list[OutputParity]:
    """Run utterances through the server in chunks, with what it remembers of them, against torch's answer to all."""
    source, answer = spec.inputs[0], spec.outputs[0]
    whole = reference.get(f"{spec.name}.stream.in.{source.name}")
    expected = reference.get(f"{spec.name}.stream.out.{answer.name}")
    if whole is None or expected is None:
        return []
    rows, size = len(whole), source.shape[0]
    state = {t.name: np.zeros((rows, *t.shape), t.numpy_dtype) for t in spec.inputs if t.name in states_of(spec)}
    parts = []
    for start in range(0, whole.shape[1], size):
        found = await backend.infer(spec.name, {source.name: whole[:, start : start + size], **state})
        state = {name: found[output] for name, output in states_of(spec).items()}
        parts.append(found[answer.name])
    alone = spec.model_copy(update={"outputs": (answer,)})
    figures = compare_outputs(
        {answer.name: np.concatenate(parts, axis=1)},
        {answer.name: expected},
        alone,
        runtime=f"triton-{arithmetic}",
        batch=rows,
        strictness=_strictness(arithmetic),
    )
    return [replace(figure, output=f"{figure.output} of {len(parts)} chunks") for figure in figures]


def _strictness(arithmetic: str) -> Strictness:
    return Strictness.EXACT if arithmetic == "f32" else Strictness.REDUCED


def _part(spec: ModelSpec, reference: Feed, side: str) -> dict[str, AnyArray] | None:
    tensors = spec.inputs if side == "in" else spec.outputs
    found = {t.name: reference.get(f"{spec.name}.{side}.{t.name}") for t in tensors}
    known = {name: values for name, values in found.items() if values is not None}
    return known if len(known) == len(tensors) else None
