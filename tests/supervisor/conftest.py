"""Toy children: real processes that listen, die, hang or hold on."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.runtime.ports import free_ports
from services.supervisor.child import ChildSpec

LISTEN = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    while True:
        listener.accept()[0].close()
"""


@pytest.fixture
def toy() -> Callable[..., ChildSpec]:
    """Make the spec of a child that runs some Python; ``listens`` gives it a port, a probe, and a program for both."""

    def make(name: str, program: str = "", *, listens: bool = False, **fields: Any) -> ChildSpec:
        argv = [sys.executable, "-S", "-c", program or LISTEN]
        if listens:
            port = free_ports(1)[0]
            argv.append(str(port))
            fields["probe"] = connecting(port)
        return ChildSpec(name, argv, dict(os.environ), **fields)

    return make


def connecting(port: int) -> Callable[[], Any]:
    async def probe() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()

    return probe


@pytest.fixture
def log_dir(tmp_path: Path) -> Path:
    """Where children log."""
    path = tmp_path / "logs"
    path.mkdir()
    return path
