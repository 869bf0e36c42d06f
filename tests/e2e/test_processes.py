"""Stopping the stack stops every child, whatever way it is stopped."""

import os
import signal
from collections.abc import Callable

import pytest

from evaluation.truth import Film

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
# Triton's stubs notice by themselves that their server is gone; that takes them 4 to 6 seconds.
GRACE_S = 20.0


def test_down_leaves_no_process(film: Film, start, ended: Callable[[int, float], bool]) -> None:
    with start() as machine:
        processes = machine.processes()
        assert len(processes) >= 5, processes
        assert machine.command("down").returncode == 0
        assert {pid: line for pid, line in processes.items() if not ended(pid, GRACE_S)} == {}
        assert not machine.status().running
        assert machine.command("status").returncode == 3


def test_a_killed_supervisor_leaves_no_process(film: Film, start, ended: Callable[[int, float], bool]) -> None:
    with start() as machine:
        processes = machine.processes()
        os.kill(machine.status().pid, signal.SIGKILL)
        assert {pid: line for pid, line in processes.items() if not ended(pid, GRACE_S)} == {}
        done = machine.command("search", "--like", "a" * 32)
        assert done.returncode == 3, done.stderr
