"""No server listens where others could reach it, unless it was told that this is wanted."""

from __future__ import annotations

import logging

import pytest

from services.runtime.ports import is_local
from services.runtime.server import GrpcServer
from services.runtime.settings import ServerSettings


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.8.9.1:1", "[::1]:1", "localhost:1", "unix:/run/x.sock"])
def test_own_addresses(address: str) -> None:
    assert is_local(address)


@pytest.mark.parametrize("address", ["0.0.0.0:1", "[::]:1", "10.0.0.7:1", "search.example:1"])
def test_addresses_that_others_reach(address: str) -> None:
    assert not is_local(address)


async def test_a_server_refuses_to_be_open_to_all() -> None:
    server = GrpcServer(ServerSettings(), "0.0.0.0:0", [], {}, logging.getLogger("test"))
    with pytest.raises(PermissionError, match=r"no authentication.*127\.0\.0\.1"):
        await server.start()


async def test_a_server_is_open_to_all_when_told_so() -> None:
    server = GrpcServer(ServerSettings(allow_remote=True), "0.0.0.0:0", [], {}, logging.getLogger("test"))
    await server.start()
    await server.stop(0.0)
