"""The served file against the network it came from: same inputs, three runtimes, figures kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import openvino
import torch
from numpy.typing import NDArray
from torch import nn

from export.distances import detector_distances, row_cosines
from packs.spec import ModelSpec

F32 = NDArray[np.float32]
Inputs = NDArray[np.uint8] | F32
Outputs = dict[str, F32]
Runner = Callable[[Inputs], Outputs]


@dataclass(frozen=True, slots=True)
class Parity:
    """How far one runtime lies from torch in float32.

    Attributes:
        runtime: `onnxruntime-f32`, `openvino-f32` or `openvino-bf16`.
        worst_absolute: Largest difference of any compared value (of a detector: of any row with its nearest).
        p99_absolute: Difference that 99 % of the values (of a detector: of the rows) keep.
        least_cosine: Smallest cosine of an output row with its reference; 1 for what is no embedding.
        compared: Number of rows that were compared.
        within: Whether both figures keep the spec's tolerance.
    """

    runtime: str
    worst_absolute: float
    p99_absolute: float
    least_cosine: float
    compared: int
    within: bool

    def as_json(self) -> dict[str, str | float | int | bool]:
        """Plain values for a report."""
        return asdict(self)


def compare(graph: nn.Module, spec: ModelSpec, path: Path, samples: Inputs) -> list[Parity]:
    """Run the samples through torch and each runtime, and measure the distance.

    Args:
        graph: The served form of the network, in inference mode.
        spec: Its declaration, with the tolerance.
        path: The ONNX file.
        samples: uint8 or float32[N, ...] inputs, best real ones.
    """
    names = [tensor.name for tensor in spec.outputs]
    reference = _torch_outputs(graph, names, samples)
    return [_measure(name, run(samples), reference, spec) for name, run in _runners(path, spec).items()]


def _measure(runtime: str, found: Outputs, reference: Outputs, spec: ModelSpec) -> Parity:
    name = spec.outputs[0].name
    rows = found[name].shape[0]
    if spec.embedding_dim is not None:
        distances = np.abs(found[name] - reference[name]).ravel()
        cosine = float(row_cosines(found[name], reference[name]).min())
    elif "boxes" in found:
        distances, cosine = detector_distances(found, reference), 1.0
        rows = distances.size
    else:
        distances, cosine = np.abs(found[name] - reference[name]).ravel(), 1.0
    worst = float(distances.max(initial=0.0))
    usual = float(np.quantile(distances, 0.99)) if distances.size else 0.0
    # bfloat16 keeps 8 significant bits, and a proposal at the cut of the best 100 may be gone: there the usual distance
    # of boxes, and only the direction of embeddings, are held to the tolerance.
    if runtime.endswith("bf16"):
        within = cosine >= spec.tolerance.cosine and (
            spec.embedding_dim is not None or usual <= spec.tolerance.absolute
        )
    else:
        within = cosine >= spec.tolerance.cosine and worst <= spec.tolerance.absolute
    return Parity(runtime, round(worst, 5), round(usual, 5), round(cosine, 6), rows, bool(within))


def _torch_outputs(graph: nn.Module, names: list[str], samples: Inputs) -> Outputs:
    with torch.inference_mode():
        answer = graph(torch.from_numpy(samples))
    parts = answer if isinstance(answer, tuple) else (answer,)
    return {name: part.numpy() for name, part in zip(names, parts, strict=True)}


def _runners(path: Path, spec: ModelSpec) -> Mapping[str, Runner]:
    return {
        "onnxruntime-f32": _onnxruntime(path, spec),
        "openvino-f32": _openvino(path, spec, "f32"),
        "openvino-bf16": _openvino(path, spec, "bf16"),
    }


def _onnxruntime(path: Path, spec: ModelSpec) -> Runner:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [tensor.name for tensor in spec.outputs]

    def run(samples: Inputs) -> Outputs:
        return dict(zip(names, session.run(names, {spec.inputs[0].name: samples}), strict=True))

    return run


def _openvino(path: Path, spec: ModelSpec, precision: str) -> Runner:
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": precision})

    def run(samples: Inputs) -> Outputs:
        answer = compiled({spec.inputs[0].name: samples})
        return {tensor.name: np.array(answer[tensor.name], dtype=np.float32) for tensor in spec.outputs}

    return run
