"""The tail of the one command, from checkpoints to a calibrated pack with its card, on made-up people."""

import json
from pathlib import Path

import pytest
import torch

import models
from models.checkpoints import Checkpoint, write_checkpoint
from packs.manifest import Pack
from packs.spec import Modality
from training.__main__ import main
from training.demo_pack import PARTS, Part, render
from training.recipe import read_recipe

RECIPES = Path(__file__).parents[2] / "training" / "recipes"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Fresh networks: their similarities mean little, but every step after training can be taken with them."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(8)
    paths = []
    for name, build in (
        ("person_detector", models.person_detector),
        ("face_encoder", models.face_encoder),
        ("body_encoder", models.body_encoder),
    ):
        paths.append(folder / f"{name}.pt")
        write_checkpoint(paths[-1], Checkpoint(preset=name, step=0, weights=build().state_dict()))
    return paths


def test_finish_writes_a_whole_pack(weights: list[Path], data: Path, tmp_path: Path) -> None:
    out = tmp_path / "pack"
    arguments = ["finish", "--weights", *map(str, weights), "--data", str(data), "--out", str(out)]
    assert main([*arguments, "--version", "0.0.7", "--remark", "Made in a test."]) == 0
    pack = Pack.load(out)
    pack.verify()
    assert set(pack.calibration) == {Modality.FACE, Modality.BODY}
    assert pack.manifest.detection is not None
    report = json.loads((out / "metrics.json").read_text())
    assert report["data"]["test"]["identities"] == 8
    assert report["test"]["face"]["network"]["queries"] > 0
    assert set(report["test"]["detector"]["classes"]) == {"face", "head", "person"}
    card = (out / "CARD.md").read_text()
    assert pack.digest in card
    assert "Made in a test." in card
    assert f"{report['test']['face']['network']['map']:.3f}" in card
    assert sorted(path.suffix for path in out.iterdir()) == [".json", ".json", ".md", ".onnx", ".onnx", ".onnx"]


def test_a_complete_set_is_not_rendered_again(data: Path) -> None:
    index = data / "val" / "index.json"
    frames = json.loads(index.read_text())["frames"]
    lines: list[str] = []
    render(Part("val", 1, 8, frames), data, say=lines.append)
    assert lines == []


def test_casts_never_meet() -> None:
    assert len({part.seed for part in PARTS}) == len(PARTS)
    sizes = {part.name: part.identities for part in PARTS}
    assert sizes["train"] >= 1500
    assert sizes["test"] >= 200


def test_what_is_missing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = str(RECIPES / "face.toml")
    assert main(["run", recipe, "--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 2
    assert "no shards in" in capsys.readouterr().err
    assert main(["run", "absent.toml", "--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 2
    assert "no recipe at" in capsys.readouterr().err


def test_recipes_name_three_different_networks() -> None:
    presets = {read_recipe(RECIPES / f"{name}.toml").preset for name in ("detector", "face", "body")}
    assert presets == {"person_detector", "face_encoder", "body_encoder"}
