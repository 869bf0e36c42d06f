from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.runtime.settings import InferenceSettings, StackSettings, TritonSettings
from services.supervisor.cli import app
from services.supervisor.doctor import Check, doctor


def checks(settings: StackSettings, environment: dict[str, str] | None = None) -> dict[str, Check]:
    return {check.name: check for check in doctor(settings, environment or {})}


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(state_dir=tmp_path / "state", pack=tmp_path / "no-pack")


def test_a_missing_pack_is_fatal_and_told(settings: StackSettings) -> None:
    found = checks(settings)["pack"]
    assert found.ok is False
    assert "pack.json is absent" in found.found


def test_mistyped_variables_are_listed(settings: StackSettings) -> None:
    found = checks(settings, {"PERSONSEARCH_MLVUS__URI": "x", "PERSONSEARCH_PACK": "y"})["environment"]
    assert found.ok is None
    assert "PERSONSEARCH_MLVUS__URI" in found.found
    assert "PERSONSEARCH_PACK" not in found.found


def test_variables_of_the_services_are_known(settings: StackSettings) -> None:
    assert checks(settings, {"PERSONSEARCH_SERVER__GRACE_S": "3"})["environment"].ok is True


def test_without_triton_the_networks_run_inside(settings: StackSettings, tmp_path: Path) -> None:
    absent = TritonSettings(python=tmp_path / "no" / "bin" / "python")
    lesser = checks(settings.model_copy(update={"triton": absent}))["inference"]
    assert lesser.ok is None
    assert "inside the services" in lesser.found
    wanted = {"triton": absent, "inference": InferenceSettings(kind="triton")}
    assert checks(settings.model_copy(update=wanted))["inference"].ok is False


def test_looking_changes_nothing(settings: StackSettings) -> None:
    doctor(settings, {})
    assert not settings.state_dir.exists()


def test_the_verb_fails_when_the_stack_would(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PERSONSEARCH_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("PERSONSEARCH_PACK", str(tmp_path))
    answer = CliRunner().invoke(app, ["doctor", "--json"])
    assert answer.exit_code == 1
    assert {"pack": False}.items() <= {check["name"]: check["ok"] for check in json.loads(answer.stdout)}.items()


def test_status_and_down_without_a_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PERSONSEARCH_STATE_DIR", str(tmp_path))
    assert CliRunner().invoke(app, ["status"]).exit_code == 3
    answer = CliRunner().invoke(app, ["down"])
    assert (answer.exit_code, answer.stdout) == (0, "no stack was running\n")


def test_wrong_settings_are_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSONSEARCH_MILVUS__URL", "x")
    answer = CliRunner().invoke(app, ["up"])
    assert answer.exit_code == 1
    assert "PERSONSEARCH_MILVUS__URL" in answer.stderr
