"""A program that is tied to whoever started it."""

from __future__ import annotations

import os
import select
import subprocess
import sys

import pytest

from services.supervisor.tether import tethered

PARENT = """
import subprocess, sys
from services.supervisor.tether import tethered
child = subprocess.Popen(tethered([sys.executable, "-c", "import sys; sys.stdin.read()"]), stdin=subprocess.PIPE)
print(child.pid, flush=True)
sys.stdin.read()
"""


def ended(pid: int) -> bool:
    """Wait until a process that is nobody's child here has ended."""
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watch], [], [], 30.0)[0])
    finally:
        os.close(watch)


def test_it_is_the_program_with_its_own_id_and_environment() -> None:
    command = tethered([sys.executable, "-c", "import os; print(os.getpid(), os.environ['WORD'])"])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "WORD": "told"}) as child:
        said, _ = child.communicate(timeout=60)
    assert said.split() == [str(child.pid), "told"]


def test_it_ends_with_its_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        os.kill(pid, 0)
        parent.kill()
        assert ended(pid)


def test_it_does_not_start_for_a_parent_that_is_gone() -> None:
    command = tethered([sys.executable, "-c", "print('ran')"])
    command[command.index(str(os.getpid()))] = "1"
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, b"")


def test_a_program_that_is_not_there_is_an_error_before_anything_starts() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        tethered(["no-such-program"])
