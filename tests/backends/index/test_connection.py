"""Deadlines of calls to a Milvus whose client never answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.backends.index import connection as connection_module
from services.backends.index.connection import Connection
from services.runtime.errors import BackendUnavailableError


class Deaf:
    """A client that takes every call and answers none."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, float | None]] = []

    def __getattr__(self, method: str) -> Any:
        async def never(*_: Any, timeout: float | None = None, **__: Any) -> None:
            self.asked.append((method, timeout))
            await asyncio.Event().wait()

        return never

    async def close(self) -> None:
        """Never closes."""
        await asyncio.Event().wait()


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> Deaf:
    client = Deaf()
    monkeypatch.setattr(connection_module, "AsyncMilvusClient", lambda *_, **__: client)
    monkeypatch.setattr(connection_module, "_GRACE_S", 0.02)
    return client


async def test_a_call_that_the_client_never_ends_is_ended(deaf: Deaf) -> None:
    one = Connection("http://nowhere", token="", timeout_s=0.02, load_wait_s=0.0)
    with pytest.raises(BackendUnavailableError, match="no answer to list_collections"):
        await one.open()
    assert deaf.asked == [("list_collections", 0.02)]


async def test_an_insert_has_one_deadline_and_the_client_none(deaf: Deaf) -> None:
    """With a limit of its own the client would try again, and make a second row."""
    one = Connection("http://nowhere", token="", timeout_s=0.02, load_wait_s=0.0)
    one._client = deaf  # type: ignore[assignment]
    with pytest.raises(BackendUnavailableError, match="insert"):
        await one._call("insert", "rows", data=[], retry_times=0)
    assert deaf.asked == [("insert", None)]


async def test_closing_does_not_wait_for_ever(deaf: Deaf) -> None:
    one = Connection("http://nowhere", token="", timeout_s=0.02, load_wait_s=0.0)
    one._client = deaf  # type: ignore[assignment]
    await one.aclose()
    assert one._client is None
