"""Recipes that take an ONNX graph: SCRFD and Silero, by graphs of the known names, shapes and layouts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from public import pictures

from export.__main__ import main
from export.recipes.errors import RecipeError
from export.recipes.scrfd import layout_of, served
from export.recipes.scrfd_reference import decoded
from export.recipes.silero import check
from export.tensorrt_check import interface_faults
from packs.alignment import PLACES, align_face
from packs.detections import DetectionClass, decode
from packs.landmarks import decode_faces
from packs.manifest import Pack
from packs.preprocessing import letterbox

SIDE, STRIDES, KINDS = 640, (8, 16, 32), ((1, "score"), (4, "distance"), (10, "point"))


def initial(name: str, values: object) -> TensorProto:
    array = np.asarray(values)
    return numpy_helper.from_array(array.astype(np.int64 if array.dtype.kind == "i" else np.float32), name)


def built(
    nodes: list[onnx.NodeProto],
    initializers: Sequence[TensorProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "g", list(inputs), list(outputs), list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def floats(name: str, shape: Sequence[int | str | None]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def scrfd(*, batched: bool, sigmoid: bool = True, kinds: Sequence[tuple[int, str]] = KINDS) -> onnx.ModelProto:
    """A graph that looks at every cell with random weights; outputs are numbered, as exporters do, and out of order."""
    rng = np.random.default_rng(1)
    nodes, initializers, outputs = [], [], []
    for number, (width, kind) in enumerate(kinds):
        for level, stride in enumerate(STRIDES):
            name, rows = str(448 + 3 * number + 23 * level), 2 * (SIDE // stride) ** 2
            weights = rng.normal(0.0, 1.0, (2 * width, 3, stride, stride)) / stride
            shape = [-1, rows, width] if batched else [-1, width]
            initializers += [initial(f"w{name}", weights), initial(f"s{name}", np.array(shape))]
            last = f"r{name}" if kind == "score" and sigmoid else name
            nodes += [
                helper.make_node("Conv", ["input.1", f"w{name}"], [f"c{name}"], strides=[stride, stride]),
                helper.make_node("Transpose", [f"c{name}"], [f"t{name}"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"t{name}", f"s{name}"], [last]),
            ]
            if last != name:
                nodes.append(helper.make_node("Sigmoid", [last], [name]))
            outputs.append(floats(name, [None, rows, width] if batched else [rows, width]))
    image = floats("input.1", ["batch" if batched else 1, 3, None, None])
    return built(nodes, initializers, [image], outputs)


def fixed(parts: dict[str, list[np.ndarray]]) -> onnx.ModelProto:
    """A graph that sees these scores, distances and points in every picture."""
    nodes = [
        helper.make_node("ReduceMean", ["input.1"], ["mean"], axes=[0, 1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
    ]
    initializers, outputs = [initial("zero", 0.0)], []
    for kind, levels in parts.items():
        for level, values in enumerate(levels):
            name = f"{kind}{level}"
            initializers.append(initial(f"v{name}", values))
            nodes.append(helper.make_node("Add", [f"v{name}", "nothing"], [name]))
            outputs.append(floats(name, values.shape))
    return built(nodes, initializers, [floats("input.1", [1, 3, None, None])], outputs)


def empty() -> dict[str, list[np.ndarray]]:
    rows = [2 * (SIDE // stride) ** 2 for stride in STRIDES]
    return {kind: [np.zeros((n, width), np.float32) for n in rows] for width, kind in KINDS}


def run(model: onnx.ModelProto, image: np.ndarray) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = ["boxes", "scores", "points"]
    return dict(zip(names, session.run(names, {"image": image}), strict=True))


@pytest.mark.parametrize("batched", [False, True], ids=["one-by-one", "batched"])
def test_the_command_takes_a_graph_of_scrfd(tmp_path: Path, batched: bool) -> None:
    onnx.save(scrfd(batched=batched), str(tmp_path / "det_10g.onnx"))
    np.savez(tmp_path / "samples.npz", person_detector=pictures(2, SIDE, SIDE))
    words = ["recipe", "build", "scrfd", tmp_path / "det_10g.onnx", "--out", tmp_path / "pack"]
    assert main([str(word) for word in [*words, "--samples", tmp_path / "samples.npz"]]) == 0
    pack = Pack.load(tmp_path / "pack")
    pack.verify()
    spec = pack.model("person_detector")
    assert spec.max_batch == (8 if batched else 1)
    assert interface_faults(onnx.load(str(pack.file_of(spec))), spec) == []
    assert pack.manifest.detection is not None
    assert pack.manifest.detection.thresholds[0] == 0.5
    record = json.loads((tmp_path / "pack" / "person_detector.recipe.json").read_text())
    exact = [row for row in record["parity"] if row["runtime"].endswith("f32")]
    assert {row["batch"] for row in exact} == ({1, 3} if batched else {1})
    assert all(row["compared"] > 100 and row["worst_absolute"] < 0.01 for row in exact)


def test_anchors_are_where_the_authors_have_them() -> None:
    parts = empty()
    # Second anchor of the cell in column 10, row 5, at a stride of 16.
    row = 2 * (5 * (SIDE // 16) + 10) + 1
    parts["score"][1][row] = 0.9
    parts["distance"][1][row] = (1.0, 2.0, 3.0, 4.0)
    parts["point"][1][row] = (-0.5, 0.25, 0.5, 0.25, 0.0, 1.0, -0.5, 2.0, 0.5, 2.0)
    model = fixed(parts)
    found = run(served(model, layout_of(model)), np.zeros((1, SIDE, SIDE, 3), np.uint8))
    np.testing.assert_allclose(found["scores"][0, 0], [0.9, 0.0, 0.0])
    np.testing.assert_allclose(found["boxes"][0, 0], [160 - 16, 80 - 32, 160 + 48, 80 + 64])
    wanted = [(152, 84), (168, 84), (160, 96), (152, 112), (168, 112)]
    np.testing.assert_allclose(found["points"][0, 0].reshape(5, 2), wanted)
    same = decoded({"scores": parts["score"], "distances": parts["distance"], "points": parts["point"]})
    np.testing.assert_allclose(same["boxes"][0], found["boxes"][0, 0])
    np.testing.assert_allclose(same["points"][0], found["points"][0, 0])


def test_from_a_picture_to_an_upright_face() -> None:
    """A face turned on its side: the graph proposes it twice, one proposal goes, its points set it upright."""
    image = np.zeros((320, 320, 3), np.uint8)
    # The places of ArcFace, a quarter turn on, in a picture half as large as the network's.
    points = np.stack([250.0 - PLACES[:, 1], 60.0 + PLACES[:, 0]], axis=1)
    for x, y in points:
        image[round(y) - 3 : round(y) + 4, round(x) - 3 : round(x) + 4] = 255
    fitted = letterbox(image, SIDE, SIDE)
    parts = empty()
    for stride, level, score, shift in ((32, 2, 0.95, 0.0), (32, 2, 0.6, 6.0), (8, 0, 0.3, 0.0)):
        cell = int(200 * 2 // stride)
        anchor = np.array([cell, cell]) * stride
        row = 2 * (cell * (SIDE // stride) + cell) + (score == 0.6)
        box = np.array([130.0, 80.0, 240.0, 190.0]) * 2.0 + shift
        parts["score"][level][row] = score
        parts["distance"][level][row] = np.concatenate([anchor - box[:2], box[2:] - anchor]) / stride
        parts["point"][level][row] = ((points * 2.0 - anchor) / stride).ravel()
    model = fixed(parts)
    found = run(served(model, layout_of(model)), fitted.canvas[None])
    faces = decode_faces(found["boxes"][0], found["scores"][0], found["points"][0], fitted, 0.5, 0.4)
    assert len(faces) == 1
    np.testing.assert_allclose(faces.boxes[0], [130, 80, 240, 190], atol=1e-3)
    np.testing.assert_allclose(faces.points[0], points, atol=1e-3)
    # The detector is also one of ours: the pipeline's own decoding finds the same face, and no head and no person.
    ours = decode(found["boxes"][0], found["scores"][0], fitted, (0.5, 1.0, 1.0), 0.4)
    assert ours.classes.tolist() == [DetectionClass.FACE]
    np.testing.assert_allclose(ours.boxes, faces.boxes)
    crop = align_face(image, faces.points[0])
    for x, y in PLACES:
        assert crop[round(y), round(x)].min() > 200


def test_other_graphs_are_no_scrfd() -> None:
    with pytest.raises(RecipeError, match="scores, boxes and points at three strides are not all there"):
        layout_of(scrfd(batched=True, kinds=KINDS[:2]))
    with pytest.raises(RecipeError, match="the scores are no probabilities"):
        layout_of(fixed(empty() | {"score": [values - 3.0 for values in empty()["score"]]}))
    with pytest.raises(RecipeError, match=r"output .* is none of SCRFD's: at 640x640 it gives .*expected 9 outputs"):
        layout_of(scrfd(batched=False, kinds=((7, "score"),)))
    with pytest.raises(RecipeError, match="one input"):
        layout_of(silero())


def silero(*, state: str = "state", window: int = 576) -> onnx.ModelProto:
    """A graph with Silero's names: half of it for each rate, chosen by `sr`."""

    def half(gain: float, mark: str) -> onnx.GraphProto:
        nodes = [
            helper.make_node("Mul", ["input", f"window{mark}"], [f"weighed{mark}"]),
            helper.make_node("ReduceMean", [f"weighed{mark}"], [f"mean{mark}"], axes=[1], keepdims=1),
            helper.make_node("Sigmoid", [f"mean{mark}"], [f"speech{mark}"]),
            helper.make_node("Add", [state, f"mean{mark}"], [f"sum{mark}"]),
            helper.make_node("Tanh", [f"sum{mark}"], [f"next{mark}"]),
        ]
        outputs = [floats(f"speech{mark}", [None, 1]), floats(f"next{mark}", [2, None, 128])]
        wave = gain * np.cos(np.arange(window) * 0.1)
        return helper.make_graph(nodes, mark, [], outputs, [initial(f"window{mark}", wave[None])])

    nodes = [
        helper.make_node("Equal", ["sr", "rate"], ["wide"]),
        helper.make_node("If", ["wide"], ["output", "stateN"], then_branch=half(30.0, "a"), else_branch=half(5.0, "b")),
    ]
    inputs = [
        floats("input", [None, None]),
        floats(state, [2, None, 128]),
        helper.make_tensor_value_info("sr", TensorProto.INT64, []),
    ]
    outputs = [floats("output", [None, 1]), floats("stateN", [None, None, None])]
    return built(nodes, [initial("rate", 16_000)], inputs, outputs)


def test_the_command_takes_a_graph_of_silero(tmp_path: Path) -> None:
    onnx.save(silero(), str(tmp_path / "silero_vad.onnx"))
    words = ["recipe", "build", "silero", str(tmp_path / "silero_vad.onnx"), "--out", str(tmp_path / "pack")]
    assert main(words) == 0
    pack = Pack.load(tmp_path / "pack")
    spec = pack.model("voice_activity")
    model = onnx.load(str(pack.file_of(spec)))
    assert interface_faults(model, spec) == []
    # Only the half for 16 kHz is left.
    assert "If" not in {node.op_type for node in model.graph.node}
    sound = np.cos(np.arange(576) * 0.1)[None].repeat(2, axis=0).astype(np.float32)
    state = np.zeros((2, 2, 128), np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    speech, following = session.run(["speech", "next_state"], {"sound": sound, "previous_state": state})
    loudness = 30.0 * float(np.square(np.cos(np.arange(576) * 0.1)).mean())
    np.testing.assert_allclose(speech, np.full((2, 1), 1.0 / (1.0 + np.exp(-loudness))), rtol=1e-5)
    np.testing.assert_allclose(following, np.tanh(np.full((2, 2, 128), loudness)), rtol=1e-5)


def test_other_graphs_are_no_silero(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"takes \['h', 'input', 'sr'\].*those before keep their state in h and c"):
        check(silero(state="h"))
    with pytest.raises(RecipeError, match=r"does not take input \[B, 576\]"):
        check(silero(window=512))
    with pytest.raises(RecipeError, match=r"takes \['input\.1'\]"):
        check(scrfd(batched=True))


def test_files_that_are_no_graph_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.onnx").write_bytes(b"nothing of the kind")
    for name, told in (("a.onnx", "no valid ONNX graph"), ("b.onnx", "no file at")):
        assert main(["recipe", "build", "silero", str(tmp_path / name), "--out", str(tmp_path / "pack")]) == 2
        assert told in capsys.readouterr().err
    old = built([], [], [floats("x", [1])], [floats("x", [1])])
    old.opset_import[0].version = 9
    onnx.save(old, str(tmp_path / "old.onnx"))
    assert main(["recipe", "build", "silero", str(tmp_path / "old.onnx"), "--out", str(tmp_path / "pack")]) == 2
    assert "is of opset 9, expected at least 11" in capsys.readouterr().err
