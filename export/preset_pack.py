"""The small presets with seeded weights as a pack that can be served, and what torch answers of each.

The answers travel in an npz file to where torch is not: `python -m evaluation presets` compares them with what a real
Triton says, and `python -m export verify --reference` reads them too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from export.onnx_from_module import fix_output_sizes, onnx_from_module
from export.onnx_from_network import onnx_from_network
from export.output_parity import OutputParity, Strictness, compare_outputs
from export.pack import ParityError
from export.preset_weights import settled
from export.runners import Outputs, in_batches, onnxruntime_runner, torch_runner
from export.samples import AnyArray, Feed
from export.small_presets import SmallPreset, small_presets
from packs.errors import PackError
from packs.manifest import Pack, PackManifest, file_sha256, write_manifest
from packs.spec import ModelSpec, Tolerance

REFERENCE = "reference.npz"
DESCRIPTION = "Every small preset with seeded random weights: the right shapes and no meaning."
# Of the largest value that a network answers, what bfloat16 may lose of it on the way through all layers; one rounding
# loses up to 1/256.
SHARE = 0.02
# The same of float32, weights and all: nothing but the order of sums differs.
FULL_SHARE, FULL_COSINE = 0.001, 0.9999
# Rows of a running utterance, and its chunks.
STREAMS, CHUNKS = 3, 12
SETTLING = 16


def write_presets(out: Path, only: Sequence[str], seed: int) -> tuple[Pack, list[OutputParity]]:
    """Write the pack and torch's answers.

    Args:
        out: Folder of the pack; made when absent. A pack that it holds is replaced.
        only: Names of served models or of presets; all when empty.
        seed: Of weights and inputs.

    Returns:
        The pack, and how ONNX Runtime compares with torch.

    Raises:
        ParityError: If a written file does not compute what its network computes, or if the answers show nothing.
        packs.errors.PackError: If there is no preset of a name.
    """
    out.mkdir(parents=True, exist_ok=True)
    written: list[ModelSpec] = []
    answers: dict[str, AnyArray] = {}
    figures: list[OutputParity] = []
    for preset in chosen(small_presets(), only):
        spec, known, found = _written(preset, out, seed)
        written.append(spec)
        answers |= known
        figures += found
    np.savez(out / REFERENCE, allow_pickle=False, **answers)
    manifest = PackManifest(name="presets", version="0.0.0", description=DESCRIPTION, models=tuple(written))
    write_manifest(out, manifest)
    return Pack.load(out), figures


def chosen(presets: Mapping[str, SmallPreset], only: Sequence[str]) -> list[SmallPreset]:
    """The presets of some names, of a served model or of a preset; all when there are none.

    Raises:
        packs.errors.PackError: If a name is nobody's.
    """
    strange = sorted(set(only) - {name for served, preset in presets.items() for name in (served, preset.preset)})
    if strange:
        raise PackError(f"no small preset {', '.join(strange)}; there are {', '.join(presets)}")
    return [preset for name, preset in presets.items() if not only or {name, preset.preset} & set(only)]


def with_bounds(spec: ModelSpec, answers: Outputs) -> ModelSpec:
    """The declaration with a tolerance that fits the size of each output, where it has none of its own."""
    share, cosine = (FULL_SHARE, FULL_COSINE) if spec.arithmetic == "f32" else (SHARE, spec.tolerance.cosine)
    outputs = []
    for tensor in spec.outputs:
        absolute = max(share * float(np.abs(answers[tensor.name]).max()), 1e-6)
        fitting = tensor.tolerance or Tolerance(absolute=absolute, cosine=cosine)
        outputs.append(tensor.model_copy(update={"tolerance": fitting}))
    return spec.model_copy(update={"outputs": tuple(outputs)})


def check_they_show_something(spec: ModelSpec, answers: Outputs) -> None:
    """Refuse answers that would agree with anything: infinite ones, and rows that may be mixed up unseen.

    Raises:
        ParityError: Names the output.
    """
    if not all(np.isfinite(values).all() for values in answers.values()):
        raise ParityError(f"{spec.name}: torch answers infinity or no number, which shows nothing")
    mixed_up = {name: np.roll(values, 1, axis=0) for name, values in answers.items()}
    figures = compare_outputs(
        mixed_up, answers, spec, runtime="mixed up", batch=spec.max_batch, strictness=Strictness.REDUCED
    )
    flat = [figure.output for figure in figures if figure.within and figure.compared]
    if flat:
        raise ParityError(f"{spec.name}: rows of {', '.join(flat)} are all alike, so mixed-up rows would pass as equal")


def _written(preset: SmallPreset, out: Path, seed: int) -> tuple[ModelSpec, dict[str, AnyArray], list[OutputParity]]:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    spec = preset.spec.model_copy(update={"arithmetic": "f32"}) if preset.full else preset.spec
    graph = settled(preset.graph(), _tensors(spec, preset.inputs(rng, SETTLING)))
    if preset.ready is not None:
        preset.ready(graph, _tensors(spec, preset.inputs(rng, SETTLING)))
    feed = preset.inputs(rng, spec.max_batch)
    answers = torch_runner(graph, spec)(feed)
    if preset.scaled:
        spec = with_bounds(spec, answers)
    check_they_show_something(spec, answers)
    path = out / spec.file
    _export(graph, spec, feed, path, full=preset.full)
    figures = _agreement(spec, path, feed, answers)
    known = {f"{spec.name}.in.{name}": values for name, values in feed.items()}
    known |= {f"{spec.name}.out.{name}": values for name, values in answers.items()}
    known |= _running(preset, graph, rng)
    return spec.model_copy(update={"sha256": file_sha256(path)}), known, figures


def _export(graph: nn.Module, spec: ModelSpec, feed: Feed, path: Path, *, full: bool) -> None:
    """Write the graph, its weights in half precision as those of packs are, or in full."""
    # An axis of length 1 would be taken for a constant.
    examples = tuple(part[:2] for part in _tensors(spec, feed))
    inputs, outputs = [t.name for t in spec.inputs], [t.name for t in spec.outputs]
    if not full:
        onnx_from_module(graph, examples, inputs=inputs, outputs=outputs, path=path)
        return
    onnx_from_network(graph, examples, inputs=inputs, outputs=outputs, path=path)
    model = onnx.load(str(path))
    fix_output_sizes(model, graph, examples)
    onnx.save(model, str(path))


def _agreement(spec: ModelSpec, path: Path, feed: Feed, answers: Outputs) -> list[OutputParity]:
    found = in_batches(onnxruntime_runner(path, spec), feed, 3, most=2)
    figures = compare_outputs(found, answers, spec, runtime="onnxruntime-f32", batch=3, strictness=Strictness.EXACT)
    wrong = [figure for figure in figures if not figure.within]
    if wrong:
        raise ParityError(f"{spec.name} differs from torch: {wrong}; kept {path}")
    return figures


def _running(preset: SmallPreset, graph: nn.Module, rng: np.random.Generator) -> dict[str, AnyArray]:
    """Of a network that is given its input in chunks: whole inputs, and what its other form answers to them."""
    if preset.whole is None:
        return {}
    # The first input and the first output run on, the others are what is remembered.
    spec, source, answer = preset.spec, preset.spec.inputs[0], preset.spec.outputs[0]
    pieces = [preset.inputs(rng, STREAMS)[source.name] for _ in range(CHUNKS)]
    whole = np.concatenate(pieces, axis=1)
    with torch.inference_mode():
        expected = preset.whole(graph)(torch.from_numpy(whole)).numpy()
    return {f"{spec.name}.stream.in.{source.name}": whole, f"{spec.name}.stream.out.{answer.name}": expected}


def _tensors(spec: ModelSpec, feed: Feed) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(feed[tensor.name]) for tensor in spec.inputs)
