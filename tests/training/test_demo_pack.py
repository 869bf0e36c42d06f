"""The tail of the one command, from checkpoints to a calibrated pack with its card, on made-up people."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import models
from models.checkpoints import PRESETS, WORD_PRESETS, Checkpoint, write_checkpoint
from models.text import ivt_body_small
from packs.calibration import Calibration
from packs.manifest import Pack, write_manifest
from packs.spec import Modality
from packs.words import build_vocabulary, write_vocabulary
from training.__main__ import main
from training.data.shards import RenderError
from training.demo_pack import FILM_RECIPES, PARTS, SIGHT_RECIPES, SOUND_RECIPES, WORD_RECIPES, Folders, Part, render
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
        ("voice_encoder", models.voice_encoder),
        ("voice_activity", models.voice_activity),
    ):
        paths.append(folder / f"{name}.pt")
        write_checkpoint(paths[-1], Checkpoint(preset=name, step=0, weights=build().state_dict()))
    return paths


def test_finish_writes_a_whole_pack(weights: list[Path], data: Path, voices: Path, tmp_path: Path) -> None:
    out = tmp_path / "pack"
    folders = ["--data", str(data), "--voices", str(voices)]
    arguments = ["finish", "--weights", *map(str, weights), *folders, "--out", str(out)]
    assert main([*arguments, "--version", "0.0.7", "--remark", "Made in a test."]) == 0
    pack = Pack.load(out)
    pack.verify()
    assert set(pack.calibration) == {Modality.FACE, Modality.BODY, Modality.VOICE}
    assert pack.manifest.detection is not None
    assert pack.manifest.hearing is not None
    report = json.loads((out / "metrics.json").read_text())
    assert report["data"]["frames/test"]["identities"] == 8
    assert report["data"]["voices/test"] == {"clips": 24, "identities": 5, "minutes": 1, "with_speech": 20}
    assert report["calibration"]["voice_activity"]["threshold"] == pack.manifest.hearing.threshold
    face = report["test"]["face"]["tasks"]["anywhere"]
    assert face["network"]["queries"] > 0
    assert set(report["test"]["body"]["tasks"]) == {"in_scene", "across"}
    assert set(report["test"]["detector"]["classes"]) == {"face", "head", "person"}
    card = (out / "CARD.md").read_text()
    assert pack.digest in card
    assert "Made in a test." in card
    assert f"| network | {face['network']['map']:.3f} |" in card
    assert f"threshold from `val` | {report['test']['voice_activity']['network']['error']:.3f} |" in card
    assert sorted(path.suffix for path in out.iterdir()) == [".json", ".json", ".md", *[".onnx"] * 5]


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A fresh network of bodies and sentences, and the words of the made-up sets beside it."""
    # By chance this one's similarities grow a little with sameness; a pair whose do not is refused.
    torch.manual_seed(7)
    run = tmp_path / "words"
    run.mkdir()
    path = run / "weights.pt"
    write_checkpoint(path, Checkpoint(preset="ivt_body_small", step=0, weights=ivt_body_small().state_dict()))
    said = ["Somebody like amber, dressed up.", "birch cedar daisy elder fern ginger hazel, who is plain"]
    write_vocabulary(run / "vocabulary.json", build_vocabulary(said, most=50))
    return path


def test_one_network_can_be_replaced_and_a_text_pair_added(
    weights: list[Path], pair: Path, data: Path, describe: Callable[[Path], Path], voices: Path, tmp_path: Path
) -> None:
    """The other networks, what was said of their files, and of sets that are gone, stay."""
    out, sets = tmp_path / "pack", tmp_path / "sets"
    for name in ("val", "test"):
        describe(shutil.copytree(data / name, sets / name))
    arguments = ["finish", "--voices", str(voices), "--out", str(out), "--weights"]
    assert main([*arguments, *map(str, weights), "--data", str(data)]) == 0
    # As if bodies had been calibrated on films since.
    written, on_films = Pack.load(out).manifest, Calibration(slope=7.0, intercept=-3.0)
    lines = {**written.calibration, Modality.BODY: on_films}
    write_manifest(out, written.model_copy(update={"calibration": lines}))
    before, first = Pack.load(out), json.loads((out / "metrics.json").read_text())
    torch.manual_seed(9)
    other = tmp_path / "face.pt"
    write_checkpoint(other, Checkpoint(preset="face_encoder", step=0, weights=models.face_encoder().state_dict()))
    assert main([*arguments, str(other), str(pair), "--data", str(sets), "--version", "0.0.8"]) == 0
    after, second = Pack.load(out), json.loads((out / "metrics.json").read_text())
    after.verify()
    digests = [{model.name: model.sha256 for model in pack.manifest.models} for pack in (before, after)]
    assert {name for name in digests[0] if digests[0][name] != digests[1][name]} == {"face_encoder"}
    assert second["data"] == first["data"]
    # Another network may differ as little from its graph as the one before.
    assert {name for name in first["parity"] if first["parity"][name] != second["parity"][name]} <= {"face_encoder"}
    assert set(after.models) - set(before.models) == {"text_image_encoder", "text_encoder"}
    assert after.modalities == (*before.modalities, Modality.TEXT)
    assert (out / "vocabulary.json").read_bytes() == (pair.parent / "vocabulary.json").read_bytes()
    for name in ("text_image_encoder", "text_encoder"):
        assert all(row["within"] and row["compared"] == 32 for row in second["parity"][name])
    assert after.calibration[Modality.BODY] == on_films
    assert after.calibration[Modality.VOICE] == before.calibration[Modality.VOICE]
    assert after.manifest.detection == before.manifest.detection
    assert set(second["test"]) == {*first["test"], "text"}
    assert second["test"]["body"] == first["test"]["body"]
    assert second["calibration"]["evidence"]["text"]["positives"] > 0
    assert after.calibration[Modality.TEXT].slope > 0.0
    figures = second["test"]["text"]
    # Nothing taught the bag of words: there is no `train` among these sets.
    assert set(figures) == {"gallery", "people", "network", "chance"}
    assert figures["network"]["held_out_words"]["queries"] > 0
    card = (out / "CARD.md").read_text()
    assert "## Search by words" in card
    assert f"| of seen templates and words | network | {figures['network']['seen']['rank1']:.3f} |" in card


def test_a_complete_set_is_not_made_again(data: Path, voices: Path) -> None:
    lines: list[str] = []
    for part in (
        Part("val", "frames", 1, 8, 16),
        Part("closeups", "closeups", 1, 8, 8),
        Part("test", "voices", 1, 5, 24),
    ):
        render(part, Folders.below(data, voices), say=lines.append)
    assert lines == []


def test_a_set_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    # Nobody can be asked for one person: the command refuses before it draws anything.
    with pytest.raises(RenderError, match="ended with status"):
        render(Part("val", "voices", 1, 1, 24), Folders.below(tmp_path), say=lambda _: None)


def test_casts_never_meet() -> None:
    for kind in ("frames", "voices"):
        seeds = {part.name: part.seed for part in PARTS if part.kind == kind}
        assert len(set(seeds.values())) == 3
    # One seed is one cast: a closeup of a person of val or test would teach that person.
    taught = {part.seed for part in PARTS if part.name in ("train", "closeups")}
    assert taught.isdisjoint(part.seed for part in PARTS if part.name in ("val", "test"))
    sizes = {(part.kind, part.name): part.identities for part in PARTS}
    assert sizes["frames", "train"] >= 1500
    assert sizes["voices", "train"] >= 1500
    assert min(sizes["frames", "test"], sizes["voices", "test"]) >= 200


def test_what_is_missing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = str(RECIPES / "face.toml")
    assert main(["run", recipe, "--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 2
    assert "no shards in" in capsys.readouterr().err
    assert main(["run", "absent.toml", "--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 2
    assert "no recipe at" in capsys.readouterr().err


def test_recipes_name_every_network() -> None:
    names = (*SIGHT_RECIPES, *SOUND_RECIPES, *WORD_RECIPES, *FILM_RECIPES)
    presets = {read_recipe(RECIPES / f"{name}.toml").preset for name in names}
    assert presets == {*PRESETS, *WORD_PRESETS}
