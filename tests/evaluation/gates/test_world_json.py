"""The world in the repository is the one whose gates were measured, and it keeps them."""

from pathlib import Path

import pytest

import synthetic
from evaluation.gates.bounds import GATES, broken
from evaluation.gates.frozen import read_world, why_not_frozen, write_world
from synthetic.types import WORLD_VERSION

ROOT = Path(synthetic.__file__).parent
WORLD = ROOT / "world.json"
FIGURES = {"naive.face_pixels": {"value": 0.1}}


def test_the_world_has_not_changed_since_its_gates_were_measured() -> None:
    reason = why_not_frozen(read_world(WORLD), ROOT, WORLD_VERSION)
    assert reason is None, reason


def test_the_frozen_figures_keep_all_gates() -> None:
    values = {name: float(row["value"]) for name, row in read_world(WORLD).figures.items()}
    assert broken(values) == []
    measured_without_a_pack = {gate.figure for gate in GATES if not gate.figure.startswith("encoder.")}
    assert measured_without_a_pack <= set(values)


def test_earlier_versions_stay_in_the_file() -> None:
    assert [entry["world_version"] for entry in read_world(WORLD).history] == list(range(1, WORLD_VERSION))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    write_world(path, 3, {"looks": "a"}, FIGURES, {"films": []})
    world = read_world(path)
    assert (world.world_version, world.digests, world.figures, world.history) == (3, {"looks": "a"}, FIGURES, [])


def test_a_new_version_keeps_the_old_figures_and_the_same_version_replaces_them(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    write_world(path, 3, {}, FIGURES, {})
    write_world(path, 3, {}, {"naive.face_pixels": {"value": 0.2}}, {})
    write_world(path, 4, {}, {"naive.face_pixels": {"value": 0.3}}, {})
    assert read_world(path).history == [{"world_version": 3, "figures": {"naive.face_pixels": 0.2}}]


def test_a_changed_world_and_a_new_version_are_told(tmp_path: Path) -> None:
    (tmp_path / "identity.py").write_text("SIZE = 3")
    path = tmp_path / "world.json"
    write_world(path, 3, {"looks": "old"}, FIGURES, {})
    world = read_world(path)
    assert "looks" in str(why_not_frozen(world, tmp_path, 3))
    assert "version 4" in str(why_not_frozen(world, tmp_path, 4))


def test_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    path.write_text('{"schema": "x"}')
    with pytest.raises(ValueError, match="make world"):
        read_world(path)
