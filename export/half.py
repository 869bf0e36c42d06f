"""Weights stored in half precision, computed in full: half the size in git, the same arithmetic."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Below this many values a Cast node costs more bytes than it saves.
SMALLEST = 64


def store_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Replace each large float32 initializer by a float16 one and a Cast back to float32.

    Args:
        model: A graph whose weights are initializers. It is not changed.

    Returns:
        A new graph with the same inputs, outputs and arithmetic; weights are rounded to 11 significant bits.

    Raises:
        ValueError: If a weight lies outside what float16 can hold (65,504).
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    casts = []
    for tensor in result.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < SMALLEST:
            continue
        casts.append(_halve(tensor, values))
    nodes = [*casts, *result.graph.node]
    del result.graph.node[:]
    result.graph.node.extend(nodes)
    return result


def _halve(tensor: TensorProto, values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> onnx.NodeProto:
    name = tensor.name
    largest = float(np.abs(values).max())
    if largest > float(np.finfo(np.float16).max):
        raise ValueError(f"weight {name} reaches {largest:g}, float16 holds 65504: keep this weight in float32")
    half_name = f"{name}.half"
    tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), half_name))
    return helper.make_node("Cast", [half_name], [name], name=f"{name}.widen", to=TensorProto.FLOAT)
