"""Servers of a benchmark's own, and how much of the processor each process has used."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc

from services.supervisor.tether import tethered

__all__ = ["Served", "cpu_s", "milvus_standalone", "redis_server"]

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 600.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Served:
    """A server: where it listens, and its process."""

    def __init__(self, address: str, pid: int) -> None:
        self.address, self.pid = address, pid


def cpu_s(pid: int) -> float:
    """Seconds of processor that a process has used, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@contextlib.contextmanager
def milvus_standalone(python: Path, folder: Path) -> Iterator[Served]:
    """A Milvus Standalone by the environment that has milvus==2.3.5, as the contract tests start it."""
    script = ROOT / "tests" / "backends" / "milvus_standalone.py"
    with _running([str(python), str(script), str(folder)], folder.with_suffix(".log")) as process:
        _until(lambda: (folder / "port").exists(), process)
        address = f"127.0.0.1:{int((folder / 'port').read_text())}"
        with grpc.insecure_channel(address) as channel:
            grpc.channel_ready_future(channel).result(PATIENCE_S)
        yield Served(f"http://{address}", process.pid)


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[Served]:
    """A redis-server that keeps nothing, on a socket of its own."""
    binary = shutil.which("redis-server")
    if binary is None:
        raise SystemExit("redis-server is not on PATH (Debian package redis-server)")
    socket = folder / "redis.sock"
    command = [binary, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    with _running(command, folder / "redis.log") as process:
        _until(socket.exists, process)
        yield Served(f"unix://{socket}", process.pid)


@contextlib.contextmanager
def _running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(tethered(command), stdout=out, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait(20)


def _until(there: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not there():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{process.args!r} did not start")
        time.sleep(0.1)
