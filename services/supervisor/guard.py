"""Sweeps the children's process groups and shared memory when the supervisor is killed.

The kernel ends each child with the supervisor (PR_SET_PDEATHSIG), but not what a child has started itself: Triton's
stubs look for their server now and then, and were seen to stay for more than 20 s when it was killed inside a call.
So a process that does nothing else waits for the end of a pipe that only the supervisor holds open.

Run as a file, ``python -S guard.py``: it imports only what is needed for that.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

SHARED_MEMORY = Path("/dev") / "shm"


class Guard:
    """The supervisor's end: says which process groups there are."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Its own session, so that a signal to the supervisor's group does not take it along.
            start_new_session=True,
        )

    def watch(self, group: int, shared_memory: str = "") -> None:
        """Sweep this process group, and shared memory whose name begins so, if the supervisor dies."""
        self._tell(f"+{group}\n")
        if shared_memory:
            self._tell(f"m{shared_memory}\n")

    def forget(self, group: int) -> None:
        """The group has ended."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """Let it go, and wait until it has gone."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        if self._process.stdin is None or self._process.stdin.closed:
            return
        # Without its guard a stack still runs and still stops cleanly.
        with suppress(OSError):
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()


def sweep_shared_memory(prefix: str) -> None:
    """Remove the shared memory of processes that have ended, which those that were killed could not; "" is nobody's."""
    for region in SHARED_MEMORY.glob(f"{prefix}*") if prefix else ():
        region.unlink(missing_ok=True)


def main() -> None:
    """Read until the supervisor is gone, then sweep what it had not yet told to be gone."""
    groups: set[int] = set()
    memory: set[str] = set()
    for line in sys.stdin:
        kind, name = line[0], line[1:].strip()
        if kind == "m":
            memory.add(name)
        else:
            (groups.add if kind == "+" else groups.discard)(int(name))
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    for prefix in memory:
        sweep_shared_memory(prefix)


if __name__ == "__main__":
    main()
