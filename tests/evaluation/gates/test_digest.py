"""The digest sees what makes the world, and only that."""

from pathlib import Path

import pytest

from evaluation.gates.digest import canonical, changed_parts, world_digests, world_files

SOURCE = '''
"""A module."""

SIZE = 3  # pixels


def grow(x: int) -> int:
    """Grow."""
    return x + SIZE
'''


@pytest.fixture
def world(tmp_path: Path) -> Path:
    for name in ("identity.py", "film/script.py", "sound/voice.py", "cli.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(SOURCE)
    return tmp_path


def test_comments_docstrings_and_layout_do_not_count() -> None:
    bare = "SIZE = 3\ndef grow(x: int) -> int:\n        return (x +\n           SIZE)\n"
    assert canonical(SOURCE) == canonical(bare)


@pytest.mark.parametrize(
    ("old", "new"), [("3", "3.0"), ("x + SIZE", "x - SIZE"), ("x + SIZE", "x"), ("return", "yield"), ("grow", "shrink")]
)
def test_every_number_name_and_statement_counts(old: str, new: str) -> None:
    assert canonical(SOURCE) != canonical(SOURCE.replace(old, new))


def test_a_text_that_is_no_docstring_counts() -> None:
    assert canonical('TEXT = "a"') != canonical('TEXT = "b"')


@pytest.mark.parametrize(
    ("name", "part"), [("identity.py", "looks"), ("film/script.py", "films"), ("sound/voice.py", "voices")]
)
def test_a_change_is_told_by_its_part(world: Path, name: str, part: str) -> None:
    before = world_digests(world)
    (world / name).write_text(SOURCE.replace("3", "4"))
    assert changed_parts(before, world_digests(world)) == [part]


def test_a_new_file_counts_and_the_command_line_does_not(world: Path) -> None:
    before = world_digests(world)
    (world / "cli.py").write_text("print()")
    assert changed_parts(before, world_digests(world)) == []
    assert "cli.py" not in [path.name for path in world_files(world)]
    (world / "hats.py").write_text("HATS = 3")
    assert changed_parts(before, world_digests(world)) == ["looks"]
