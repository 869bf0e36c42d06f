"""The examples of docs/client.md run as they stand."""

import re
from pathlib import Path

import pytest

from personsearch.testing import FakeStack
from personsearch.v1 import appearance_pb2, geometry_pb2, hit_pb2

PAGE = Path(__file__).resolve().parents[2] / "docs" / "client.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(
    example: str, stack: FakeStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PERSONSEARCH_SEARCH__ADDRESS", stack.address)
    monkeypatch.setenv("PERSONSEARCH_INGEST__ADDRESS", stack.address)
    monkeypatch.chdir(tmp_path)
    for name in ("portrait.jpg", "film.mp4", "clip.wav"):
        (tmp_path / name).write_bytes(b"content")
    appearance = appearance_pb2.Appearance(appearance_id="a" * 32, span=geometry_pb2.Span(start_s=1.0, end_s=2.0))
    stack.galleries["town"] = {}
    stack.answer_with(hit_pb2.Hit(appearance=appearance, score=0.9))
    exec(compile(example, str(PAGE), "exec"), {"__name__": "__main__"})


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 7
