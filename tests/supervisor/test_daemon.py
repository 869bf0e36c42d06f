"""A whole supervisor process with a real Redis and toy services: up, down, and killed."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from packs.testing import write_tiny_pack
from services.runtime.settings import StackSettings
from services.supervisor import api
from services.supervisor.errors import SupervisorError
from services.supervisor.guard import SHARED_MEMORY
from services.supervisor.state import StateDir

DAEMON = '''
import asyncio, logging, os, sys
from services.runtime.settings import StackSettings
from services.supervisor.child import ChildSpec
from services.supervisor.daemon import Progress, StackDaemon
from services.supervisor.guard import SHARED_MEMORY
from services.supervisor.state import StateDir

HOLD = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"
WELL = f"""
import signal, subprocess, sys
print(subprocess.Popen([sys.executable, '-S', '-c', {HOLD!r}]).pid, flush=True)
signal.pause()
"""
ARGV = [sys.executable, "-S", "-c", {"well": WELL, "ill": "raise SystemExit(7)"}[sys.argv[1]]]

def toy(name, *after):
    async def probe():
        if not (state.logs / f"{name}.log").read_text():
            raise ConnectionError("not yet")
    memory = f"personsearch_{name}_{os.getpid()}_"
    return ChildSpec(name, ARGV, dict(os.environ), probe, after=after, shared_memory=memory)

def toys(plan, inference, triton_address):
    return [toy("search"), toy("worker", "search")]

state = StateDir(StackSettings().state_dir)
state.create()
lock = state.take_lock()
daemon = StackDaemon(StackSettings(), state, Progress(sys.stdout), logging.getLogger("test"), toys)
sys.exit(asyncio.run(daemon.run()))
'''


@contextmanager
def supervising(tmp_path: Path, kind: str) -> Iterator[tuple[subprocess.Popen[str], list[dict[str, Any]], StateDir]]:
    """The process, everything that it told until it was up or had failed, and its state."""
    (tmp_path / "pack").mkdir()
    write_tiny_pack(tmp_path / "pack")
    environment = os.environ | {
        "PERSONSEARCH_STATE_DIR": str(tmp_path / "state"),
        "PERSONSEARCH_PACK": str(tmp_path / "pack"),
        "PERSONSEARCH_INFERENCE__KIND": "local",
        "PERSONSEARCH_MILVUS__URI": "http://127.0.0.1:1",
    }
    process = subprocess.Popen([sys.executable, "-c", DAEMON, kind], env=environment, stdout=subprocess.PIPE, text=True)
    with process:
        try:
            assert process.stdout is not None
            events = []
            for line in process.stdout:
                events.append(json.loads(line))
                if events[-1]["event"] in {"up", "failed"}:
                    break
            yield process, events, StateDir(tmp_path / "state")
        finally:
            process.kill()


def ended(descriptors: list[int]) -> bool:
    """Whether all these processes end within ten seconds."""
    left = list(descriptors)
    while left:
        readable, _, _ = select.select(left, [], [], 10.0)
        if not readable:
            return False
        left = [descriptor for descriptor in left if descriptor not in readable]
    return True


@pytest.fixture
def watch() -> Iterator[Any]:
    """Open descriptors of processes, which name them even after they have ended."""
    opened: list[int] = []

    def open_all(pids: list[int]) -> list[int]:
        fresh = [os.pidfd_open(pid) for pid in pids]
        opened.extend(fresh)
        return fresh

    yield open_all
    for descriptor in opened:
        os.close(descriptor)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_however_it_ends_no_child_stays(tmp_path: Path, watch: Any, end: signal.Signals) -> None:
    with supervising(tmp_path, "well") as (process, events, state):
        assert events[-1] == {"event": "up"}
        status = state.read_status()
        assert {child.name: child.state for child in status.children} == dict.fromkeys(
            ("redis", "search", "worker"), "ready"
        )
        assert status.endpoints is not None
        assert status.endpoints.milvus_uri == "http://127.0.0.1:1"
        children = watch([child.pid for child in status.children])
        guard = watch([pid for pid in children_of(process.pid) if pid not in {child.pid for child in status.children}])
        grandchildren = watch([int((state.logs / f"{name}.log").read_text()) for name in ("search", "worker")])
        left_behind = SHARED_MEMORY / f"personsearch_search_{process.pid}_region"
        left_behind.touch()
        process.send_signal(end)
        code = process.wait(20)
        assert ended([*children, *grandchildren, *guard])
        assert not left_behind.exists()
        assert code == (0 if end != signal.SIGKILL else -signal.SIGKILL)
        assert not state.read_status().running
        assert (state.path / "endpoints.json").exists() == (end == signal.SIGKILL)


def test_down_stops_it_and_waits(tmp_path: Path, watch: Any) -> None:
    with supervising(tmp_path, "well") as (process, _, state):
        settings = StackSettings(state_dir=state.path)
        children = watch([child.pid for child in api.status(settings).children])
        assert api.up(settings) == state.read_endpoints()
        assert api.down(settings) is True
        assert process.wait(1) == 0
        assert ended(children)
        assert api.down(settings) is False


def test_a_service_that_cannot_start_fails_the_stack_and_leaves_nothing(tmp_path: Path) -> None:
    with supervising(tmp_path, "ill") as (process, events, state):
        assert events[-1]["event"] == "failed"
        assert "search (log:" in events[-1]["why"]
        assert process.wait(20) == 1
        assert not (state.path / "endpoints.json").exists()


def test_up_says_why_it_failed(tmp_path: Path) -> None:
    settings = StackSettings(state_dir=tmp_path / "state", pack=tmp_path / "nowhere")
    told: list[api.ProgressEvent] = []
    with pytest.raises(SupervisorError, match=r"pack\.json is absent"):
        api.up(settings, told.append)
    assert "failed" in {event.kind for event in told}
    assert not api.status(settings).running


def children_of(pid: int) -> list[int]:
    """Process ids of the direct children of a process."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]
