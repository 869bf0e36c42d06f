"""Small questions to an ONNX graph that checks and conversions share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

AnyArray = NDArray[Any]

# ModelSpec's names of element types, as ONNX numbers them.
ELEMENT_TYPES = {
    "UINT8": TensorProto.UINT8,
    "FP32": TensorProto.FLOAT,
    "FP16": TensorProto.FLOAT16,
    "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64,
    "BOOL": TensorProto.BOOL,
}


class GraphError(Exception):
    """A graph that cannot be converted as asked; the message names the node and says what to do."""


def copied(model: onnx.ModelProto) -> onnx.ModelProto:
    """A model of its own, so that the caller's stays as it is."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    return result


def attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    """The value of a node's attribute, or what stands for it when it is absent."""
    for found in node.attribute:
        if found.name == name:
            return helper.get_attribute_value(found)
    return default


def constants(graph: onnx.GraphProto) -> dict[str, AnyArray]:
    """Values known before the first run, by tensor name: initializers and `Constant` nodes."""
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


def element_types(model: onnx.ModelProto) -> dict[str, int]:
    """The ONNX element type of each tensor of the main graph whose type can be inferred."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    types = {value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.value_info, *graph.output)}
    return types | {tensor.name: tensor.data_type for tensor in graph.initializer}


def subgraphs(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    """The graphs that a control-flow node holds."""
    return [entry.g for entry in node.attribute if entry.type == onnx.AttributeProto.GRAPH]


def all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Every node, those of subgraphs included."""
    for node in graph.node:
        yield node
        for inner in subgraphs(node):
            yield from all_nodes(inner)


def refuse_subgraphs(model: onnx.ModelProto, doing: str) -> None:
    """Raise `GraphError` where a conversion would have to look into control flow, which ours do not."""
    nested = [node.name or node.op_type for node in model.graph.node if subgraphs(node)]
    if nested:
        raise GraphError(f"cannot {doing}: {', '.join(nested)} hold graphs of their own; export without control flow")


def with_lifted_constants(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose constants are all plain initializers: no `Constant` nodes, no weights widened by a `Cast`."""
    result = copied(model)
    graph = result.graph
    known = constants(graph)
    kept = []
    for node in graph.node:
        value = _lifted(node, known)
        if value is None:
            kept.append(node)
        else:
            known[node.output[0]] = value
            graph.initializer.append(numpy_helper.from_array(value, node.output[0]))
    used = {name for node in kept for name in node.input} | {output.name for output in graph.output}
    _replace(graph.node, kept)
    _replace(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in used])
    return result


def replace_nodes(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    """Put these nodes, in topological order, in place of a graph's; inferred types are forgotten."""
    _replace(graph.node, nodes)
    del graph.value_info[:]


def _lifted(node: onnx.NodeProto, known: dict[str, AnyArray]) -> AnyArray | None:
    if node.op_type == "Constant":
        return known.get(node.output[0])
    if node.op_type == "Cast" and node.input[0] in known and attribute(node, "to", 0) == TensorProto.FLOAT:
        return known[node.input[0]].astype(np.float32)
    return None


def _replace(field: Any, values: list[Any]) -> None:
    # The values belong to the field that is emptied, hence the copies.
    copies = []
    for value in values:
        copy = type(value)()
        copy.CopyFrom(value)
        copies.append(copy)
    del field[:]
    field.extend(copies)
