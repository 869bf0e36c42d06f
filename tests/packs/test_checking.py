"""`pack verify`: each fault is found, alone and beside others, and said in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from packs.checking import faults_of
from packs.manifest import MANIFEST_FILE, Pack, file_sha256, write_manifest
from packs.testing import write_tiny_pack

DEMO = Path(__file__).resolve().parents[2] / "packs" / "demo"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tiny_pack(tmp_path)
    return tmp_path


def edited(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / MANIFEST_FILE
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def face_of(content: dict[str, Any]) -> dict[str, Any]:
    return next(model for model in content["models"] if model["name"] == "face_encoder")


def put_graph(folder: Path, source: tuple[str, int, list[Any]], output: tuple[str, int, list[Any]]) -> None:
    """A face encoder of another shape, with its right digest in the manifest."""
    graph = helper.make_graph(
        [
            helper.make_node("Cast", [source[0]], ["floats"], to=output[1]),
            helper.make_node("ReduceMean", ["floats"], ["mean"], axes=[1, 2], keepdims=0),
            helper.make_node("Identity", ["mean"], [output[0]]),
        ],
        "g",
        [helper.make_tensor_value_info(*source)],
        [helper.make_tensor_value_info(*output)],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, folder / "face_encoder.onnx")
    edited(folder, lambda content: face_of(content).update(sha256=file_sha256(folder / "face_encoder.onnx")))


def test_sound_packs_have_no_faults(folder: Path) -> None:
    assert faults_of(folder) == []
    assert faults_of(DEMO) == []


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    assert faults_of(tmp_path) == ["pack.json is absent: give a pack's folder"]


def test_every_fault_of_a_manifest_is_a_line(folder: Path) -> None:
    def spoil(content: dict[str, Any]) -> None:
        content["surprise"] = 1
        content["name"] = "Not A Name"
        face_of(content)["max_batch"] = 0

    edited(folder, spoil)
    faults = faults_of(folder)
    assert len(faults) == 3
    assert any("surprise: Extra inputs" in fault for fault in faults)
    assert any("name: String should match" in fault and "Not A Name" in fault for fault in faults)
    assert any("models.1.max_batch" in fault for fault in faults)


def test_no_json_is_a_line(folder: Path) -> None:
    (folder / MANIFEST_FILE).write_text("{")
    (fault,) = faults_of(folder)
    assert "Invalid JSON" in fault


def test_absent_changed_and_unreadable_files_are_all_named(folder: Path) -> None:
    (folder / "voice_encoder.onnx").unlink()
    (folder / "body_encoder.onnx").write_bytes(b"no graph at all")
    faults = faults_of(folder)
    assert "voice_encoder: voice_encoder.onnx is absent" in faults
    assert any(fault.startswith("body_encoder: body_encoder.onnx has SHA-256") for fault in faults)
    assert any("no ONNX graph that can be read" in fault for fault in faults)
    assert len(faults) == 3


@pytest.mark.parametrize(
    ("source", "output", "said"),
    [
        (
            ("picture", TensorProto.UINT8, ["n", 8, 8, 3]),
            ("embedding", TensorProto.FLOAT, ["n", 3]),
            ["no input 'crop'; its inputs are picture", "the input picture, which pack.json does not declare"],
        ),
        (
            ("crop", TensorProto.FLOAT, ["n", 8, 8, 3]),
            ("embedding", TensorProto.FLOAT, ["n", 3]),
            ["input 'crop' is of type f32, expected u8 (UINT8)"],
        ),
        (
            ("crop", TensorProto.UINT8, [1, 8, 8, 3]),
            ("embedding", TensorProto.FLOAT, [1, 3]),
            ["input 'crop' has the shape [1, 8, 8, 3], expected a dynamic batch", "output 'embedding' has the shape"],
        ),
        (
            ("crop", TensorProto.UINT8, ["n", 9, 8, 3]),
            ("embedding", TensorProto.FLOAT, ["n", 3]),
            ["input 'crop' has the shape [?, 9, 8, 3], expected [?, 8, 8, 3]"],
        ),
        (
            ("crop", TensorProto.UINT8, ["n", 8, 8, 3]),
            ("embedding", TensorProto.FLOAT16, ["n", 3]),
            ["output 'embedding' is of type f16, expected f32 (FP32)"],
        ),
    ],
    ids=["name", "input type", "batch", "shape", "output type"],
)
def test_a_graph_that_is_not_what_was_declared(folder: Path, source: Any, output: Any, said: list[str]) -> None:
    put_graph(folder, source, output)
    faults = faults_of(folder)
    for words in said:
        assert any(words in fault for fault in faults), faults
    # The embedding has 3 numbers instead of 4 as well, unless its batch already is wrong.
    assert any("expected [?, 4]" in fault or "dynamic batch" in fault for fault in faults)


def test_a_licence_is_told_and_changes_no_digest(folder: Path) -> None:
    before = Pack.load(folder)
    assert before.manifest.licence == ""
    write_manifest(folder, before.manifest.model_copy(update={"licence": "MIT"}))
    after = Pack.load(folder)
    assert after.manifest.licence == "MIT"
    assert after.digest == before.digest


def test_a_vocabulary_is_looked_at_too(tmp_path: Path) -> None:
    write_tiny_pack(tmp_path, text=True)
    assert faults_of(tmp_path) == []
    graphs = {spec.file for spec in Pack.load(tmp_path).manifest.models}
    (vocabulary,) = set(Pack.load(tmp_path).files) - graphs
    content = (tmp_path / vocabulary).read_bytes()
    (tmp_path / vocabulary).write_bytes(content + b" ")
    (changed,) = faults_of(tmp_path)
    assert changed.startswith(f"{vocabulary} has SHA-256 ")
    (tmp_path / vocabulary).unlink()
    assert faults_of(tmp_path) == [f"{vocabulary} is absent"]
