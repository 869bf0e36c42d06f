from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from personsearch.cli.main import app
from personsearch.testing import FakeStack


@pytest.fixture
def stack() -> Iterator[FakeStack]:
    with FakeStack(failing=(".broken.mp4",)) as running:
        yield running


@pytest.fixture
def run(stack: FakeStack, monkeypatch: pytest.MonkeyPatch):
    """Run the command against the fake stack."""
    monkeypatch.setenv("PERSONSEARCH_SEARCH__ADDRESS", stack.address)
    monkeypatch.setenv("PERSONSEARCH_INGEST__ADDRESS", stack.address)
    monkeypatch.setenv("COLUMNS", "200")

    def run_command(*arguments: object, **options: object):
        return CliRunner().invoke(app, [str(argument) for argument in arguments], **options)

    return run_command
