"""What a running stack tells others through its state directory: a lock, where it listens, how its children are."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from services.supervisor.errors import AlreadyRunningError


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the stack can be reached."""

    search_address: str
    ingest_address: str
    triton_address: str | None
    milvus_uri: str
    redis_url: str
    media_uri: str
    inference: str


@dataclass(frozen=True, slots=True)
class ChildStatus:
    """How a child is: ``starting``, ``ready``, ``restarting``, ``failed`` or ``stopped``."""

    name: str
    state: str
    pid: int | None
    restarts: int
    address: str
    log: str


@dataclass(frozen=True, slots=True)
class StackStatus:
    """How the stack is. ``running`` is False when no supervisor has the state directory; the rest is then empty."""

    running: bool
    pid: int | None = None
    endpoints: Endpoints | None = None
    children: tuple[ChildStatus, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())


class StateDir:
    """The files of one stack under one directory, which only its owner may read."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.logs = self.path / "logs"
        self._lock_file = self.path / "supervisor.lock"
        self._endpoints_file = self.path / "endpoints.json"
        self._status_file = self.path / "status.json"

    def create(self) -> None:
        """Make the directories."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.logs.mkdir(exist_ok=True)

    def take_lock(self) -> int:
        """Become the one supervisor here. The lock is held by the descriptor that is returned, and dies with us.

        Raises:
            AlreadyRunningError: If another process has it.
        """
        descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not self._locked(descriptor):
            os.close(descriptor)
            raise AlreadyRunningError(f"a stack is running in {self.path}; stop it with `personsearch down`")
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        return descriptor

    def owner(self) -> int | None:
        """Process id of the supervisor that holds the lock, None if nobody does."""
        try:
            descriptor = os.open(self._lock_file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.read(descriptor, 32)
            return int(text) if text.isdigit() else None
        finally:
            os.close(descriptor)
        return None

    def write_endpoints(self, endpoints: Endpoints) -> None:
        """Say where the stack listens; its clients find it by this file."""
        self._write(self._endpoints_file, asdict(endpoints))

    def write_status(self, status: StackStatus) -> None:
        """Say how the children are."""
        self._write(self._status_file, asdict(status))

    def clear(self) -> None:
        """Take both back."""
        for path in (self._endpoints_file, self._status_file):
            path.unlink(missing_ok=True)

    def read_endpoints(self) -> Endpoints | None:
        """Where the stack listens, None if it does not say."""
        stored = self._read(self._endpoints_file)
        return None if stored is None else Endpoints(**stored)

    def read_status(self) -> StackStatus:
        """How the stack is; files that a killed supervisor left behind are not believed."""
        pid = self.owner()
        stored = self._read(self._status_file)
        if pid is None or stored is None or stored["pid"] != pid:
            return StackStatus(running=pid is not None, pid=pid)
        children = tuple(ChildStatus(**child) for child in stored["children"])
        return StackStatus(True, pid, self.read_endpoints(), children, tuple(stored["notes"]))

    def _locked(self, descriptor: int) -> bool:
        # Whoever asks for the owner holds the lock for an instant, so one refusal proves nothing.
        for _ in range(10):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.02)
            else:
                return True
        return False

    def _write(self, path: Path, value: Mapping[str, Any]) -> None:
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(value, indent=1) + "\n")
        fresh.replace(path)

    def _read(self, path: Path) -> dict[str, Any] | None:
        try:
            stored: dict[str, Any] = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        return stored
