"""The ranges that tensors take on real inputs, as quantisation needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import onnx

from export.graphs import AnyArray, GraphError, copied, element_types
from export.quantised_from_float import Range

# Share of the values of a batch that may be clipped at either end: outliers would coarsen all others.
CLIPPED = 1e-4
BATCH = 16


def ranges_from_samples(
    model: onnx.ModelProto, tensors: Iterable[str], samples: Mapping[str, AnyArray], *, clipped: float = CLIPPED
) -> dict[str, Range]:
    """Run samples through a graph and note the range of some of its tensors.

    Args:
        model: The float graph that will be quantised.
        tensors: Their names.
        samples: [N, ...] by name of each input; a hundred or so, like those that will be served.
        clipped: Share of each batch's values left outside at either end, 0 for none.

    Returns:
        Ranges by name, 0 included; the widest of all batches.

    Raises:
        GraphError: If there are no samples.
    """
    # Only calibration needs it: everything else of an engine is built without.
    import onnxruntime

    wanted = sorted(set(tensors))
    rows = min((len(values) for values in samples.values()), default=0)
    if rows == 0:
        raise GraphError("no samples to calibrate on: give an npz with real inputs")
    session = onnxruntime.InferenceSession(
        _showing(model, wanted).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    inputs = {entry.name for entry in session.get_inputs()}
    found = {name: Range(0.0, 0.0) for name in wanted}
    for start in range(0, rows, BATCH):
        batch = {name: values[start : start + BATCH] for name, values in samples.items()}
        # An input may itself be quantised, and is then no output of the graph.
        shown = [name for name in wanted if name not in inputs]
        answers = session.run(shown, batch) if shown else []
        values = dict(zip(shown, answers, strict=True)) | {name: batch[name] for name in wanted if name in inputs}
        for name in wanted:
            found[name] = _widened(found[name], values[name], clipped)
    return found


def _showing(model: onnx.ModelProto, tensors: list[str]) -> onnx.ModelProto:
    shown = copied(model)
    types = element_types(model)
    present = {value.name for value in (*shown.graph.output, *shown.graph.input)}
    for name in tensors:
        if name not in present:
            shown.graph.output.append(onnx.helper.make_tensor_value_info(name, types[name], None))
    return shown


def _widened(before: Range, values: AnyArray, clipped: float) -> Range:
    low, high = np.quantile(values, (clipped, 1.0 - clipped))
    return Range(min(before.low, float(low)), max(before.high, float(high)))
