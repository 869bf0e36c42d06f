"""Milvus Lite and Redis as the supervisor runs them: real processes."""

from __future__ import annotations

import os
from pathlib import Path

import grpc
import pytest

from services.runtime.ports import free_ports
from services.supervisor.child import Child, ChildSpec
from services.supervisor.stores import milvus_child, redis_child

LOOPBACK = "0100007F"  # 127.0.0.1 in the byte order of /proc
MAPPED = "0000000000000000FFFF0000"  # an IPv4 address within an IPv6 one


@pytest.mark.parametrize("make", [milvus_child, redis_child])
async def test_a_store_starts_answers_and_stops(make: object, tmp_path: Path, log_dir: Path) -> None:
    assert callable(make)
    spec: ChildSpec = make(tmp_path / "data", free_ports(1)[0])
    child = await Child.start(spec, log_dir)
    try:
        await child.until_ready()
        assert spec.probe is not None
        await spec.probe()
        assert listening_addresses(child.pid) == {LOOPBACK}
    finally:
        await child.stop()
    with pytest.raises((OSError, grpc.aio.AioRpcError)):
        await spec.probe()


def listening_addresses(pid: int) -> set[str]:
    """Addresses, as in /proc, on which a process listens."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(os.readlink(descriptor).removeprefix("socket:[").removesuffix("]"))
        except FileNotFoundError:
            continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                found.add(fields[1].split(":")[0].removeprefix(MAPPED))
    return found
