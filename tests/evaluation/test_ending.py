"""A measurement that gets SIGTERM stops its stack, also from inside of a loop of asyncio."""

from __future__ import annotations

import signal
import subprocess
import sys

PROGRAM = """
import asyncio
from evaluation.ending import end_when_told

async def measure():
    print("measuring", flush=True)
    await asyncio.Event().wait()

end_when_told()
try:
    asyncio.run(measure())
finally:
    print("stopped the stack", flush=True)
"""


def test_sigterm_leaves_by_way_of_finally() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "measuring\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "stopped the stack\n"
        assert process.wait() == 143
