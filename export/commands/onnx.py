"""`python -m export onnx` and `random`: torch networks into a pack. Needs torch, onnx, onnxruntime and openvino."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from export.pack import WrittenPack, write_pack
from export.runners import torch_runner
from export.samples import AnyArray, read_samples
from export.specs import VOCABULARY, served_models
from export.verify import reference_answers
from models.checkpoints import PRESETS, WORD_PRESETS, network_from_checkpoint, read_checkpoint
from packs.manifest import Pack

RANDOM = "Random weights: the right shapes and no meaning."


def export_checkpoints(checkpoints: Sequence[Path], samples: Path | None, pack: Path, version: str) -> WrittenPack:
    """Export trained networks, each under the name of its preset; words lie beside the weights that know them."""
    networks, vocabulary = {}, None
    for path in checkpoints:
        checkpoint = read_checkpoint(path)
        networks[checkpoint.preset] = network_from_checkpoint(checkpoint, checkpoint.preset, PRESETS | WORD_PRESETS)
        if checkpoint.preset in WORD_PRESETS:
            vocabulary = path.parent / VOCABULARY
    inputs = read_samples(samples) if samples else {}
    return write_pack(pack, networks, inputs, version=version, vocabulary=vocabulary)


def export_random(
    seed: int, pack: Path, version: str, keep_reference: Path | None = None, vocabulary: Path | None = None
) -> WrittenPack:
    """Export every preset with seeded random weights; torch's inputs and answers are kept when a file is named.

    With a vocabulary the pack has a text pair too.
    """
    torch.manual_seed(seed)
    presets = PRESETS | (WORD_PRESETS if vocabulary else {})
    networks = {name: build().eval() for name, build in presets.items()}
    written = write_pack(pack, networks, {}, version=version, description=RANDOM, vocabulary=vocabulary)
    if keep_reference:
        specs = Pack.load(pack).models
        kept: dict[str, AnyArray] = {}
        for model in (model for name, network in networks.items() for model in served_models(name, network)):
            spec = specs[model.spec.name]
            kept |= reference_answers(spec, {}, torch_runner(model.graph, spec))
        np.savez(keep_reference, allow_pickle=False, **kept)
    return written


def report_of(written: WrittenPack, path: Path | None) -> str:
    """The figures of the comparison as JSON text; written to the path too when one is given."""
    report = {name: [figure.as_json() for figure in figures] for name, figures in written.parity.items()}
    text = json.dumps(report, indent=2)
    if path:
        path.write_text(text + "\n")
    return text
