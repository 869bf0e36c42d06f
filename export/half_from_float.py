"""A float32 graph computed in float16, but for what float16 cannot hold; inputs and outputs stay as they are declared.

What TensorRT 11 asks for in place of the builder flag that it dropped: the types of the graph are the types of the
engine.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.graphs import AnyArray, attribute, constants, copied, element_types, refuse_subgraphs, replace_nodes

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16

# Sums over many values, exponentials and quotients leave float16's range or its 11 bits; they are a small part of the
# work.
_KEPT = (
    "CumSum Div Exp GroupNormalization InstanceNormalization LayerNormalization Log LogSoftmax LpNormalization "
    "NonMaxSuppression Pow RMSNormalization Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMean "
    "ReduceProd ReduceSum ReduceSumSquare Softmax Sqrt TopK ConstantOfShape"
)
KEEP = frozenset(_KEPT.split())
# They take any type, and give none on.
INDIFFERENT = frozenset({"Cast", "Shape", "Size"})
# Inputs that the standard wants in float32 whatever the rest is.
FLOAT_INPUTS: Mapping[str, frozenset[int]] = {"Resize": frozenset({1, 2}), "Upsample": frozenset({1})}
# Whole numbers of these types are exact in float16.
EXACT = frozenset({TensorProto.UINT8, TensorProto.INT8, TensorProto.BOOL})
# A constant of this size or more is a weight, of which single values may round to nothing.
WEIGHT = 64


def half_from_float(model: onnx.ModelProto, keep: frozenset[str] = frozenset()) -> onnx.ModelProto:
    """Convert a graph; it is not changed, a new one is given.

    Args:
        model: Float32 graph without `Constant` nodes and without control flow (`export.graphs.with_lifted_constants`).
        keep: Names of nodes that stay in float32, besides those of the operators in `KEEP` and those with a constant
        that
            float16 turns into infinity or, in a small constant such as an epsilon, into zero.

    Raises:
        GraphError: If the graph holds control flow.
        onnx.checker.ValidationError: If the result is not valid; a defect here, not of the graph.
    """
    refuse_subgraphs(model, "convert to float16")
    result = copied(model)
    _Halving(result, keep).run()
    onnx.checker.check_model(result, full_check=True)
    return result


def fits_half(values: AnyArray) -> bool:
    """Whether float16 can stand for a constant: nothing finite becomes infinite, no small constant becomes zero."""
    if values.dtype != np.float32:
        return True
    with np.errstate(over="ignore", under="ignore"):
        halved = values.astype(np.float16)
    lost = np.isinf(halved) & np.isfinite(values)
    vanished = (halved == 0) & (values != 0) if values.size < WEIGHT else np.zeros(1, np.bool_)
    return not (lost.any() or vanished.any())


class _Halving:
    """One pass over the nodes, with what each tensor has become."""

    def __init__(self, model: onnx.ModelProto, keep: frozenset[str]) -> None:
        self._graph = model.graph
        self._types = element_types(model)
        self._values = {name: value for name, value in constants(model.graph).items() if value.dtype == np.float32}
        self._unfit = {name for name, value in self._values.items() if not fits_half(value)}
        self._keep = keep
        self._outputs = {output.name for output in model.graph.output}
        # Type in which a tensor of the float32 graph is there now; those that are absent are as they were.
        self._made: dict[str, int] = {}
        self._casts: dict[tuple[str, int], str] = {}
        self._used: set[str] = set()
        self._nodes: list[onnx.NodeProto] = []

    def run(self) -> None:
        for node in list(self._graph.node):
            self._convert(node)
        unused = [tensor for tensor in self._graph.initializer if tensor.name in self._values]
        for tensor in unused:
            if tensor.name not in self._used:
                self._graph.initializer.remove(tensor)
        replace_nodes(self._graph, self._nodes)

    def _convert(self, node: onnx.NodeProto) -> None:
        made = onnx.NodeProto()
        made.CopyFrom(node)
        kind = HALF if self._is_halved(node) else FLOAT
        behind = []
        for index, name in enumerate(node.input):
            if self._types.get(name) == FLOAT:
                made.input[index] = self._as(name, self._wanted(node, index, kind, name))
        for index, name in enumerate(node.output):
            if self._types.get(name) == FLOAT and self._gives(node, made, kind) == HALF:
                behind += self._give_half(made, index, name)
        self._nodes += [made, *behind]

    def _is_halved(self, node: onnx.NodeProto) -> bool:
        if node.op_type in KEEP or node.name in self._keep:
            return False
        fixed = FLOAT_INPUTS.get(node.op_type, frozenset())
        return not any(name in self._unfit for index, name in enumerate(node.input) if index not in fixed)

    def _wanted(self, node: onnx.NodeProto, index: int, kind: int, name: str) -> int:
        if node.op_type in INDIFFERENT:
            return self._made.get(name, FLOAT)
        return FLOAT if index in FLOAT_INPUTS.get(node.op_type, frozenset()) else kind

    def _gives(self, node: onnx.NodeProto, made: onnx.NodeProto, kind: int) -> int:
        if node.op_type != "Cast":
            return kind
        if attribute(node, "to", 0) == FLOAT and self._types.get(node.input[0]) in EXACT:
            made.attribute[0].i = HALF
            return HALF
        return FLOAT

    def _give_half(self, made: onnx.NodeProto, index: int, name: str) -> list[onnx.NodeProto]:
        if name not in self._outputs:
            self._made[name] = HALF
            return []
        # A declared output keeps its name and type; others go on reading the half.
        half = f"{name}.half"
        made.output[index] = half
        self._made[name] = FLOAT
        self._casts[(name, HALF)] = half
        return [helper.make_node("Cast", [half], [name], name=f"{name}.widen", to=FLOAT)]

    def _as(self, name: str, wanted: int) -> str:
        """The name under which a tensor can be read in the wanted type; makes it when it is not there yet."""
        if name in self._values:
            return self._constant(name, wanted)
        if self._made.get(name, FLOAT) == wanted:
            return name
        if (name, wanted) not in self._casts:
            suffix = "half" if wanted == HALF else "float"
            self._casts[(name, wanted)] = f"{name}.{suffix}"
            cast = helper.make_node("Cast", [name], [f"{name}.{suffix}"], name=f"{name}.to_{suffix}", to=wanted)
            self._nodes.append(cast)
        return self._casts[(name, wanted)]

    def _constant(self, name: str, wanted: int) -> str:
        if wanted == FLOAT:
            self._used.add(name)
            return name
        if (name, HALF) not in self._casts:
            self._casts[(name, HALF)] = f"{name}.half"
            halved = self._values[name].astype(np.float16)
            self._graph.initializer.append(numpy_helper.from_array(halved, f"{name}.half"))
        return self._casts[(name, HALF)]
