"""Graphs for TensorRT: what its parser can read, and what conversion to half and to 8 bits does to them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.graphs import GraphError, with_lifted_constants
from export.half_from_float import fits_half, half_from_float
from export.quantised_from_float import Range, Storage, first_and_last, quantised_from_float, quantised_tensors
from export.ranges_from_samples import ranges_from_samples
from export.tensorrt_check import interface_faults, parser_faults
from export.tensorrt_graph import Precision, early_casts, float_graph, tensorrt_from_onnx
from export.tensorrt_operators import OPSETS, SINCE_11, SUPPORTED, UNSUPPORTED
from packs.manifest import Pack

ROOT = Path(__file__).resolve().parents[2]
FLOAT, HALF, UINT8 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8


def model_of(
    nodes: Sequence[onnx.NodeProto],
    weights: dict[str, np.ndarray],
    *,
    source: tuple[int, Sequence[Any]] = (FLOAT, ["batch", 4]),
    output: tuple[int, Sequence[Any]] = (FLOAT, ["batch", 4]),
    opset: int = 19,
    domains: Sequence[onnx.OperatorSetIdProto] = (),
) -> onnx.ModelProto:
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", *source)],
        [helper.make_tensor_value_info("y", *output)],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), *domains], ir_version=9)


def run(model: onnx.ModelProto, **feed: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(["y"], feed)[0]


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def pixels_model() -> onnx.ModelProto:
    """Bytes transposed before they are cast, as our modules do, then a convolution, a softmax and a small epsilon."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["planes"], perm=[0, 3, 1, 2], name="planes"),
        helper.make_node("Cast", ["planes"], ["floats"], to=FLOAT, name="floats"),
        helper.make_node("Mul", ["floats", "scale"], ["scaled"], name="scaled"),
        helper.make_node("Conv", ["scaled", "kernel"], ["maps"], pads=[1, 1, 1, 1], name="maps"),
        helper.make_node("Relu", ["maps"], ["rectified"], name="rectified"),
        helper.make_node("GlobalAveragePool", ["rectified"], ["pooled"], name="pooled"),
        helper.make_node("Flatten", ["pooled"], ["flat"], name="flat"),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"], name="logits"),
        helper.make_node("Softmax", ["logits"], ["shares"], name="shares"),
        helper.make_node("Add", ["shares", "epsilon"], ["safe"], name="safe"),
        helper.make_node("Gemm", ["safe", "square"], ["y"], transB=1, name="y"),
    ]
    weights = {
        "scale": np.array(1 / 255, np.float32),
        "kernel": random(8, 3, 3, 3),
        "weights": random(8, 4, seed=1),
        "epsilon": np.array(1e-9, np.float32),
        "square": random(4, 4, seed=2),
    }
    return model_of(nodes, weights, source=(UINT8, ["batch", 6, 6, 3]))


CROPS = np.random.default_rng(3).integers(0, 256, (16, 6, 6, 3), dtype=np.uint8)


def test_the_table_is_dated_and_whole() -> None:
    text = (ROOT / "export" / "tensorrt_operators.py").read_text()
    assert re.search(r"read on 20\d\d-\d\d-\d\d", text)
    assert "2f3fa349247d9ff52d7662cb995c82278df31a86" in text
    assert not set(SUPPORTED) & UNSUPPORTED
    assert set(SUPPORTED) >= SINCE_11
    assert (len(SUPPORTED), len(UNSUPPORTED)) == (159, 42)
    known = {schema.name for schema in onnx.defs.get_all_schemas_with_history() if schema.domain == ""}
    older = {"ImageScaler", "ParametricSoftplus", "SpaceToDepth", "ScaledTanh", "MeanVarianceNormalization"}
    assert (set(SUPPORTED) | UNSUPPORTED) - known <= older


@pytest.mark.parametrize("model", Pack.load(ROOT / "packs" / "demo").manifest.models, ids=lambda spec: spec.name)
def test_the_demo_packs_graphs_are_read_by_the_parser(model: Any) -> None:
    graph = float_graph(onnx.load(str(ROOT / "packs" / "demo" / model.file)))
    assert interface_faults(graph, model) == []
    half = half_from_float(graph)
    assert [fault for made in (graph, half) for major in (10, 11) for fault in parser_faults(made, major)] == []
    assert interface_faults(half, model) == []


def test_an_operator_outside_the_list_is_found() -> None:
    for operator, said in (("Det", "does not support"), ("BitwiseNot", "does not support")):
        assert said in parser_faults(model_of([helper.make_node(operator, ["x"], ["y"])], {}))[0]
    fault = parser_faults(model_of([helper.make_node("Mystery", ["x"], ["y"])], {}))
    assert "list does not have" in fault[0]
    swish = model_of([helper.make_node("Swish", ["x"], ["y"])], {}, opset=24)
    assert "only since TensorRT 11" in parser_faults(swish, 10)[0]
    assert parser_faults(swish, 11) == []


def test_an_operator_inside_control_flow_is_found() -> None:
    branch = helper.make_graph(
        [helper.make_node("Det", ["x"], ["inner"])], "b", [], [helper.make_tensor_value_info("inner", FLOAT, None)]
    )
    node = helper.make_node("If", ["flag"], ["y"], then_branch=branch, else_branch=branch)
    model = model_of([node], {"flag": np.array(True)})
    assert "Det" in parser_faults(model)[0]
    with pytest.raises(GraphError, match="export without control flow"):
        float_graph(model)


@pytest.mark.parametrize("opset", [OPSETS[0] - 1, OPSETS[1] + 1])
def test_an_opset_outside_is_found(opset: int) -> None:
    assert "is outside 9 to 24" in parser_faults(model_of([helper.make_node("Relu", ["x"], ["y"])], {}, opset=opset))[0]


def test_operators_of_others_are_found() -> None:
    model = model_of([helper.make_node("Relu", ["x"], ["y"])], {}, domains=[helper.make_opsetid("com.microsoft", 1)])
    assert "need a plugin" in parser_faults(model)[0]


@pytest.mark.parametrize(
    ("node", "weights", "said"),
    [
        (helper.make_node("TopK", ["x", "k"], ["y", "i"], sorted=0), {"k": np.array([1])}, "sorted must be 1"),
        (helper.make_node("TopK", ["x", "k"], ["y", "i"]), {"k": np.array([4000])}, "under 3840"),
        (helper.make_node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2]), {}, "indices"),
        (helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], dilations=[2, 2]), {}, "dilations"),
        (helper.make_node("Resize", ["x", "", "s"], ["y"], mode="cubic"), {"s": np.ones(2, np.float32)}, "cubic"),
        (helper.make_node("Resize", ["x", "", "s"], ["y"], antialias=1), {"s": np.ones(2, np.float32)}, "antialias"),
        (helper.make_node("ReduceSum", ["x", "later"], ["y"]), {}, "axes must be known"),
        (
            helper.make_node("ScatterND", ["x", "i", "x"], ["y"], reduction="add"),
            {"i": np.zeros((1, 1), np.int64)},
            "none",
        ),
        (helper.make_node("LSTM", ["x", "w", "w"], ["y"], layout=1), {"w": random(1, 1, 1)}, "layout must be 0"),
        (helper.make_node("LayerNormalization", ["x", "w"], ["y", "mean"]), {"w": random(4)}, "first output"),
        (helper.make_node("QuantizeLinear", ["x", "s"], ["y"]), {"s": np.array(1, np.float32)}, "must be given"),
        (
            helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"]),
            {"s": np.array(1, np.float32), "z": np.array(3, np.int8)},
            "constant 0",
        ),
        (helper.make_node("And", ["x", "x"], ["y"]), {}, "takes FP32"),
    ],
    ids=lambda value: value.op_type if isinstance(value, onnx.NodeProto) else None,
)
def test_restrictions_are_found(node: onnx.NodeProto, weights: dict[str, np.ndarray], said: str) -> None:
    assert any(said in fault for fault in parser_faults(model_of([node], weights)))


def test_bytes_meet_a_cast_first() -> None:
    model = pixels_model()
    assert "Transpose planes: takes UINT8" in parser_faults(model)[0]
    early = early_casts(with_lifted_constants(model))
    assert parser_faults(early) == []
    assert early.graph.node[0].op_type == "Cast"
    np.testing.assert_array_equal(run(early, x=CROPS), run(model, x=CROPS))
    assert model.graph.node[0].op_type == "Transpose", "the caller's graph stays"


def test_arithmetic_on_bytes_is_refused() -> None:
    nodes = [
        helper.make_node("Max", ["x", "x"], ["m"], name="largest"),
        helper.make_node("Cast", ["m"], ["y"], to=FLOAT),
    ]
    with pytest.raises(GraphError, match="Max largest works on bytes"):
        early_casts(model_of(nodes, {}, source=(UINT8, ["batch", 4])))


def test_half_computes_the_same_and_keeps_the_border() -> None:
    plain = float_graph(pixels_model())
    half = half_from_float(plain)
    np.testing.assert_allclose(run(half, x=CROPS), run(plain, x=CROPS), atol=5e-3)
    assert [value.type.tensor_type.elem_type for value in (*half.graph.input, *half.graph.output)] == [UINT8, FLOAT]
    kinds = {tensor.name: tensor.data_type for tensor in half.graph.initializer}
    assert {name: kind for name, kind in kinds.items() if kind != HALF} == {"epsilon": FLOAT}
    assert parser_faults(half) == []


def test_what_half_cannot_hold_stays_in_float() -> None:
    nodes = [
        helper.make_node("Add", ["x", "huge"], ["far"], name="far"),
        helper.make_node("Sub", ["far", "huge"], ["y"], name="back"),
    ]
    plain = model_of(nodes, {"huge": np.array(70000.0, np.float32)})
    half = half_from_float(plain)
    assert {tensor.data_type for tensor in half.graph.initializer} == {FLOAT}
    x = random(2, 4)
    np.testing.assert_allclose(run(half, x=x), run(plain, x=x))


def test_a_node_can_be_kept_in_float() -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")]
    plain = model_of(nodes, {"w": random(4, 4)})
    assert half_from_float(plain).graph.initializer[0].data_type == HALF
    assert half_from_float(plain, frozenset({"product"})).graph.initializer[0].data_type == FLOAT


def test_small_constants_and_weights_are_told_apart() -> None:
    assert fits_half(np.zeros(3, np.float32))
    assert not fits_half(np.array(1e-12, np.float32))
    assert fits_half(np.full(64, 1e-12, np.float32))
    assert not fits_half(np.full(64, 1e6, np.float32))
    assert fits_half(np.array(-np.inf, np.float32))


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.FP8])
def test_eight_bits_stay_close_and_symmetric(precision: Precision) -> None:
    plain = float_graph(pixels_model())
    ranges = ranges_from_samples(plain, quantised_tensors(plain).values(), {"x": CROPS})
    eight = tensorrt_from_onnx(pixels_model(), precision, ranges)
    assert parser_faults(eight) == []
    pairs = [node for node in eight.graph.node if node.op_type == "QuantizeLinear"]
    # The product between the first and the last: its input and its weight.
    assert [node.input[0].split(".")[0] for node in pairs] == ["flat", "weights"]
    kind = TensorProto.INT8 if precision is Precision.INT8 else TensorProto.FLOAT8E4M3FN
    zeros = [tensor for tensor in eight.graph.initializer if tensor.data_type == kind]
    assert len(zeros) == 2
    assert not any(numpy_helper.to_array(tensor).astype(np.float32).any() for tensor in zeros)
    difference = np.abs(run(eight, x=CROPS) - run(plain, x=CROPS)).max()
    assert 0.0 < difference < 0.1 * np.abs(run(plain, x=CROPS)).max()


def test_weights_have_a_scale_for_each_channel() -> None:
    weight = random(4, 4) * np.array([100.0, 1.0, 0.01, 1.0], np.float32)
    plain = model_of([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": weight})
    ranges = {"x": Range(-4.0, 4.0)}
    x = np.clip(random(32, 4), -4, 4)
    for storage in (Storage.INT8, Storage.BYTES):
        eight = quantised_from_float(plain, ranges, storage)
        error = np.abs(run(eight, x=x) - run(plain, x=x)).max(axis=0)
        # A channel of small weights keeps its own steps: half of one of the input and of its own weights each.
        steps = (
            4.0 / 127 / 2 * np.abs(weight).sum(axis=0) + np.abs(weight).max(axis=0) / 254 * np.abs(x).sum(axis=1).max()
        )
        assert (error <= steps + 1e-4).all()


def test_bytes_are_small_and_spend_no_bit_on_a_sign() -> None:
    plain = model_of([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": random(4, 4)})
    eight = quantised_from_float(plain, {"x": Range(0.0, 2.0)}, Storage.BYTES)
    kinds = {tensor.name: tensor.data_type for tensor in eight.graph.initializer}
    assert kinds["x.zero"] == TensorProto.UINT8
    assert kinds["w.axis1.int8"] == TensorProto.INT8
    assert "w" not in kinds
    x = np.linspace(0.0, 2.0, 4, dtype=np.float32)[None]
    np.testing.assert_allclose(run(eight, x=x), run(plain, x=x), atol=0.05)


def test_ranges_are_those_of_the_values() -> None:
    plain = model_of([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": random(4, 4)})
    samples = {"x": np.concatenate([np.full((16, 4), -3.0), np.full((20, 4), 5.0)]).astype(np.float32)}
    assert ranges_from_samples(plain, ["x"], samples, clipped=0.0) == {"x": Range(-3.0, 5.0)}
    samples["x"][0, 0] = -1000.0
    clipped = ranges_from_samples(plain, ["x", "y"], samples, clipped=0.1)
    assert clipped["x"] == Range(-3.0, 5.0)
    assert clipped["y"].low <= 0.0 <= clipped["y"].high
    with pytest.raises(GraphError, match="no samples"):
        ranges_from_samples(plain, ["x"], {"x": samples["x"][:0]})


def test_a_missing_range_is_told() -> None:
    plain = model_of([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": random(4, 4)})
    with pytest.raises(GraphError, match="no range for x"):
        quantised_from_float(plain, {}, Storage.INT8)
    with pytest.raises(GraphError, match="needs the ranges"):
        tensorrt_from_onnx(plain, Precision.FP8)


def test_first_and_last_products() -> None:
    assert first_and_last({"a": "x", "b": "a", "c": "b"}) == {"a", "c"}
    assert first_and_last({}) == frozenset()
    only = model_of([helper.make_node("MatMul", ["x", "x2"], ["y"])], {})
    assert quantised_tensors(only) == {}


def test_interfaces_that_differ_are_told() -> None:
    spec = Pack.load(ROOT / "packs" / "demo").model("face_encoder")
    model = onnx.load(str(ROOT / "packs" / "demo" / spec.file))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    model.graph.output[0].type.tensor_type.elem_type = HALF
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 3
    said = "; ".join(interface_faults(model, spec))
    for part in ("fixed batch of 2", "declares FP32", r"sizes [3] behind the batch"):
        assert part in said
    model.graph.input[0].name = "picture"
    assert "['picture'], the spec declares ['crop']" in "; ".join(interface_faults(model, spec))
