"""Where the services listen: told by the caller, by the environment, or by the stack that `personsearch up` started."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from personsearch.errors import NoStackError

__all__ = ["Endpoints", "resolve_endpoints", "state_dir"]

SEARCH_VARIABLE = "PERSONSEARCH_SEARCH__ADDRESS"
INGEST_VARIABLE = "PERSONSEARCH_INGEST__ADDRESS"
# Who is who is told by the association service, which is mounted in search unless it has an address of its own.
IDENTITY_VARIABLE = "PERSONSEARCH_ASSOCIATION__ADDRESS"
STATE_VARIABLE = "PERSONSEARCH_STATE_DIR"
ENDPOINTS_FILE = "endpoints.json"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """gRPC addresses, "host:port"; `association_address` is empty where search has the association service in it."""

    search_address: str
    ingest_address: str
    association_address: str = ""

    @property
    def identity_address(self) -> str:
        """Where the identity service is."""
        return self.association_address or self.search_address


def state_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the supervisor's folder: PERSONSEARCH_STATE_DIR or ~/.local/state/personsearch."""
    named = environment.get(STATE_VARIABLE)
    return Path(named) if named else Path.home() / ".local" / "state" / "personsearch"


def resolve_endpoints(
    search_address: str | None = None,
    ingest_address: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Endpoints:
    """Find both addresses; an argument wins over the environment, and the environment over the running stack.

    Where the environment names an association service, identities are asked for there; with an argument for search
    they are asked for at that address.

    Raises NoStackError when one of them is nowhere to be found.
    """
    search = search_address or environment.get(SEARCH_VARIABLE)
    ingest = ingest_address or environment.get(INGEST_VARIABLE)
    if not (search and ingest):
        running = _running_stack(state_dir(environment) / ENDPOINTS_FILE)
        search = search or running.search_address
        ingest = ingest or running.ingest_address
    elsewhere = "" if search_address else environment.get(IDENTITY_VARIABLE, "")
    return Endpoints(search, ingest, elsewhere)


def _running_stack(path: Path) -> Endpoints:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return Endpoints(str(stored["search_address"]), str(stored["ingest_address"]))
    except FileNotFoundError:
        raise NoStackError(
            f"no stack is running here (no {path}): run `personsearch up`, "
            f"or set {SEARCH_VARIABLE} and {INGEST_VARIABLE}"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise NoStackError(
            f"{path} cannot be read ({error!r}): run `personsearch down`, then `personsearch up`, to write it anew"
        ) from error
