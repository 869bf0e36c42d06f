"""A float graph with explicit Q/DQ pairs at the inputs of its matrix products: INT8 or FP8 in the graph itself.

Whoever runs the graph (TensorRT, OpenVINO) sees the pairs and multiplies in 8 bits between them. TensorRT reads only
zero points of 0, so what it gets is symmetric; on the CPU activations are unsigned bytes with a zero point of their
own, which spends no bit on the sign of what a ReLU has made positive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from export.graphs import AnyArray, GraphError, attribute, constants, copied, replace_nodes

F32 = NDArray[np.float32]

PRODUCTS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
LARGEST = {"int8": 127.0, "fp8": 448.0}
# Smallest normal float16, since scales are halved with the rest of the graph.
SMALLEST_SCALE = np.float32(2.0**-14)


class Storage(StrEnum):
    """What 8 bits hold."""

    # Symmetric; weights are float with a pair of their own: the form in which TensorRT fuses them.
    INT8 = "int8"
    # E4M3, symmetric; as above.
    FP8 = "fp8"
    # Activations unsigned with a zero point, weights stored as int8: a quarter of the bytes, for the CPU.
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Range:
    """What values a tensor takes: `low` <= 0 <= `high`."""

    low: float
    high: float


def quantised_tensors(model: onnx.ModelProto, skip: frozenset[str] = frozenset()) -> dict[str, str]:
    """Say which tensors need a range: the inputs of matrix products with constant weights.

    Args:
        model: Graph without `Constant` nodes.
        skip: Outputs of products that stay in float.

    Returns:
        Name of the input tensor by name of the product's output, in the order of the graph.
    """
    known = constants(model.graph)
    return {
        node.output[0]: node.input[0]
        for node in model.graph.node
        if node.op_type in PRODUCTS and node.input[1] in known and node.output[0] not in skip
    }


def quantised_from_float(
    model: onnx.ModelProto, ranges: Mapping[str, Range], storage: Storage, skip: frozenset[str] = frozenset()
) -> onnx.ModelProto:
    """Put Q/DQ pairs into a graph; it is not changed, a new one is given.

    Args:
        model: Float32 graph without `Constant` nodes, of opset 19 or more for FP8.
        ranges: By name of each tensor of `quantised_tensors`.
        storage: See `Storage`.
        skip: Outputs of products that stay in float.

    Raises:
        GraphError: If a range is missing.
    """
    result = copied(model)
    products = quantised_tensors(result, skip)
    missing = sorted(set(products.values()) - set(ranges))
    if missing:
        raise GraphError(f"no range for {', '.join(missing)}: calibrate this very graph")
    _Quantising(result.graph, ranges, storage).run(frozenset(products))
    onnx.checker.check_model(result)
    return result


class _Quantising:
    """One pass over the nodes; each tensor gets one pair, however many read it."""

    def __init__(self, graph: onnx.GraphProto, ranges: Mapping[str, Range], storage: Storage) -> None:
        self._graph = graph
        self._ranges = ranges
        self._storage = storage
        self._known = constants(graph)
        self._pairs: dict[str, str] = {}
        self._nodes: list[onnx.NodeProto] = []

    def run(self, products: frozenset[str]) -> None:
        for node in list(self._graph.node):
            made = onnx.NodeProto()
            made.CopyFrom(node)
            if node.output[0] in products:
                made.input[0] = self._activation(node.input[0])
                made.input[1] = self._weight(node)
            self._nodes.append(made)
        replace_nodes(self._graph, self._nodes)
        self._drop_unused()

    def _activation(self, name: str) -> str:
        if name not in self._pairs:
            low, high = self._ranges[name].low, self._ranges[name].high
            if self._storage is Storage.BYTES:
                scale = np.float32(max((high - low) / 255.0, float(SMALLEST_SCALE)))
                zero = np.uint8(np.clip(round(-low / float(scale)), 0, 255))
                parts = (self._constant(f"{name}.scale", scale), self._constant(f"{name}.zero", np.asarray(zero)))
            else:
                parts = self._symmetric(name, np.float32(max(-low, high)))
            self._pairs[name] = self._pair(name, parts, {})
        return self._pairs[name]

    def _weight(self, node: onnx.NodeProto) -> str:
        name, values = node.input[1], self._known[node.input[1]].astype(np.float32)
        axis = channel_axis(node, values)
        # One weight read by a product and by its transpose would need two pairs: the axis is part of the key.
        key = f"{name}.axis{axis}"
        if key not in self._pairs:
            others = tuple(index for index in range(values.ndim) if index != axis)
            scale, zero = self._symmetric(key, np.abs(values).max(axis=others))
            if self._storage is Storage.BYTES:
                stored = self._constant(f"{key}.int8", _rounded(values, self._scale_of(key), axis))
                self._pairs[key] = self._dequantise(key, stored, (scale, zero), {"axis": axis})
            else:
                self._pairs[key] = self._pair(name, (scale, zero), {"axis": axis}, key)
        return self._pairs[key]

    def _symmetric(self, name: str, largest: AnyArray | np.float32) -> tuple[str, str]:
        """Add a scale float32[] or [C] and zeros of its shape in the stored type. Their names."""
        fp8 = self._storage is Storage.FP8
        scale = np.maximum(np.asarray(largest, np.float32) / LARGEST["fp8" if fp8 else "int8"], SMALLEST_SCALE)
        self._known[f"{name}.scale"] = scale
        kind = TensorProto.FLOAT8E4M3FN if fp8 else TensorProto.INT8
        zeros = helper.make_tensor(f"{name}.zero", kind, scale.shape, np.zeros(scale.shape).ravel().tolist())
        self._graph.initializer.append(zeros)
        return self._constant(f"{name}.scale", scale), f"{name}.zero"

    def _scale_of(self, name: str) -> F32:
        return np.asarray(self._known[f"{name}.scale"], np.float32)

    def _constant(self, name: str, value: AnyArray | np.float32) -> str:
        self._graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def _pair(self, source: str, parts: tuple[str, str], attributes: dict[str, Any], key: str | None = None) -> str:
        key = key or source
        quantised = f"{key}.quantised"
        made = helper.make_node("QuantizeLinear", [source, *parts], [quantised], name=f"{key}.quantise", **attributes)
        self._nodes.append(made)
        return self._dequantise(key, quantised, parts, attributes)

    def _dequantise(self, key: str, source: str, parts: tuple[str, str], attributes: dict[str, Any]) -> str:
        output = f"{key}.dequantised"
        made = helper.make_node("DequantizeLinear", [source, *parts], [output], name=f"{key}.dequantise", **attributes)
        self._nodes.append(made)
        return output

    def _drop_unused(self) -> None:
        used = {name for node in self._nodes for name in node.input}
        for tensor in [tensor for tensor in self._graph.initializer if tensor.name not in used]:
            self._graph.initializer.remove(tensor)


def channel_axis(node: onnx.NodeProto, weights: AnyArray) -> int:
    """The axis of a weight along which each output channel has its own numbers."""
    if node.op_type == "Conv":
        return 0
    if node.op_type == "ConvTranspose":
        return 1
    if node.op_type == "Gemm":
        return 0 if attribute(node, "transB", 0) else 1
    return int(weights.ndim - 1)


def _rounded(values: F32, scale: F32, axis: int) -> NDArray[np.int8]:
    shape = [1] * values.ndim
    shape[axis] = -1
    stored: NDArray[np.int8] = np.clip(np.rint(values / scale.reshape(shape)), -127, 127).astype(np.int8)
    return stored


def first_and_last(products: Mapping[str, str]) -> frozenset[str]:
    """The products that lose most in 8 bits: the one that reads the picture and the one that gives the embedding."""
    outputs = list(products)
    return frozenset({outputs[0], outputs[-1]}) if outputs else frozenset()


def described(ranges: Mapping[str, Range]) -> Iterator[str]:
    """Lines for a report."""
    for name, found in ranges.items():
        yield f"{name}: {found.low:.4g} to {found.high:.4g}"
