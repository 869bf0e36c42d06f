"""Whether TensorRT's parser can read a graph, and whether the graph is as declared; found without TensorRT."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import onnx
from onnx import TensorProto

from export.graphs import ELEMENT_TYPES, AnyArray, all_nodes, attribute, constants, element_types
from export.tensorrt_operators import OPSETS, SINCE_11, SUPPORTED, UNSUPPORTED
from packs.spec import ModelSpec, TensorSpec

Known = Mapping[str, AnyArray]
Restriction = Callable[[onnx.NodeProto, Known], str | None]

TYPE_NAMES: Mapping[int, str] = {
    TensorProto.FLOAT: "FP32",
    # The parser narrows it by itself.
    TensorProto.DOUBLE: "FP32",
    TensorProto.FLOAT16: "FP16",
    TensorProto.BFLOAT16: "BF16",
    TensorProto.INT32: "INT32",
    TensorProto.INT64: "INT64",
    TensorProto.INT8: "INT8",
    TensorProto.UINT8: "UINT8",
    TensorProto.BOOL: "BOOL",
    TensorProto.FLOAT8E4M3FN: "FP8",
    TensorProto.FLOAT4E2M1: "FP4",
    TensorProto.INT4: "INT4",
}
LARGEST_K = 3840


def parser_faults(model: onnx.ModelProto, major: int = 10) -> list[str]:
    """Every reason why the parser would refuse a graph, as far as its published list tells.

    Args:
        model: The graph that would be given to TensorRT.
        major: 10 or 11, the release line of TensorRT.

    Returns:
        One sentence for each fault; empty when none was found.
    """
    types, known = element_types(model), constants(model.graph)
    found = list(_opset_faults(model))
    for node in all_nodes(model.graph):
        fault = _node_fault(node, types, known, major)
        if fault is not None:
            found.append(f"{node.op_type} {node.name or node.output[0]}: {fault}")
    return found


def interface_faults(model: onnx.ModelProto, spec: ModelSpec) -> list[str]:
    """Every difference between a graph's inputs and outputs and what the spec declares of them.

    Names, element types and sizes must be the declared ones, in any order, and axis 0 must be free.
    """
    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    return [
        *_side_faults("input", spec.inputs, inputs),
        *_side_faults("output", spec.outputs, list(graph.output)),
    ]


def _opset_faults(model: onnx.ModelProto) -> Iterator[str]:
    low, high = OPSETS
    for entry in model.opset_import:
        if entry.domain not in ("", "ai.onnx"):
            yield f"operators of the domain {entry.domain!r} need a plugin; export with standard operators only"
        elif not low <= entry.version <= high:
            yield f"opset {entry.version} is outside {low} to {high}; export again with another opset"


def _node_fault(node: onnx.NodeProto, types: Mapping[str, int], known: Known, major: int) -> str | None:
    if node.op_type in UNSUPPORTED:
        return "the parser does not support this operator"
    if node.op_type not in SUPPORTED:
        return "the parser's list does not have this operator"
    if node.op_type in SINCE_11 and major < 11:
        return "the parser has this operator only since TensorRT 11"
    kind = types.get(node.input[0]) if node.input else None
    name = TYPE_NAMES.get(kind, "an unknown type") if kind is not None else None
    if name is not None and name not in SUPPORTED[node.op_type]:
        return f"takes {name}, but the parser reads only {', '.join(sorted(SUPPORTED[node.op_type]))} there"
    rule = RESTRICTIONS.get(node.op_type)
    return rule(node, known) if rule is not None else None


def _side_faults(side: str, declared: tuple[TensorSpec, ...], found: list[onnx.ValueInfoProto]) -> Iterator[str]:
    by_name = {value.name: value.type.tensor_type for value in found}
    names = {tensor.name for tensor in declared}
    if set(by_name) != names:
        yield f"the graph's {side}s are {sorted(by_name)}, the spec declares {sorted(names)}"
    for tensor in declared:
        if tensor.name not in by_name:
            continue
        kind = by_name[tensor.name]
        if kind.elem_type != ELEMENT_TYPES[tensor.dtype]:
            yield f"{side} {tensor.name} has ONNX type {kind.elem_type}, the spec declares {tensor.dtype}"
        first, *rest = kind.shape.dim or [onnx.TensorShapeProto.Dimension()]
        if first.dim_value:
            yield f"{side} {tensor.name} has a fixed batch of {first.dim_value}; export with a free axis 0"
        if tuple(size.dim_value for size in rest) != tensor.shape:
            sizes = [size.dim_value or size.dim_param or "?" for size in rest]
            yield f"{side} {tensor.name} has sizes {sizes} behind the batch, the spec declares {list(tensor.shape)}"


def _resize(node: onnx.NodeProto, _: Known) -> str | None:
    allowed = {
        "mode": ("nearest", "linear"),
        "coordinate_transformation_mode": (
            "half_pixel",
            "pytorch_half_pixel",
            "tf_half_pixel_for_nn",
            "asymmetric",
            "align_corners",
        ),
        "nearest_mode": ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil"),
        "keep_aspect_ratio_policy": ("stretch",),
    }
    for name, values in allowed.items():
        value = attribute(node, name, values[0].encode())
        if value.decode() not in values:
            return f"{name} {value.decode()!r} is not one of {', '.join(values)}"
    return "antialiasing is not supported" if attribute(node, "antialias", 0) else None


def _pool(node: onnx.NodeProto, _: Known) -> str | None:
    if len(node.output) > 1 and node.output[1]:
        return "the output of indices is not supported"
    return None if all(size == 1 for size in attribute(node, "dilations", [])) else "dilations must be 1"


def _top_k(node: onnx.NodeProto, known: Known) -> str | None:
    if attribute(node, "sorted", 1) != 1:
        return "sorted must be 1"
    count = known.get(node.input[1])
    return f"K must be under {LARGEST_K}" if count is not None and int(count.max()) >= LARGEST_K else None


def _constant_input(index: int, what: str) -> Restriction:
    def rule(node: onnx.NodeProto, known: Known) -> str | None:
        given = len(node.input) > index and bool(node.input[index])
        return f"{what} must be known when the engine is built" if given and node.input[index] not in known else None

    return rule


def _no_reduction(node: onnx.NodeProto, _: Known) -> str | None:
    return None if attribute(node, "reduction", b"none") == b"none" else "a reduction other than none is not supported"


def _lstm(node: onnx.NodeProto, _: Known) -> str | None:
    wrong = [name for name in ("input_forget", "layout") if attribute(node, name, 0) != 0]
    return f"{' and '.join(wrong)} must be 0" if wrong else None


def _one_output(node: onnx.NodeProto, _: Known) -> str | None:
    return "only the first output is supported" if any(node.output[1:]) else None


def _symmetric(node: onnx.NodeProto, known: Known) -> str | None:
    if len(node.input) < 3 or not node.input[2]:
        return "the zero point must be given: its type says what is stored"
    zero = known.get(node.input[2])
    if zero is None or np.any(zero.astype(np.float32)):
        return "the zero point must be a constant 0"
    return None


REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
RESTRICTIONS: Mapping[str, Restriction] = {
    "AveragePool": _pool,
    "CumSum": _constant_input(1, "the axis"),
    "DequantizeLinear": _symmetric,
    "LSTM": _lstm,
    "LayerNormalization": _one_output,
    "MaxPool": _pool,
    "OneHot": _constant_input(1, "the depth"),
    "QuantizeLinear": _symmetric,
    "Resize": _resize,
    "ScatterND": _no_reduction,
    "Squeeze": _constant_input(1, "the axes"),
    "TopK": _top_k,
    "Unsqueeze": _constant_input(1, "the axes"),
    **{f"Reduce{name}": _constant_input(1, "the axes") for name in REDUCTIONS},
}
