"""The served file against the network it came from: same inputs, three runtimes, figures kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from export.distances import detector_distances, row_cosines, usual_distance
from export.runners import Outputs, onnxruntime_runner, openvino_runner, torch_runner
from export.samples import Feed
from packs.spec import ModelSpec

F32 = NDArray[np.float32]
Inputs = NDArray[np.uint8] | F32


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


def compare(graph: nn.Module, spec: ModelSpec, path: Path, samples: Inputs | Feed) -> list[Parity]:
    """Run the samples through torch and each runtime, and measure the distance.

    Args:
        graph: The served form of the network, in inference mode.
        spec: Its declaration, with the tolerance.
        path: The ONNX file.
        samples: [N, ...] inputs, best real ones; by name where the network has several.
    """
    feed = samples if isinstance(samples, dict) else {spec.inputs[0].name: samples}
    reference = torch_runner(graph, spec)(feed)
    runners = {
        "onnxruntime-f32": onnxruntime_runner(path, spec),
        "openvino-f32": openvino_runner(path, "f32"),
    }
    if spec.arithmetic is None:
        runners["openvino-bf16"] = openvino_runner(path, "bf16")
    return [_measure(name, run(feed), reference, spec) for name, run in runners.items()]


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
        differences = [np.abs(found[t.name] - reference[t.name]).ravel() for t in spec.outputs]
        distances, cosine = np.concatenate(differences), 1.0
    worst = float(distances.max(initial=0.0))
    usual = usual_distance(distances)
    # bfloat16 keeps 8 significant bits, and a proposal at the cut of the best 100 may be gone: there the usual distance
    # of boxes, and only the direction of embeddings, are held to the tolerance.
    if runtime.endswith("bf16"):
        within = cosine >= spec.tolerance.cosine and (
            spec.embedding_dim is not None or usual <= spec.tolerance.absolute
        )
    else:
        within = cosine >= spec.tolerance.cosine and worst <= spec.tolerance.absolute
    return Parity(runtime, round(worst, 5), round(usual, 5), round(cosine, 6), rows, bool(within))
