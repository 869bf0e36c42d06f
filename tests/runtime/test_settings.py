from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.runtime.ports import free_ports, split_address
from services.runtime.settings import StackSettings, known_variables, unknown_variables, variable


def test_nested_variables_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PERSONSEARCH_SEARCH__ADDRESS", "127.0.0.1:50051")
    monkeypatch.setenv("PERSONSEARCH_INFERENCE__KIND", "triton")
    monkeypatch.setenv("PERSONSEARCH_MILVUS__URI", "http://127.0.0.1:19530")
    monkeypatch.setenv("PERSONSEARCH_REDIS__URL", "")
    monkeypatch.setenv("PERSONSEARCH_STATE_DIR", str(tmp_path))
    settings = StackSettings()
    assert settings.search.address == "127.0.0.1:50051"
    assert settings.inference.kind == "triton"
    assert settings.milvus.uri == "http://127.0.0.1:19530"
    assert settings.redis.url is None
    assert settings.media_uri == (tmp_path / "media").as_uri()


def test_an_address_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSONSEARCH_INGEST__ADDRESS", "localhost")
    with pytest.raises(ValidationError, match="expected an address like"):
        StackSettings()


def test_mistyped_variables_are_found() -> None:
    environment = {
        "PERSONSEARCH_MILVUS__URL": "x",
        "PERSONSEARCH_MILVUS__URI": "x",
        "PERSONSEARCH_PACK": "x",
        "HOME": "x",
    }
    assert unknown_variables(environment) == ["PERSONSEARCH_MILVUS__URL"]
    assert variable("milvus", "uri") in set(known_variables())


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20


def test_addresses_are_split() -> None:
    assert split_address("[::1]:80") == ("[::1]", 80)
    with pytest.raises(ValueError, match=r"127\.0\.0\.1:50051"):
        split_address(":80")
