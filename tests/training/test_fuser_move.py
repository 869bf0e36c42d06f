"""Networks that fuse follow their pack to another version, if nothing that they fuse changed."""

import shutil
from pathlib import Path

import pytest

from evaluation.protocols.apes.samplings import COMMITTED, read_sampling
from packs.checking import faults_of
from packs.fusers import FUSERS_DIR, FuserPack
from packs.manifest import Pack, write_manifest
from packs.spec import Modality
from training.__main__ import main

DEMO = Path(__file__).parents[2] / "packs" / "demo"


@pytest.fixture
def fusers(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FUSERS_DIR, tmp_path / "fusers"))


def changed(folder: Path, network: str) -> Path:
    """The demo pack with another network of a name."""
    folder.mkdir()
    manifest = Pack.load(DEMO).manifest
    models = [
        model.model_copy(update={"sha256": "a" * 64}) if model.name == network else model for model in manifest.models
    ]
    write_manifest(folder, manifest.model_copy(update={"models": tuple(models), "version": "9.9.9"}))
    return folder


def move(fusers: Path, old: Path, new: Path) -> int:
    return main(["move-fusers", "--fusers", str(fusers), "--from", str(old), "--to", str(new)])


def test_another_text_pair_needs_no_other_networks(fusers: Path, tmp_path: Path) -> None:
    before = FuserPack.load(fusers)
    new = changed(tmp_path / "new", "text_image_encoder")
    assert move(fusers, DEMO, new) == 0
    after, pack = FuserPack.load(fusers), Pack.load(new)
    assert after.goes_with(pack)
    assert not before.goes_with(pack)
    assert after.pack.models == before.pack.models
    assert faults_of(fusers) == []
    assert pack.digest[:12] in (fusers / "CARD.md").read_text()


@pytest.mark.parametrize(("network", "named"), [("face_encoder", Modality.FACE), ("person_detector", "detection")])
def test_what_they_fuse_must_be_the_same(
    network: str, named: str, fusers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = (fusers / "pack.json").read_bytes()
    assert move(fusers, DEMO, changed(tmp_path / "new", network)) == 2
    assert f"differs from {DEMO} in {named}: train the networks anew" in capsys.readouterr().err
    assert (fusers / "pack.json").read_bytes() == manifest


def test_trainings_of_samplings_go_along(fusers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samplings = Path(shutil.copytree(COMMITTED, tmp_path / "samplings"))
    new = changed(tmp_path / "new", "text_encoder")
    words = ["move-fusers", "--fusers", fusers, "--samplings", samplings, "--from", DEMO, "--to", new]
    assert main([*map(str, words)]) == 0
    for path in sorted(COMMITTED.glob("*.npz")):
        before, after = read_sampling(path), read_sampling(samplings / path.name)
        assert (before.pack, after.pack) == (Pack.load(DEMO).digest, Pack.load(new).digest)
        assert all((before.maps[name] == after.maps[name]).all() for name in before.maps)
    assert main([*map(str, words)]) == 2
    assert "across.npz, weak.npz, within.npz learned from another pack" in capsys.readouterr().err


def test_they_must_go_with_the_pack_that_is_named(
    fusers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = changed(tmp_path / "other", "voice_encoder")
    assert move(fusers, other, DEMO) == 2
    assert "give the pack it goes with" in capsys.readouterr().err
