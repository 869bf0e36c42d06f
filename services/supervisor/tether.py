"""Becomes a program that the kernel kills when its parent ends: ``python -I -S tether.py PARENT ARGV``.

A child could arm this itself between fork and exec (`preexec_fn`), but then Python forks, and so gRPC's handlers run in
a process that has its threads: a poller that is stopped and started around each fork was seen to end our own process
with a segmentation fault (grpc/grpc issue 43055 is of that kind). Without it Python uses vfork, which runs no handlers.

The signal comes when the *thread* that started the child ends: start children from the main thread.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence

__all__ = ["tethered"]

PR_SET_PDEATHSIG = 1


def tethered(argv: Sequence[str], environment: Mapping[str, str] | None = None) -> list[str]:
    """The command that becomes `argv`, tied to this process, with the same process id throughout.

    Args:
        argv: Program and arguments; a program without a slash is looked for on PATH.
        environment: That it will have; ours when left out.

    Raises:
        FileNotFoundError: If there is no such program.
    """
    path = (os.environ if environment is None else environment).get("PATH")
    program = shutil.which(argv[0], path=path)
    if program is None:
        raise FileNotFoundError(f"there is no program {argv[0]!r} that can be run")
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), program, *argv[1:]]


def main(parent: int, argv: list[str]) -> None:
    """Arm, and become the program; leave with 1 when the parent has gone already."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # If the parent died before the line above, nobody will send the signal any more.
    if os.getppid() != parent:
        os._exit(1)
    os.execv(argv[0], argv)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
