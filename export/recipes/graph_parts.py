"""Nodes in front of and behind a user's ONNX graph, in operators that mean the same from opset 11 on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, compose, helper, numpy_helper

from export.graphs import all_nodes, copied, refuse_subgraphs
from export.recipes.errors import RecipeError
from export.samples import AnyArray

LEAST_OPSET = 11
PUBLIC = "public_"


def read_graph(path: Path) -> onnx.ModelProto:
    """Read an ONNX file and check it.

    Raises:
        RecipeError: If there is none, it is no valid ONNX, or its operators are older than opset 11.
    """
    if not path.is_file():
        raise RecipeError(f"no file at {path}: give the ONNX graph")
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        raise RecipeError(f"{path} is no valid ONNX graph: {error}") from error
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if opset < LEAST_OPSET:
        raise RecipeError(f"{path} is of opset {opset}, expected at least {LEAST_OPSET}: export it again")
    return model


def session(model: onnx.ModelProto) -> Any:
    """The graph in ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with whatever is known beforehand worked out, such as which branch is taken; by ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with TemporaryDirectory() as directory:
        path = Path(directory) / "folded.onnx"
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        result = onnx.load(str(path))
    # It lists every set of operators that it knows.
    used = {node.domain for node in all_nodes(result.graph)} | {""}
    replace_all(result.opset_import, [entry for entry in result.opset_import if entry.domain in used])
    return result


def set_apart(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy in which no name can meet one of ours: each begins with `public_`.

    Raises:
        export.graphs.GraphError: If the graph has branches, into which renaming does not reach.
    """
    refuse_subgraphs(model, "put pixels in front of the graph")
    return compose.add_prefix(model, PUBLIC)


def pixels_before(model: onnx.ModelProto, name: str, side: int, *, mean: float, scale: float) -> onnx.ModelProto:
    """Put bytes [B, side, side, 3] called `image` in front of an input [B, 3, side, side] of (pixel - mean) * scale."""
    result = copied(model)
    graph = result.graph
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", side, side, 3])
    graph.initializer.extend([constant("pixel_mean", np.float32(mean)), constant("pixel_scale", np.float32(scale))])
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels_float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels_float"], ["pixels_first"], perm=[0, 3, 1, 2]),
        helper.make_node("Sub", ["pixels_first", "pixel_mean"], ["pixels_centred"]),
        helper.make_node("Mul", ["pixels_centred", "pixel_scale"], [name]),
    ]
    kept = [value for value in graph.input if value.name != name]
    replace_all(graph.input, [image, *kept])
    replace_all(graph.node, [*nodes, *graph.node])
    return result


def behind(
    model: onnx.ModelProto,
    outputs: Mapping[str, Sequence[str]],
    *,
    multipliers: AnyArray,
    centres: AnyArray,
    proposals: int,
) -> onnx.ModelProto:
    """Put `boxes`, `scores` and `points` of the best proposals behind scores, distances and points of anchors.

    Args:
        model: The graph.
        outputs: Names of its `scores`, `distances` and `points`, level by level.
        multipliers: [N, 1], what distances and points of an anchor are multiplied by.
        centres: [N, 2], (x, y) of the anchors.
        proposals: How many leave the graph.
    """
    result = copied(model)
    graph = result.graph
    signs = np.array([-1.0, -1.0, 1.0, 1.0], np.float32)
    graph.initializer.extend(
        [
            constant("one_row_wide_4", np.array([-1, len(centres), 4])),
            constant("one_row_wide_10", np.array([-1, len(centres), 10])),
            constant("one_row", np.array([-1, len(centres)])),
            constant("column", np.array([-1, proposals, 1])),
            constant("wide_4", np.array([1, 1, 4])),
            constant("wide_10", np.array([1, 1, 10])),
            constant("proposals", np.array([proposals])),
            constant("nothing", np.float32(0.0)),
            constant("box_steps", multipliers * signs),
            constant("box_origins", np.tile(centres, 2)),
            constant("point_steps", np.tile(multipliers, 10)),
            constant("point_origins", np.tile(centres, 5)),
        ]
    )
    nodes = [*_joined("scores", outputs["scores"]), *_joined("distances", outputs["distances"])]
    nodes += [*_joined("points", outputs["points"]), *_best(), *_placed("boxes", "distances", "box", 4)]
    nodes += _placed("points", "points", "point", 10)
    graph.node.extend(nodes)
    made = [("boxes", 4), ("scores", 3), ("points", 10)]
    replace_all(
        graph.output,
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", proposals, width]) for name, width in made],
    )
    onnx.checker.check_model(result)
    return result


def _joined(word: str, names: Sequence[str]) -> list[onnx.NodeProto]:
    """Levels one after the other, along the last axis but one: graphs without a batch axis join just as well."""
    return [helper.make_node("Concat", list(names), [f"all_{word}"], axis=-2)]


def _best() -> list[onnx.NodeProto]:
    return [
        helper.make_node("Reshape", ["all_scores", "one_row"], ["score_rows"]),
        helper.make_node("TopK", ["score_rows", "proposals"], ["best_scores", "best_rows"], axis=1),
        helper.make_node("Reshape", ["best_rows", "column"], ["best_column"]),
        helper.make_node("Reshape", ["best_scores", "column"], ["face_scores"]),
        # Heads and persons have columns too, as every detector of ours has them.
        helper.make_node("Mul", ["face_scores", "nothing"], ["no_scores"]),
        helper.make_node("Concat", ["face_scores", "no_scores", "no_scores"], ["scores"], axis=2),
    ]


def _placed(name: str, word: str, kind: str, width: int) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Reshape", [f"all_{word}", f"one_row_wide_{width}"], [f"{kind}_rows"]),
        helper.make_node("Mul", [f"{kind}_rows", f"{kind}_steps"], [f"{kind}_scaled"]),
        helper.make_node("Add", [f"{kind}_scaled", f"{kind}_origins"], [f"{kind}_pixels"]),
        helper.make_node("Expand", ["best_column", f"wide_{width}"], [f"{kind}_index"]),
        helper.make_node("GatherElements", [f"{kind}_pixels", f"{kind}_index"], [name], axis=1),
    ]


def constant(name: str, value: Any) -> TensorProto:
    """An initializer: whole numbers as int64, others as float32."""
    array = np.asarray(value)
    return numpy_helper.from_array(array.astype(np.int64 if array.dtype.kind == "i" else np.float32), name)


def replace_all(field: Any, values: Sequence[Any]) -> None:
    """Put these values in place of a graph's; they may be its own."""
    copies = [type(value).FromString(value.SerializeToString()) for value in values]
    del field[:]
    field.extend(copies)
