"""How a user's file is read, what is said when it does not fit, and how models enter a pack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from public import checkpoint, listed
from torch import nn

from export.__main__ import main
from export.commands.recipe import markdown
from export.onnx_from_network import onnx_from_network
from export.recipes.agreement import agreement, comparable, with_scale
from export.recipes.card import Form
from export.recipes.catalogue import CARDS, card_named
from export.recipes.errors import RecipeError
from export.recipes.matching import Candidate, Served, best_fit
from export.recipes.parts import Part, add_parts
from export.recipes.shapes import crop_encoder, detector, plain, voice_encoder
from export.recipes.source import read_source
from export.runners import torch_runner
from packs.calibration import Calibration
from packs.manifest import write_manifest
from packs.spec import Modality, Preprocessing, TensorSpec

CROP = Preprocessing(kind="stretch", height=8, width=4)


class Trap:
    """Runs when it is unpickled."""

    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('a file was run')",)


def test_a_file_that_holds_code_is_not_opened(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(2), "trap": Trap()}, tmp_path / "w.pt")
    with pytest.raises(RecipeError, match="files that hold code are not opened"):
        read_source(tmp_path / "w.pt")


def test_torchscript_is_refused_by_name(tmp_path: Path) -> None:
    import warnings

    with warnings.catch_warnings():
        # torch calls its own format deprecated; CLIP is published in it.
        warnings.simplefilter("ignore")
        torch.jit.script(nn.Linear(2, 2)).save(str(tmp_path / "w.pt"))
    with pytest.raises(RecipeError, match="TorchScript archive"):
        read_source(tmp_path / "w.pt")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"model": {"w": torch.zeros(2)}, "dims": {"n": 3}}, "model"),
        ({"state_dict": {"model": {"w": torch.zeros(2)}}, "dims": {"n": 3}}, "state_dict"),
        ({"ema": {"module": {"w": torch.zeros(2)}}, "dims": {"n": 3}}, "ema"),
    ],
)
def test_wrappers_are_taken_off(tmp_path: Path, content: dict[str, Any], told: str) -> None:
    torch.save(content, tmp_path / "w.pt")
    source = read_source(tmp_path / "w.pt")
    assert list(source.weights) == ["w"]
    assert source.extras["dims"] == {"n": 3}
    assert source.notes[0] == f"took what lies under {told!r}"


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no file at"):
        read_source(tmp_path / "absent.pt")
    (tmp_path / "w.pt").write_bytes(b"not a file of weights")
    with pytest.raises(RecipeError, match="cannot be read as weights alone"):
        read_source(tmp_path / "w.pt")
    torch.save([torch.zeros(2)], tmp_path / "w.pt")
    with pytest.raises(RecipeError, match="holds a list"):
        read_source(tmp_path / "w.pt")
    torch.save({"epoch": 3}, tmp_path / "w.pt")
    with pytest.raises(RecipeError, match="holds no tensors; its keys are epoch"):
        read_source(tmp_path / "w.pt")
    torch.save({"w": torch.tensor([1.0, float("nan")])}, tmp_path / "w.pt")
    with pytest.raises(RecipeError, match="w holds nan"):
        read_source(tmp_path / "w.pt")


def test_safetensors_are_read(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.torch", reason="safetensors is not installed here")
    library.save_file({"w": torch.ones(3)}, tmp_path / "w.safetensors")
    assert read_source(tmp_path / "w.safetensors").weights["w"].tolist() == [1.0, 1.0, 1.0]
    (tmp_path / "w.safetensors").write_bytes((tmp_path / "w.safetensors").read_bytes()[:40])
    with pytest.raises(RecipeError, match="no whole safetensors file"):
        read_source(tmp_path / "w.safetensors")


def wide() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))


def candidates() -> list[Candidate]:
    return [
        Candidate("narrow", lambda: nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)), lambda _: []),
        Candidate("wide", wide, lambda _: [], ignored=("head.",)),
    ]


def test_the_nearest_architecture_is_named_with_the_first_differences() -> None:
    weights = nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3)).state_dict()
    weights["extra"] = weights.pop("1.running_mean")
    with pytest.raises(RecipeError) as caught:
        best_fit(weights, candidates())
    lines = str(caught.value).splitlines()
    differences = (
        "1 missing: 1.running_mean; 1 unexpected: extra; 1 of another shape: 0.weight is [3, 5], expected [3, 4]"
    )
    assert lines[1] == f"  wide: {differences}"
    assert lines[2].startswith("  narrow: ")


def test_a_weight_too_many_is_not_overlooked() -> None:
    weights = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)).state_dict()
    assert best_fit(weights | {"head.weight": torch.zeros(1)}, candidates()).candidate.architecture == "wide"
    with pytest.raises(RecipeError, match=r"1 unexpected: 2\.weight"):
        best_fit(weights | {"2.weight": torch.zeros(1)}, candidates())


def test_the_recipe_that_would_fit_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(checkpoint("OSNet_x0_25"), tmp_path / "w.pt")
    assert main(["recipe", "build", "wespeaker", str(tmp_path / "w.pt"), "--out", str(tmp_path / "pack")]) == 2
    told = capsys.readouterr().err
    assert "fit no architecture of this recipe; nearest:\n  wespeaker_resnet34: " in told
    assert "Its keys are those of `osnet`." in told
    assert not (tmp_path / "pack" / "pack.json").exists()


def test_an_unknown_recipe_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipe", "build", "nobody", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "no recipe 'nobody'; there are arcface, scrfd," in capsys.readouterr().err


def test_the_list_shows_every_recipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "220")
    assert main(["recipe", "list"]) == 0
    told = capsys.readouterr().out
    assert all(card.name in told for card in CARDS)


def test_the_document_has_the_same_table() -> None:
    document = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
    assert markdown() in document


def test_cards_hold_together() -> None:
    assert len({card.name for card in CARDS}) == len(CARDS)
    for card in CARDS:
        assert card.checked, card.name
        assert card.never, card.name
        assert card.weights_licence, card.name
    assert card_named("scrfd").form is Form.GRAPH


def put(directory: Path, *names: str) -> None:
    directory.mkdir(exist_ok=True)
    for name in names:
        (directory / f"{name}.onnx").write_bytes(name.encode())


def test_parts_enter_a_pack_and_leave_the_rest(tmp_path: Path) -> None:
    put(tmp_path, "body_encoder", "voice_encoder")
    body, voice = crop_encoder(Modality.BODY, CROP, 16), voice_encoder(8)
    pack = add_parts(tmp_path, [Part(body), Part(voice)], name="mine", version="1.0")
    assert pack.modalities == (Modality.BODY, Modality.VOICE)
    lines = {modality: Calibration(slope=5.0, intercept=-1.0) for modality in pack.modalities}
    write_manifest(tmp_path, pack.manifest.model_copy(update={"calibration": lines, "description": "measured"}))
    put(tmp_path, "other")
    other = crop_encoder(Modality.BODY, CROP, 32).model_copy(update={"name": "other", "file": "other.onnx"})
    again = add_parts(tmp_path, [Part(other)], name="ignored", version="1.1")
    again.verify()
    assert (again.name, again.version, again.manifest.description) == ("mine", "1.1", "measured")
    assert list(again.models) == ["voice_encoder", "other"]
    # What was measured with another body encoder goes; what was measured of voices stays.
    assert list(again.calibration) == [Modality.VOICE]


def test_two_networks_of_one_modality_are_refused(tmp_path: Path) -> None:
    body = crop_encoder(Modality.BODY, CROP, 16)
    with pytest.raises(RecipeError, match="one network per modality"):
        add_parts(tmp_path, [Part(body), Part(body)], name="mine", version="1.0")


def test_lists_are_of_public_code() -> None:
    # A list that came from our own class would test nothing: these have what ours leave out.
    assert "classifier.weight" in listed("OSNet_x1_0")
    assert "classifier.weight" in listed("OSNet_x0_25")


def test_weights_beyond_one_file_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    from export.recipes.building import RecipeRequest, _written

    with torch.device("meta"):
        huge = nn.Linear(40_000, 20_000)
    with pytest.raises(RecipeError, match=r"body_encoder take 3\.0 GiB"):
        _written(
            RecipeRequest("osnet", tmp_path, tmp_path),
            card_named("osnet"),
            Served(crop_encoder(Modality.BODY, CROP, 16), huge),
        )
    assert not list(tmp_path.iterdir())


def test_a_tolerance_grows_with_what_a_network_answers() -> None:
    spec = crop_encoder(Modality.BODY, CROP, 2)
    assert with_scale(spec, {"embedding": np.array([[0.6, -0.8]], np.float32)}).tolerance == spec.tolerance
    long = with_scale(spec, {"embedding": np.array([[300.0, -500.0]], np.float32)}).tolerance
    assert (long.absolute, long.cosine) == (pytest.approx(1.0), spec.tolerance.cosine)
    boxes = {"boxes": np.full((1, 1, 4), 640.0, np.float32), "scores": np.zeros((1, 1, 3), np.float32)}
    pixels = detector(640, 640, 1)
    assert with_scale(pixels, boxes) == pixels


def test_a_file_that_computes_something_else_stops(tmp_path: Path) -> None:
    spec = plain(
        "sums",
        [TensorSpec(name="x", dtype="FP32", shape=(4,))],
        [TensorSpec(name="y", dtype="FP32", shape=(2,))],
        max_batch=2,
    )
    torch.manual_seed(0)
    network, inputs = nn.Linear(4, 2).eval(), comparable(spec)
    onnx_from_network(network, [torch.from_numpy(inputs["x"])], inputs=["x"], outputs=["y"], path=tmp_path / "m.onnx")
    answers = torch_runner(network, spec)(inputs)
    # Not more rows than the network takes.
    assert {figure.batch for figure in agreement(spec, tmp_path / "m.onnx", inputs, answers)} == {1}
    with pytest.raises(RecipeError, match=r"sums: onnxruntime-f32 differs from the reference in y at a batch of 1"):
        agreement(spec, tmp_path / "m.onnx", inputs, {"y": answers["y"] + 1.0})
