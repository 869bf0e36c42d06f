"""The documents hold: links lead somewhere, commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(p for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/*.md")] if p.is_file())
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#]+)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_to_files(document: Path) -> None:
    targets = [document.parent / target for target in LINK.findall(document.read_text())]
    assert [t for t in targets if not t.exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_make_targets_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.M))
    named = set(re.findall(r"`?\bmake ([a-z][a-z-]+)`", document.read_text()))
    assert named <= targets


def test_readme_names_only_commands_that_exist() -> None:
    from typer.main import get_command

    from personsearch.cli.main import app

    verbs = set(get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"^\s*(?:\$ )?personsearch ([a-z]+)", (ROOT / "README.md").read_text(), flags=re.M))
    assert named
    assert named <= verbs
