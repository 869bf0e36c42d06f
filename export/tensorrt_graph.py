"""From a pack's ONNX file to the graph that is given to TensorRT, in the precision asked for.

Networks are strongly typed in TensorRT 11 (and here in 10): the engine computes in the types that the graph says, so
precision is made in the graph. FP16 converts it; INT8 and FP8 put explicit Q/DQ pairs into it and convert the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import onnx
from onnx import TensorProto, helper

from export.graphs import GraphError, attribute, element_types, refuse_subgraphs, replace_nodes, with_lifted_constants
from export.half_from_float import half_from_float
from export.quantised_from_float import Range, Storage, first_and_last, quantised_from_float, quantised_tensors

# Q/DQ scales in half precision exist since this opset.
OPSET = 19
# They move values about and compute nothing, so they may as well follow a cast.
LAYOUT = frozenset({"Flatten", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"})


class Precision(StrEnum):
    """In what most of an engine's arithmetic is done. `INT8` and `FP8` leave the rest in FP16."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"
    FP8 = "fp8"


# The product that reads the picture and the one that gives the answer stay in FP16: on the demo pack's faces FP8 in
# all of them took mAP from 0.599 to 0.525, in the inner ones to 0.597 (docs/export.md).
QUANTISED = MappingProxyType({Precision.INT8: Storage.INT8, Precision.FP8: Storage.FP8})


def tensorrt_from_onnx(
    model: onnx.ModelProto, precision: Precision, ranges: Mapping[str, Range] | None = None
) -> onnx.ModelProto:
    """Rewrite a graph for TensorRT; inputs and outputs keep their names, types and sizes.

    Args:
        model: A graph as `export.onnx_from_module` writes it. It is not changed.
        precision: See `Precision`.
        ranges: Ranges of the quantised tensors (`export.ranges_from_samples`); needed for `INT8` and `FP8`.

    Raises:
        GraphError: If the graph cannot be rewritten, or if ranges are missing.
    """
    result = float_graph(model)
    if precision in QUANTISED:
        if ranges is None:
            raise GraphError(f"{precision} needs the ranges of activations: give samples to calibrate on")
        result = quantised_from_float(result, ranges, QUANTISED[precision], first_and_last(quantised_tensors(result)))
    return result if precision is Precision.FP32 else half_from_float(result)


def float_graph(model: onnx.ModelProto) -> onnx.ModelProto:
    """Rewrite a graph for TensorRT in float32: what is calibrated, and what every precision is made from.

    Raises:
        GraphError: If it holds control flow, or computes with bytes.
    """
    refuse_subgraphs(model, "rewrite the graph for TensorRT")
    return early_casts(with_lifted_constants(raise_opset(model)))


def raise_opset(model: onnx.ModelProto) -> onnx.ModelProto:
    """Convert a graph of an older opset to `OPSET`; a newer one stays."""
    if max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")) >= OPSET:
        return model
    return onnx.version_converter.convert_version(model, OPSET)


def early_casts(model: onnx.ModelProto) -> onnx.ModelProto:
    """Turn bytes into floats before anything else is done to them.

    TensorRT knows UINT8 only at the border of a network: there a cast may take it, and a transpose may not. The
    pixels are the same numbers either way.

    Raises:
        GraphError: If something other than layout and casts is done with the bytes.
    """
    graph = model.graph
    types = element_types(model)
    moved = {value.name: f"{value.name}.floats" for value in graph.input if types[value.name] == TensorProto.UINT8}
    if not moved:
        return model
    nodes = [
        helper.make_node("Cast", [old], [new], name=f"{old}.widen", to=TensorProto.FLOAT) for old, new in moved.items()
    ]
    outputs = {output.name for output in graph.output}
    for node in graph.node:
        if node.input and node.input[0] in moved:
            source = moved[node.input[0]]
            if (
                node.op_type == "Cast"
                and attribute(node, "to", 0) == TensorProto.FLOAT
                and node.output[0] not in outputs
            ):
                # What was cast here is a float already: those who read it read its source.
                moved[node.output[0]] = source
                types[node.output[0]] = TensorProto.FLOAT
                continue
            if types.get(node.input[0]) == TensorProto.UINT8:
                _follow(node, moved)
        nodes.append(_reading(node, moved))
    replace_nodes(graph, nodes)
    return model


def _follow(node: onnx.NodeProto, moved: dict[str, str]) -> None:
    if node.op_type == "Cast":
        return
    if node.op_type not in LAYOUT:
        raise GraphError(
            f"{node.op_type} {node.name} works on bytes, which TensorRT cannot: cast to float before it in the module"
        )
    moved[node.output[0]] = node.output[0]


def _reading(node: onnx.NodeProto, moved: Mapping[str, str]) -> onnx.NodeProto:
    result = onnx.NodeProto()
    result.CopyFrom(node)
    for index, name in enumerate(node.input):
        result.input[index] = moved.get(name, name)
    return result
