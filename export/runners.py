"""One way to run a network, whatever runs it: arrays by input name in, arrays by output name out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from export.samples import AnyArray, Feed
from packs.spec import ModelSpec

Outputs = dict[str, AnyArray]
Runner = Callable[[Feed], Outputs]


def onnxruntime_runner(model: Path | bytes, spec: ModelSpec, *, literal: bool = False) -> Runner:
    """ONNX Runtime on the CPU.

    Args:
        model: File, or serialized graph.
        spec: Whose outputs are wanted.
        literal: Run the graph exactly as it is written; else it is optimised first, which moves Q/DQ pairs about (and
            breaks those of FP8: version 1.31 puts them around operators that do not take that type).
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if literal:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    source = model if isinstance(model, bytes) else str(model)
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    names = [tensor.name for tensor in spec.outputs]
    return lambda feed: dict(zip(names, session.run(names, feed), strict=True))


def openvino_runner(path: Path, precision: str) -> Runner:
    """OpenVINO on the CPU, by the very code that serves; `precision` is ``f32`` or ``bf16``."""
    from packs.engine import Engine

    engine = Engine(path, precision=precision)
    return lambda feed: dict(engine.run(feed))


def torch_runner(graph: Any, spec: ModelSpec) -> Runner:
    """The served form of a torch network, in inference mode; takes the spec's inputs in their order."""
    import torch

    def run(feed: Feed) -> Outputs:
        with torch.inference_mode():
            answer = graph(*(torch.from_numpy(feed[tensor.name]) for tensor in spec.inputs))
        parts = answer if isinstance(answer, tuple) else (answer,)
        return {tensor.name: part.numpy() for tensor, part in zip(spec.outputs, parts, strict=True)}

    return run


def triton_runner(address: str, spec: ModelSpec) -> Runner:
    """A model of a running Triton, over gRPC. Needs `tritonclient[grpc]`."""
    import tritonclient.grpc as triton

    client = triton.InferenceServerClient(address)
    dtypes = {tensor.name: tensor.dtype for tensor in spec.inputs}
    wanted = [triton.InferRequestedOutput(tensor.name) for tensor in spec.outputs]

    def run(feed: Feed) -> Outputs:
        inputs = []
        for name, values in feed.items():
            inputs.append(triton.InferInput(name, list(values.shape), dtypes[name]))
            inputs[-1].set_data_from_numpy(np.ascontiguousarray(values))
        result = client.infer(spec.name, inputs, outputs=wanted, client_timeout=120.0)
        return {tensor.name: result.as_numpy(tensor.name) for tensor in spec.outputs}

    return run


def in_batches(run: Runner, feed: Mapping[str, AnyArray], batch: int, most: int | None = None) -> Outputs:
    """Run rows in executions of one batch size, and join the answers.

    Args:
        run: What runs them.
        feed: [N, ...] by input name.
        batch: Rows of each execution; a rest that does not fill one is left out.
        most: Most executions; None for all.

    Returns:
        [K, ...] by output name, of the first K rows.
    """
    rows = min(len(values) for values in feed.values())
    starts = list(range(0, rows - batch + 1, batch))[:most]
    chunks = [run({name: values[start : start + batch] for name, values in feed.items()}) for start in starts]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
