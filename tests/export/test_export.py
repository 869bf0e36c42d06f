import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import models
from export.__main__ import main
from export.half import store_half
from export.onnx_from_module import fold_linear_norms, onnx_from_module
from export.pack import ParityError, noise, write_pack
from export.parity import compare
from export.samples import noise_of
from export.specs import demo_specs, served_graph
from export.tensorrt_check import interface_faults
from models.checkpoints import PRESETS, Checkpoint, write_checkpoint
from packs.calibration import Calibration
from packs.engine import Engine
from packs.manifest import HearingSettings, Pack, SpeakingSettings, write_manifest
from packs.spec import Modality, ModelSpec, TensorSpec


def lively(network: nn.Module) -> nn.Module:
    """Give a fresh network norms that do something, so that folding them is put to the test."""
    generator = torch.Generator().manual_seed(1)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.2, 0.2, generator=generator)
            layer.running_var.uniform_(0.5, 1.5, generator=generator)
    return network.eval()


def linear_model(weight: np.ndarray) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", weight.shape[0]])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", weight.shape[1]])
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "linear", [x], [y], [numpy_helper.from_array(weight, "w")]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def test_large_weights_are_stored_in_half_and_widened() -> None:
    weight = np.random.default_rng(0).normal(size=(16, 8)).astype(np.float32)
    before = linear_model(weight)
    after = store_half(before)
    onnx.checker.check_model(after, full_check=True)
    assert [node.op_type for node in after.graph.node] == ["Cast", "MatMul"]
    stored = numpy_helper.to_array(after.graph.initializer[0])
    assert stored.dtype == np.float16
    np.testing.assert_allclose(stored, weight, rtol=1e-3)
    assert numpy_helper.to_array(before.graph.initializer[0]).dtype == np.float32


def test_small_weights_stay() -> None:
    assert len(store_half(linear_model(np.ones((4, 4), np.float32))).graph.node) == 1


def test_a_weight_beyond_half_is_refused() -> None:
    with pytest.raises(ValueError, match="reaches 70000"):
        store_half(linear_model(np.full((16, 8), 70000.0, np.float32)))


def test_folding_changes_nothing_but_the_layers() -> None:
    module = lively(nn.Sequential(nn.Linear(6, 4, bias=False), nn.BatchNorm1d(4)))
    folded = fold_linear_norms(module)
    x = torch.randn(3, 6)
    torch.testing.assert_close(folded(x), module(x))
    assert not any(isinstance(layer, nn.BatchNorm1d) for layer in folded.modules())
    assert isinstance(module[1], nn.BatchNorm1d)


def test_an_example_of_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="batch of 1"):
        onnx_from_module(nn.Identity().eval(), torch.zeros(1, 2), inputs=["x"], outputs=["y"], path=tmp_path / "m.onnx")


def test_a_training_module_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="training mode"):
        onnx_from_module(nn.Dropout(), torch.zeros(2, 2), inputs=["x"], outputs=["y"], path=tmp_path / "m.onnx")


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    torch.manual_seed(2)
    networks = {name: lively(build()) for name, build in PRESETS.items()}
    write_pack(folder, networks, {}, version="9.9.9")
    return folder


def test_a_written_pack_is_whole(pack: Path) -> None:
    loaded = Pack.load(pack)
    loaded.verify()
    assert loaded.modalities == (Modality.FACE, Modality.HEAD, Modality.BODY, Modality.VOICE)
    assert loaded.manifest.speaking == SpeakingSettings(model="active_speaker")
    assert loaded.manifest.hearing == HearingSettings(model="voice_activity", threshold=0.5)
    assert set(loaded.calibration) == set(loaded.modalities)
    assert set(loaded.models) == set(demo_specs())
    assert sorted(path.name for path in pack.iterdir()) == [
        "active_speaker.onnx",
        "body_encoder.onnx",
        "face_encoder.onnx",
        "head_encoder.onnx",
        "pack.json",
        "person_detector.onnx",
        "voice_activity.onnx",
        "voice_encoder.onnx",
    ]


@pytest.mark.parametrize("name", list(demo_specs()))
def test_files_have_the_declared_tensors_and_a_free_batch(pack: Path, name: str) -> None:
    spec = Pack.load(pack).model(name)
    graph = onnx.load(str(pack / spec.file)).graph
    kinds = {"UINT8": TensorProto.UINT8, "FP32": TensorProto.FLOAT}
    for declared, found in zip((*spec.inputs, *spec.outputs), (*graph.input, *graph.output), strict=True):
        sizes = found.type.tensor_type.shape.dim
        assert found.name == declared.name
        assert found.type.tensor_type.elem_type == kinds[declared.dtype]
        assert sizes[0].dim_param == "batch"
        assert tuple(size.dim_value for size in sizes[1:]) == declared.shape
    stored = {tensor.data_type for tensor in graph.initializer if np.prod(tensor.dims) >= 64}
    assert stored <= {TensorProto.FLOAT16, TensorProto.INT64}
    engine = Engine(pack / spec.file, threads=1)
    assert engine.output_names == tuple(tensor.name for tensor in spec.outputs)


def test_activity_is_served_as_probabilities(pack: Path) -> None:
    spec = Pack.load(pack).model("voice_activity")
    windows = noise(spec, rows=3)
    answer = Engine(pack / spec.file, threads=1, precision="f32").run({"windows": windows})["speech"]
    assert answer.shape == (3, 128)
    assert ((answer > 0.0) & (answer < 1.0)).all()
    # What a window gets does not depend on its neighbours in the batch.
    alone = Engine(pack / spec.file, threads=1, precision="f32").run({"windows": windows[1:2]})["speech"]
    np.testing.assert_allclose(alone[0], answer[1], atol=1e-5)


def test_a_pack_that_could_not_hear_keeps_what_was_measured(pack: Path, tmp_path: Path) -> None:
    for file in pack.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    full = Pack.load(pack).manifest
    line = {Modality.FACE: Calibration(slope=7.0, intercept=-2.0)}
    deaf = {"models": full.models[:3], "hearing": None, "speaking": None, "calibration": line}
    write_manifest(tmp_path, full.model_copy(update=deaf))
    torch.manual_seed(6)
    networks = {name: lively(PRESETS[name]()) for name in ("voice_encoder", "voice_activity")}
    write_pack(tmp_path, networks, {}, version="10.0.0")
    again = Pack.load(tmp_path)
    again.verify()
    assert again.calibration == line | {Modality.VOICE: Calibration(slope=10.0, intercept=-5.0)}
    assert again.manifest.hearing == HearingSettings(model="voice_activity", threshold=0.5)


def test_a_new_export_keeps_what_was_measured(pack: Path, tmp_path: Path) -> None:
    loaded = Pack.load(pack)
    line = {Modality.FACE: Calibration(slope=7.0, intercept=-2.0)}
    manifest = loaded.manifest.model_copy(update={"calibration": line})
    for file in pack.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    write_manifest(tmp_path, manifest)
    torch.manual_seed(5)
    write_pack(tmp_path, {"face_encoder": lively(models.face_encoder())}, {}, version="10.0.0")
    again = Pack.load(tmp_path)
    again.verify()
    assert again.calibration == line
    assert again.version == "10.0.0"
    assert again.digest != loaded.digest


def test_another_network_is_noticed(pack: Path) -> None:
    spec = demo_specs()["face_encoder"]
    torch.manual_seed(99)
    stranger = served_graph("face_encoder", models.face_encoder())
    figures = compare(stranger, spec, pack / spec.file, noise(spec))
    assert not any(figure.within for figure in figures)


def test_a_faulty_export_stops(pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The exporter itself is replaced: no real network can be made to export wrongly on purpose.
    good = pack / "face_encoder.onnx"
    monkeypatch.setattr("export.pack.onnx_from_module", lambda *_, path, **__: path.write_bytes(good.read_bytes()))
    torch.manual_seed(99)
    with pytest.raises(ParityError, match="face_encoder differs from torch"):
        write_pack(tmp_path, {"face_encoder": models.face_encoder().eval()}, {}, version="1.0.0")
    assert not (tmp_path / "pack.json").exists()


def test_the_command_exports_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(4)
    network = lively(models.body_encoder())
    write_checkpoint(tmp_path / "w.pt", Checkpoint(preset="body_encoder", step=1, weights=network.state_dict()))
    arguments = ["onnx", "--pack", str(tmp_path / "pack"), "--checkpoint", str(tmp_path / "w.pt"), "--version", "1.2.3"]
    assert main(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["runtime"] for row in report["body_encoder"]] == ["onnxruntime-f32", "openvino-f32", "openvino-bf16"]
    assert all(row["within"] for row in report["body_encoder"])


def test_the_command_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["onnx", "--pack", str(tmp_path), "--checkpoint", str(tmp_path / "absent.pt")]) == 2
    assert "no checkpoint at" in capsys.readouterr().err


def test_several_checkpoints_follow_one_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The demo pack's recipe gives all its files behind one `--checkpoint`."""
    write_checkpoint(
        tmp_path / "w.pt", Checkpoint(preset="face_encoder", step=1, weights=models.face_encoder().state_dict())
    )
    words = [
        "onnx",
        "--pack",
        tmp_path / "pack",
        "--checkpoint",
        tmp_path / "w.pt",
        tmp_path / "v.pt",
        "--version",
        "1.0",
    ]
    assert main([str(word) for word in words]) == 2
    assert f"no checkpoint at {tmp_path / 'v.pt'}" in capsys.readouterr().err


class Pooled(nn.Module):
    """Token embeddings, averaged where the mask says so."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(64, 8)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        # [B, T, 1]
        weights = mask.unsqueeze(-1).float()
        return (self.table(ids) * weights).sum(1) / weights.sum(1).clamp(min=1.0)


def test_a_module_of_several_inputs_keeps_their_names(tmp_path: Path) -> None:
    inputs = tuple(TensorSpec(name=name, dtype="INT64", shape=(6,)) for name in ("ids", "mask"))
    output = TensorSpec(name="embedding", dtype="FP32", shape=(8,))
    spec = ModelSpec(name="m", file="m.onnx", sha256="0" * 64, inputs=inputs, outputs=(output,), max_batch=4)
    torch.manual_seed(0)
    module, path = Pooled().eval(), tmp_path / "m.onnx"
    feed = noise_of(spec, 3)
    examples = tuple(torch.from_numpy(feed[name]) for name in ("ids", "mask"))
    onnx_from_module(module, examples, inputs=["ids", "mask"], outputs=["embedding"], path=path)
    assert interface_faults(onnx.load(str(path)), spec) == []
    figures = compare(module, spec, path, {name: values[:1] for name, values in feed.items()})
    assert all(figure.within for figure in figures)
