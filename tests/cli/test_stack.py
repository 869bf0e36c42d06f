import sys
from types import ModuleType

import pytest
import typer
from typer.testing import CliRunner

from personsearch.cli.main import app
from personsearch.cli.stack import SUPERVISOR


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A stand-in for the services' own verbs; the client is below them and knows them only by name."""
    calls: list[str] = []
    verbs = typer.Typer()

    @verbs.command("up")
    def up(as_json: bool = typer.Option(False, "--json")) -> None:
        calls.append(f"up {as_json}")

    @verbs.command("down")
    def down() -> None:
        raise typer.Exit(7)

    module = ModuleType(SUPERVISOR)
    module.app = verbs  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, SUPERVISOR, module)
    return calls


def test_a_verb_and_its_options_are_handed_on(supervisor: list[str]) -> None:
    assert CliRunner().invoke(app, ["up", "--json"]).exit_code == 0
    assert supervisor == ["up True"]


def test_the_exit_code_comes_back(supervisor: list[str]) -> None:
    assert CliRunner().invoke(app, ["down"]).exit_code == 7


def test_without_the_services_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "services", None)
    monkeypatch.delitem(sys.modules, SUPERVISOR, raising=False)
    monkeypatch.delitem(sys.modules, "services.supervisor", raising=False)
    result = CliRunner().invoke(app, ["up"])
    assert result.exit_code == 3
    assert "only the client is installed" in result.stderr
