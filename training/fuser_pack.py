"""The pack of networks that fuse, from two runs: calibrated, exported in half precision, compared with torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch import nn

from export.onnx_from_module import onnx_from_module
from export.pack import LICENCE, ParityError
from export.parity import Parity, compare
from export.samples import Feed
from models.fusion import AssociativeNetwork, AttentiveNetwork, PresenceGraph, QualityGraph
from packs.fuser import FuserCard, FuserSettings, FusionMethod
from packs.manifest import Pack, PackManifest, file_sha256, write_manifest
from packs.spec import ModelSpec, TensorSpec, Tolerance
from training.data.associations import PARTS, load_associations
from training.fuser import calibrated
from training.fuser_card import write_fuser_card

__all__ = ["PARITY_ROWS", "make_fuser_pack"]

METHODS = MappingProxyType({"associative": FusionMethod.ASSOCIATIVE, "MMA": FusionMethod.ATTENTION})
MODELS = MappingProxyType(
    {FusionMethod.ASSOCIATIVE: "associative_network", FusionMethod.ATTENTION: "multimodal_attention"}
)
NAME = "demo-fusers"
DESCRIPTION = (
    "Networks that make one representation of the face, head, body and voice that the demo pack embeds, learned from "
    "what it sees in SynthCast films of synthetic people: they are not for pictures or voices of real people."
)
MAX_BATCH = 256
PARITY_ROWS = 32
# Weights in half precision turn a representation by less than this.
TOLERANCE = Tolerance(absolute=0.002, cosine=0.99999)
METRICS_FILE = "metrics.json"


def make_fuser_pack(
    weights: Sequence[Path],
    data: Path,
    films: Sequence[str],
    out: Path,
    *,
    pack: Pack,
    version: str,
    window_s: float,
    say: Callable[[str], None],
) -> Pack:
    """Write a pack of the networks of some runs.

    Args:
        weights: `weights.pt` of runs of association.toml and attention.toml.
        data: Folder of the read-backs.
        films: Names of those to calibrate on; none that a run learned from.
        out: Folder of the pack; made when absent.
        pack: Whose embeddings the read-backs hold.
        version: Of the weights.
        window_s: Longest gap over which bodies and heads are compared.
        say: Receives lines of progress.

    Raises:
        CheckpointError: If weights are of another network.
        DataError: If the read-backs are none, are of another pack, or hold too few pairs.
        ParityError: If a file computes something else than its network.
    """
    out.mkdir(parents=True, exist_ok=True)
    specs, settings, parity = [], [], {}
    samples = _samples(data, films)
    for path in weights:
        network, card = calibrated(path, data, films, pack=pack, window_s=window_s, say=say)
        graph, spec = served(network, card)
        parity[spec.name] = _written(graph, spec, out / spec.file, samples)
        specs.append(spec.model_copy(update={"sha256": file_sha256(out / spec.file)}))
        settings.append(FuserSettings.model_validate({"method": METHODS[card.name], "model": spec.name, "card": card}))
        say(f"{out / spec.file}: {(out / spec.file).stat().st_size / 1e6:.1f} MB")
    manifest = PackManifest(
        name=NAME,
        version=version,
        description=DESCRIPTION,
        models=tuple(specs),
        fusers=tuple(settings),
        licence=LICENCE,
    )
    write_manifest(out, manifest)
    figures = {
        "calibrated_on": list(films),
        "parity": {name: [one.as_json() for one in found] for name, found in parity.items()},
    }
    (out / METRICS_FILE).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    write_fuser_card(out, figures)
    return Pack.load(out)


def served(network: nn.Module, card: FuserCard) -> tuple[nn.Module, ModelSpec]:
    """The graph of a network that fuses, in inference mode, and its declaration. Raises ValueError for another one."""
    graph: QualityGraph | PresenceGraph
    sees: tuple[str, ...]
    if isinstance(network, AssociativeNetwork):
        graph, sees = QualityGraph(network=network), ("present", "quality")
    elif isinstance(network, AttentiveNetwork):
        graph, sees = PresenceGraph(network=network), ("present",)
    else:
        raise ValueError(f"got {type(network).__name__}, expected a network that fuses")
    graph.eval()
    count = len(card.parts)
    dim = _length(graph, card, sees)
    name = MODELS[METHODS[card.name]]
    spec = ModelSpec(
        name=name,
        file=f"{name}.onnx",
        sha256="0" * 64,
        inputs=(
            *(TensorSpec(name=one, dtype="FP32", shape=(count,)) for one in sees),
            *(TensorSpec(name=str(part.modality), dtype="FP32", shape=(part.dim,)) for part in card.parts),
        ),
        outputs=(
            TensorSpec(name="together", dtype="FP32", shape=(dim,)),
            TensorSpec(name="weights", dtype="FP32", shape=(count,)),
        ),
        max_batch=MAX_BATCH,
        warmup_batches=(1, MAX_BATCH),
        tolerance=TOLERANCE,
        embedding_dim=dim,
        # In bfloat16 a face would no longer be as near to another one as without a network.
        arithmetic="f32",
    )
    return graph, spec


@torch.inference_mode()
def _length(graph: nn.Module, card: FuserCard, sees: Sequence[str]) -> int:
    zeros = [torch.zeros(2, len(card.parts)) for _ in sees] + [torch.zeros(2, part.dim) for part in card.parts]
    together, _ = graph(*zeros)
    return int(together.shape[1])


def _written(graph: nn.Module, spec: ModelSpec, path: Path, samples: Feed) -> list[Parity]:
    feed = {tensor.name: samples[tensor.name] for tensor in spec.inputs}
    example = tuple(torch.from_numpy(feed[tensor.name][:2]) for tensor in spec.inputs)
    partial = path.with_suffix(".partial.onnx")
    names = [tensor.name for tensor in spec.inputs], [tensor.name for tensor in spec.outputs]
    onnx_from_module(graph, example, inputs=names[0], outputs=names[1], path=partial)
    figures = compare(graph, spec, partial, feed)
    if outside := [figure for figure in figures if not figure.within]:
        raise ParityError(f"{spec.name} differs from torch beyond {spec.tolerance}: {outside}; kept {partial}")
    partial.replace(path)
    return figures


def _samples(data: Path, films: Sequence[str]) -> Feed:
    """Tracklets of the films, spread over them."""
    found = load_associations(data, films)
    rows = np.linspace(0, len(found) - 1, PARITY_ROWS).astype(np.int64)
    vectors = {str(modality): found.vectors[number][rows] for number, (modality, _) in enumerate(PARTS)}
    return {"present": found.present[rows], "quality": found.quality[rows], **vectors}
