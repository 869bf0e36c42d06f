"""The packs that a deployment keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from packs.errors import PackError
from packs.manifest import Pack, write_manifest
from packs.shelf import PackShelf
from packs.testing import write_tiny_pack


def tiny(folder: Path, version: str = "1") -> Pack:
    folder.mkdir(parents=True)
    pack = write_tiny_pack(folder, sound=False).pack
    write_manifest(folder, pack.manifest.model_copy(update={"version": version}))
    return Pack.load(folder)


def test_a_kept_pack_outlives_its_folder(tmp_path: Path) -> None:
    pack, shelf = tiny(tmp_path / "made"), PackShelf(tmp_path / "shelf")
    kept = shelf.keep(pack)
    assert kept.digest == pack.digest
    (pack.directory / "face_encoder.onnx").write_bytes(b"another")
    kept.verify()
    assert shelf.keep(pack).directory == kept.directory
    assert [one.digest for one in shelf.packs()] == [pack.digest]
    assert [path.name for path in (tmp_path / "shelf").iterdir()] == [f"tiny-1-{pack.digest[:12]}"]


def test_the_words_of_a_text_pair_are_kept_too(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    given = write_tiny_pack(tmp_path / "given", text=True).pack
    kept = PackShelf(tmp_path / "shelf").keep(given)
    assert set(kept.files) > {model.file for model in kept.manifest.models}
    kept.verify()


def test_a_damaged_pack_is_not_kept(tmp_path: Path) -> None:
    pack = tiny(tmp_path / "made")
    (pack.directory / "face_encoder.onnx").write_bytes(b"another")
    with pytest.raises(PackError, match="damaged"):
        PackShelf(tmp_path / "shelf").keep(pack)
    assert PackShelf(tmp_path / "shelf").packs() == []


def test_what_a_killed_copy_left_is_no_pack(tmp_path: Path) -> None:
    pack, shelf = tiny(tmp_path / "made"), PackShelf(tmp_path / "shelf")
    unfinished = tmp_path / "shelf" / ".tiny.half"
    unfinished.mkdir(parents=True)
    (unfinished / "pack.json").write_bytes((pack.directory / "pack.json").read_bytes())
    assert shelf.packs() == []


def test_packs_are_found_by_what_people_call_them(tmp_path: Path) -> None:
    one, two = tiny(tmp_path / "one"), tiny(tmp_path / "two", "2")
    shelf = PackShelf(tmp_path / "shelf", shipped=[two.directory])
    shelf.keep(one)
    assert shelf.find(str(two.directory)).digest == two.digest
    assert shelf.find("tiny@2").digest == two.digest
    assert shelf.find(one.digest[:12]).digest == one.digest
    assert shelf.by_key(two.digest[:12]) is not None
    assert shelf.by_key("0" * 12) is None
    with pytest.raises(PackError, match="more than one pack"):
        shelf.find("tiny")
    for text in ("nobody", one.digest[:3], "tiny@3"):
        with pytest.raises(PackError, match="no known pack"):
            shelf.find(text)


def test_the_active_one_is_the_last_that_was_made_so(tmp_path: Path) -> None:
    one, two = tiny(tmp_path / "one"), tiny(tmp_path / "two", "2")
    shelf = PackShelf(tmp_path / "shelf")
    assert shelf.active() is None
    shelf.activate(one)
    folder = shelf.activate(two)
    assert PackShelf(tmp_path / "shelf").active() == folder
    assert Pack.load(folder).digest == two.digest
