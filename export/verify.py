"""A pack's files against what they came from and each other: graphs checked, runtimes compared, figures kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from export.build_engines import prepared_graph
from export.graphs import GraphError
from export.output_parity import OutputParity, Strictness, compare_outputs
from export.runners import Outputs, Runner, in_batches, onnxruntime_runner, openvino_runner
from export.samples import AnyArray, Feed, feed_of, noise_of, tiled
from export.tensorrt_check import interface_faults, parser_faults
from export.tensorrt_graph import QUANTISED, Precision
from packs.manifest import Pack
from packs.spec import ModelSpec

# Executions of the small batches; the largest batch runs over all samples.
FEW = 3


@dataclass(frozen=True, slots=True)
class Contender:
    """One more way to run a model, to be compared with the reference."""

    name: str
    run: Runner
    strictness: Strictness


@dataclass(frozen=True, slots=True)
class ModelReport:
    """What was found of one network.

    Attributes:
        model: Its name.
        sha256: Digest of the file that was compared.
        reference: What the others were compared with.
        real: Whether the inputs were real samples, or noise.
        faults: Why TensorRT's parser, or a client, would not take the graph.
        figures: The comparisons.
        left_out: What was not compared, and why.
    """

    model: str
    sha256: str
    reference: str
    real: bool
    faults: Sequence[str]
    figures: Sequence[OutputParity]
    left_out: Sequence[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults and all(figure.within for figure in self.figures)

    def as_json(self) -> dict[str, Any]:
        """Plain values for a report."""
        return {
            "sha256": self.sha256,
            "reference": self.reference,
            "real_samples": self.real,
            "faults": list(self.faults),
            "figures": [figure.as_json() for figure in self.figures],
            "left_out": list(self.left_out),
            "holds": self.holds,
        }


def verify_model(
    pack: Pack,
    spec: ModelSpec,
    samples: Mapping[str, AnyArray],
    *,
    reference: Contender | None = None,
    others: Sequence[Contender] = (),
    precisions: Sequence[Precision] = (),
) -> ModelReport:
    """Check one network's graph and compare everything that can run it, at batches 1, 3 and the largest.

    Args:
        pack: Whose network.
        spec: Which.
        samples: Real inputs (`export.samples.read_samples`); noise stands in for what they lack.
        reference: What the others are compared with, best torch; None takes ONNX Runtime in float32.
        others: Contenders beside ONNX Runtime and OpenVINO: engines, a running Triton.
        precisions: Graphs as TensorRT would be given them, run here in ONNX Runtime.

    Returns:
        The report. It raises for nothing that it can report.
    """
    path = pack.file_of(spec)
    real = feed_of(spec, samples)
    feed = tiled(real or noise_of(spec), spec.max_batch)
    model = onnx.load(str(path))
    contenders, left_out = _runtimes(path, spec, is_quantised(model))
    if reference is None:
        reference, *contenders = contenders
    converted, more = _converted(path, spec, precisions, real)
    answers = in_batches(reference.run, feed, spec.max_batch)
    figures = [
        figure
        for contender in (*contenders, *converted, *others)
        for figure in _compare(contender, feed, answers, spec)
    ]
    faults = interface_faults(model, spec)
    if is_quantised(model):
        more.append("TensorRT's parser: a file in INT8 for the CPU is not for it; build engines from the float pack")
    else:
        faults += _parser_faults(model, spec)
    return ModelReport(spec.name, spec.sha256, reference.name, real is not None, faults, figures, [*left_out, *more])


def reference_answers(spec: ModelSpec, samples: Mapping[str, AnyArray], run: Runner) -> dict[str, AnyArray]:
    """Inputs and answers of one network for `recorded`, so that they can be compared where torch is not."""
    feed = tiled(feed_of(spec, samples) or noise_of(spec), spec.max_batch)
    kept = {f"{spec.name}.in.{name}": values for name, values in feed.items()}
    return kept | {f"{spec.name}.out.{n}": v for n, v in in_batches(run, feed, spec.max_batch).items()}


def recorded(spec: ModelSpec, arrays: Mapping[str, AnyArray]) -> tuple[dict[str, AnyArray], Contender] | None:
    """The inputs and the contender of a file that `reference_answers` filled; None where the network is not in it."""
    inputs = {f"{spec.name}.{t.name}": arrays.get(f"{spec.name}.in.{t.name}") for t in spec.inputs}
    outputs = {tensor.name: arrays.get(f"{spec.name}.out.{tensor.name}") for tensor in spec.outputs}
    given = {name: values for name, values in inputs.items() if values is not None}
    known = {name: values for name, values in outputs.items() if values is not None}
    if len(given) != len(inputs) or len(known) != len(outputs):
        return None
    position = 0

    def run(feed: Feed) -> Outputs:
        # Asked for whole batches, in order, as `in_batches` does.
        nonlocal position
        rows = len(feed[spec.inputs[0].name])
        answer = {name: values[position : position + rows] for name, values in known.items()}
        position += rows
        return answer

    return given, Contender("recorded", run, Strictness.EXACT)


def write_report(path: Path, pack: Pack, reports: Sequence[ModelReport]) -> None:
    """Write the figures of a pack, those of networks that were not compared now are kept."""
    before = json.loads(path.read_text()) if path.is_file() else {}
    models = before.get("models", {}) if before.get("pack") == pack.digest else {}
    models |= {report.model: report.as_json() for report in reports}
    path.write_text(json.dumps({"pack": pack.digest, "models": models}, indent=1, sort_keys=True) + "\n")


def is_quantised(model: onnx.ModelProto) -> bool:
    """Whether a file multiplies in 8 bits: then runtimes round at different places, each in its right."""
    return any(node.op_type == "DequantizeLinear" for node in model.graph.node)


def _runtimes(path: Path, spec: ModelSpec, quantised: bool) -> tuple[list[Contender], list[str]]:
    found, left_out = [], []
    exact = Strictness.REDUCED if quantised else Strictness.EXACT
    try:
        found.append(Contender("onnxruntime-f32", onnxruntime_runner(path, spec), exact))
    except ImportError as error:
        left_out.append(f"onnxruntime: {error}")
    found.append(Contender("openvino-f32", openvino_runner(path, "f32"), exact))
    if spec.arithmetic is None:
        found.append(Contender("openvino-bf16", openvino_runner(path, "bf16"), Strictness.REDUCED))
    return found, left_out


def _converted(
    path: Path, spec: ModelSpec, precisions: Sequence[Precision], real: Feed | None
) -> tuple[list[Contender], list[str]]:
    found, left_out = [], []
    for precision in precisions:
        try:
            graph = prepared_graph(onnx.load(str(path)), precision, real)
        except GraphError as error:
            left_out.append(f"graph-{precision}: {error}")
            continue
        run = onnxruntime_runner(graph.SerializeToString(), spec, literal=True)
        found.append(Contender(f"graph-{precision}", run, strictness_of(precision)))
    return found, left_out


def strictness_of(precision: Precision) -> Strictness:
    """What an engine or a graph of a precision is held to."""
    if precision in QUANTISED:
        return Strictness.REPORTED
    return Strictness.EXACT if precision is Precision.FP32 else Strictness.REDUCED


def _compare(contender: Contender, feed: Feed, answers: Outputs, spec: ModelSpec) -> list[OutputParity]:
    figures = []
    for batch in sorted({1, min(3, spec.max_batch), spec.max_batch}):
        found = in_batches(contender.run, feed, batch, None if batch == spec.max_batch else FEW)
        figures += compare_outputs(
            found, answers, spec, runtime=contender.name, batch=batch, strictness=contender.strictness
        )
    return figures


def _parser_faults(model: onnx.ModelProto, spec: ModelSpec) -> list[str]:
    """Faults of the graph that TensorRT would be given."""
    try:
        graph = prepared_graph(model, Precision.FP32, None)
    except GraphError as error:
        return [str(error)]
    found = {fault for major in (10, 11) for fault in parser_faults(graph, major)}
    return [*interface_faults(graph, spec), *sorted(found)]


def summary(report: ModelReport) -> str:
    """One line for people."""
    worst = [figure.least_cosine for figure in report.figures if figure.least_cosine is not None]
    least = f", least cosine {np.min(worst):.5f}" if worst else ""
    return f"{report.model}: {'holds' if report.holds else 'DOES NOT HOLD'} against {report.reference}{least}"
