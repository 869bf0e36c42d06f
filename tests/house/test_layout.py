"""The house is what the README draws: rooms exist, each says what it is for, files stay readable."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("personsearch", "packs", "services", "models", "training", "export", "evaluation", "synthetic")
GENERATED = ("personsearch/v1", "personsearch/validate")
LONGEST = 400
SERVICES = ("association", "fusion", "gallery", "search", "ingest")


def sources() -> list[Path]:
    files = [p for room in ROOMS for p in (ROOT / room).rglob("*.py")]
    return [p for p in files if not str(p.relative_to(ROOT)).startswith(GENERATED)]


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_is_readable_in_one_sitting(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST
    assert ast.get_docstring(ast.parse(text)), "a file says first what it is for"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_its_files(service: str) -> None:
    names = {p.name for p in (ROOT / "services" / service).rglob("*.py")}
    assert {"servicer.py", "converters.py", "settings.py"} <= names
