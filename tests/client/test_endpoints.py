import json
from pathlib import Path

import pytest

from personsearch.endpoints import Endpoints, resolve_endpoints, state_dir
from personsearch.errors import NoStackError


def running_in(folder: Path) -> dict[str, str]:
    stored = {"search_address": "127.0.0.1:7001", "ingest_address": "127.0.0.1:7002", "milvus_uri": "x"}
    (folder / "endpoints.json").write_text(json.dumps(stored))
    return {"PERSONSEARCH_STATE_DIR": str(folder)}


def test_the_running_stack_is_found(tmp_path: Path) -> None:
    assert resolve_endpoints(environment=running_in(tmp_path)) == Endpoints("127.0.0.1:7001", "127.0.0.1:7002")


def test_the_environment_wins_over_the_stack_and_an_argument_over_both(tmp_path: Path) -> None:
    environment = running_in(tmp_path) | {"PERSONSEARCH_SEARCH__ADDRESS": "b:1", "PERSONSEARCH_INGEST__ADDRESS": "b:2"}
    assert resolve_endpoints(environment=environment) == Endpoints("b:1", "b:2")
    assert resolve_endpoints("c:1", environment=environment) == Endpoints("c:1", "b:2")
    assert resolve_endpoints("c:1", environment=running_in(tmp_path)) == Endpoints("c:1", "127.0.0.1:7002")


def test_identities_are_asked_for_where_the_association_service_is(tmp_path: Path) -> None:
    environment = running_in(tmp_path)
    assert resolve_endpoints(environment=environment).identity_address == "127.0.0.1:7001"
    environment |= {"PERSONSEARCH_ASSOCIATION__ADDRESS": "a:3"}
    assert resolve_endpoints(environment=environment).identity_address == "a:3"
    assert resolve_endpoints("c:1", environment=environment).identity_address == "c:1"


def test_no_stack_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoStackError, match="personsearch up"):
        resolve_endpoints(environment={"PERSONSEARCH_STATE_DIR": str(tmp_path)})


@pytest.mark.parametrize("content", ["", "[]", '{"search_address": "x"}'])
def test_a_broken_file_says_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / "endpoints.json").write_text(content)
    with pytest.raises(NoStackError, match="personsearch down"):
        resolve_endpoints(environment={"PERSONSEARCH_STATE_DIR": str(tmp_path)})


def test_the_state_dir_has_a_default() -> None:
    assert state_dir({}) == Path.home() / ".local" / "state" / "personsearch"
