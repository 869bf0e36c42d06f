from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.supervisor.errors import AlreadyRunningError
from services.supervisor.state import ChildStatus, Endpoints, StackStatus, StateDir

HOLD = """
import sys
from pathlib import Path
from services.supervisor.state import StackStatus, StateDir
state = StateDir(Path(sys.argv[1]))
state.take_lock()
import os
state.write_status(StackStatus(True, os.getpid()))
print("held", flush=True)
sys.stdin.read()
"""

ENDPOINTS = Endpoints(
    "127.0.0.1:1", "127.0.0.1:2", None, "http://127.0.0.1:3", "redis://127.0.0.1:4/0", "file:///m", "local"
)
CHILD = ChildStatus("store", "ready", 7, 0, "127.0.0.1:3", "store.log")


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    made = StateDir(tmp_path / "state")
    made.create()
    return made


def test_a_status_survives_the_disk(state: StateDir) -> None:
    descriptor = state.take_lock()
    try:
        state.write_endpoints(ENDPOINTS)
        state.write_status(StackStatus(True, os.getpid(), None, (CHILD,), ("a note",)))
        assert state.read_status() == StackStatus(True, os.getpid(), ENDPOINTS, (CHILD,), ("a note",))
        assert state.owner() == os.getpid()
    finally:
        os.close(descriptor)


def test_what_a_killed_supervisor_left_is_not_believed(state: StateDir) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert state.owner() == process.pid
        with pytest.raises(AlreadyRunningError, match="personsearch down"):
            state.take_lock()
        process.kill()
    assert state.read_status() == StackStatus(running=False)
    os.close(state.take_lock())


def test_only_the_owner_may_look(state: StateDir) -> None:
    assert state.path.stat().st_mode & 0o077 == 0
