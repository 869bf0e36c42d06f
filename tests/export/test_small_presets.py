"""`python -m export presets`: every small preset has its place, what is written is its network, and rows are unlike."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

import models
from export.__main__ import main
from export.pack import ParityError
from export.preset_pack import REFERENCE, check_they_show_something, with_bounds
from export.preset_weights import CONFIDENT, proposing, settled, speaking
from export.runners import openvino_runner
from export.small_presets import small_presets
from models.checkpoints import PRESETS
from packs.manifest import Pack
from packs.spec import ModelSpec, TensorSpec

SMALL = small_presets()
# Three streams' worth of pictures at full size: its own test runs it.
QUICK = sorted(set(SMALL) - {"person_detector"})


def presets_of_the_house() -> set[str]:
    """Every function of a presets file of ours whose name says that it is small."""
    found = set()
    for module in pkgutil.walk_packages(models.__path__, "models."):
        if module.name.endswith("presets") and "public" not in module.name:
            functions = inspect.getmembers(importlib.import_module(module.name), inspect.isfunction)
            found |= {name for name, _ in functions if name.endswith("_small") and name[0] != "_"}
    return found


def test_no_small_preset_is_forgotten() -> None:
    known = {preset.preset for preset in SMALL.values()}
    assert len(presets_of_the_house()) > 10
    assert known == presets_of_the_house() | set(PRESETS)


@pytest.mark.parametrize("name", QUICK)
def test_inputs_and_answers_are_those_of_the_declaration(name: str) -> None:
    preset, spec = SMALL[name], SMALL[name].spec
    feed = preset.inputs(np.random.default_rng(0), 2)
    assert list(feed) == [tensor.name for tensor in spec.inputs]
    for tensor in spec.inputs:
        assert (feed[tensor.name].dtype, feed[tensor.name].shape) == (tensor.numpy_dtype, (2, *tensor.shape))
    torch.manual_seed(0)
    with torch.inference_mode():
        answer = preset.graph().eval()(*[torch.from_numpy(values) for values in feed.values()])
    parts = list(answer) if isinstance(answer, tuple) else [answer]
    assert [tuple(part.shape) for part in parts] == [(2, *tensor.shape) for tensor in spec.outputs]


def test_a_detector_proposes_some_boxes_of_each_class() -> None:
    torch.manual_seed(0)
    # As the demo pack's, for small pictures.
    graph, rng = SMALL["person_detector"].graph(), np.random.default_rng(0)
    pictures = torch.from_numpy(rng.integers(0, 256, (2, 128, 160, 3), dtype=np.uint8))
    settled(graph, (pictures,))
    with torch.inference_mode():
        assert (graph(pictures)[1] > CONFIDENT).sum() == 0, "fresh weights say nothing"
        proposing(graph, (pictures,))
        confident = (graph(pictures)[1] > CONFIDENT).sum(dim=(0, 1))
    assert ((confident > 0) & (confident < 100)).all()
    with pytest.raises(TypeError, match="expected a SpeakingGraph"):
        speaking(graph, (pictures,))


def test_an_active_speaker_says_yes_and_no() -> None:
    torch.manual_seed(0)
    preset = SMALL["active_speaker_small"]
    feed = preset.inputs(np.random.default_rng(0), 6)
    example = tuple(torch.from_numpy(values) for values in feed.values())
    graph = settled(preset.graph(), example)
    with torch.inference_mode():
        assert graph(*example).std() < 0.1
    speaking(graph, example)
    with torch.inference_mode():
        assert 0.2 < (graph(*example) > 0.5).float().mean() < 0.8
        assert graph(*example).std() > 0.1


def spec_of(**changes: object) -> ModelSpec:
    outputs = (
        TensorSpec(name="embedding", dtype="FP32", shape=(4,)),
        TensorSpec(name="score", dtype="FP32", shape=(1,)),
    )
    inputs = (TensorSpec(name="x", dtype="FP32", shape=(1,)),)
    given = {"name": "it", "file": "it.onnx", "sha256": "0" * 64, "max_batch": 8, "embedding_dim": 4}
    return ModelSpec(**{**given, "inputs": inputs, "outputs": outputs, **changes})


def test_bounds_grow_with_what_is_answered_and_are_narrower_in_float32() -> None:
    answers = {"embedding": np.full((8, 4), -50.0, np.float32), "score": np.full((8, 1), 0.1, np.float32)}
    loose, tight = (with_bounds(spec_of(arithmetic=one), answers) for one in (None, "f32"))
    assert [t.tolerance.absolute for t in loose.outputs if t.tolerance] == pytest.approx([1.0, 0.002])
    assert [t.tolerance.absolute for t in tight.outputs if t.tolerance] == pytest.approx([0.05, 0.0001])
    assert [t.tolerance.cosine for t in (*loose.outputs[:1], *tight.outputs[:1]) if t.tolerance] == [0.999, 0.9999]


def test_answers_that_would_agree_with_anything_are_refused() -> None:
    rng = np.random.default_rng(0)
    good = {
        "embedding": rng.normal(size=(8, 4)).astype(np.float32),
        "score": rng.normal(size=(8, 1)).astype(np.float32),
    }
    check_they_show_something(with_bounds(spec_of(), good), good)
    alike = good | {"score": np.full((8, 1), 0.3, np.float32)}
    with pytest.raises(ParityError, match="rows of score are all alike"):
        check_they_show_something(with_bounds(spec_of(), alike), alike)
    zeros = good | {"embedding": np.zeros((8, 4), np.float32)}
    with pytest.raises(ParityError, match="rows of embedding are all alike"):
        check_they_show_something(with_bounds(spec_of(), zeros), zeros)
    infinite = good | {"score": np.full((8, 1), np.inf, np.float32)}
    with pytest.raises(ParityError, match="infinity or no number"):
        check_they_show_something(spec_of(), infinite)


def test_a_pack_of_presets_and_what_torch_answers(tmp_path: Path) -> None:
    words = ["--only", "associative_small", "--only", "deep_speech_small", "--only", "speaker_mel_small"]
    assert main(["presets", "--out", str(tmp_path), *words]) == 0
    pack = Pack.load(tmp_path)
    pack.verify()
    names = ["speaker_mel_small", "associative_small", "deep_speech_small", "deep_speech_small_chunk"]
    assert list(pack.models) == names
    with np.load(tmp_path / REFERENCE) as content:
        kept = dict(content)
    for name, spec in pack.models.items():
        feed = {t.name: kept[f"{name}.in.{t.name}"] for t in spec.inputs}
        found = openvino_runner(pack.file_of(spec), "f32")(feed)
        for tensor in spec.outputs:
            expected = kept[f"{name}.out.{tensor.name}"]
            assert expected.shape == (spec.max_batch, *tensor.shape)
            assert np.abs(found[tensor.name] - expected).max() <= spec.tolerance_of(tensor).absolute
    assert kept["deep_speech_small_chunk.stream.in.frames"].shape == (3, 96, 161)
    assert kept["deep_speech_small_chunk.stream.out.scores"].shape == (3, 48, 29)
    present = kept["associative_small.in.present"]
    assert 0.0 < present.mean() < 1.0
    assert (kept["associative_small.out.weights"][present == 0.0] == 0.0).all()
    assert [spec.arithmetic for spec in pack.models.values()] == ["f32", None, None, None]
    types = {
        name: {t.data_type for t in onnx.load(str(pack.file_of(pack.model(name)))).graph.initializer} for name in names
    }
    half = onnx.TensorProto.FLOAT16
    assert half not in types["speaker_mel_small"]
    assert half in types["deep_speech_small"]


def test_a_file_that_computes_something_else_is_not_written_into_a_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_another(module: nn.Module, *more: object, **others: object) -> None:
        from export.onnx_from_module import onnx_from_module

        with torch.no_grad():
            for parameter in module.parameters():
                parameter.mul_(1.5)
        onnx_from_module(module, *more, **others)  # type: ignore[arg-type]

    # Nothing but the exporter itself can go wrong here, so it is what is replaced.
    monkeypatch.setattr("export.preset_pack.onnx_from_module", write_another)
    assert main(["presets", "--out", str(tmp_path), "--only", "associative_small"]) == 2
    assert not (tmp_path / "pack.json").exists()


def test_a_preset_that_there_is_not_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets", "--out", str(tmp_path), "--only", "nobody_small"]) == 2
    said = capsys.readouterr().err
    assert "no small preset nobody_small; there are person_detector" in said
