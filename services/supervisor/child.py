"""One child process: started so that it cannot outlive us, stopped so that nothing of it stays."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from services.supervisor.errors import ChildFailedError
from services.supervisor.guard import sweep_shared_memory
from services.supervisor.tether import tethered

SOURCE_ROOT = Path(__file__).resolve().parents[2]
LOG_LIMIT_BYTES = 10 * 2**20
TAIL_BYTES = 65536
LONGEST_WORDS = 400
PROBE_PAUSE_S = 0.05
PROBE_LIMIT_S = 5.0

Probe = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How to run a child.

    Attributes:
        name: For people, and the name of its log.
        argv: Program and arguments.
        environment: Its whole environment.
        probe: Returns when the child can really be used and raises until then; None if running is all there is to ask.
        after: Names of the children that must be ready first, as far as there are such; they are stopped after it.
        stop_signal: What makes it finish its work and leave.
        stop_s: Time it has for that, in seconds.
        ready_s: Longest wait for the probe, in seconds.
        address: Where it listens, for people.
        shared_memory: How the names of its shared memory begin; what it leaves of it is removed once it has ended.
    """

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    probe: Probe | None = None
    after: tuple[str, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 15.0
    ready_s: float = 120.0
    address: str = field(default="")
    shared_memory: str = field(default="")


class Child:
    """A running child.

    Args:
        spec: How it was run.
        process: The process.
        log: Where it writes.
    """

    def __init__(self, spec: ChildSpec, process: asyncio.subprocess.Process, log: Path) -> None:
        self.spec = spec
        self.log = log
        self._process = process
        self._exited = asyncio.ensure_future(process.wait())

    @classmethod
    async def start(cls, spec: ChildSpec, log_dir: Path) -> Child:
        """Start a process that the kernel kills when this one ends, in whatever way it ends."""
        log = log_dir / f"{spec.name}.log"
        with suppress(FileNotFoundError):
            if log.stat().st_size > LOG_LIMIT_BYTES:
                log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as stream:
            process = await asyncio.create_subprocess_exec(
                *tethered(spec.argv, spec.environment),
                env=dict(spec.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                # A session of its own: Ctrl-C of a terminal does not reach it, and its group can be swept.
                start_new_session=True,
            )
        return cls(spec, process, log)

    @property
    def pid(self) -> int:
        """Its process id, which is also its process group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return not self._exited.done()

    async def wait(self) -> int:
        """Its exit status, once it has ended."""
        return await asyncio.shield(self._exited)

    async def until_ready(self) -> None:
        """Wait for the probe.

        Raises:
            ChildFailedError: It ended, or did not answer in time.
        """
        if self.spec.probe is None:
            return
        last: Exception | None = None
        try:
            async with asyncio.timeout(self.spec.ready_s):
                while self.alive:
                    try:
                        async with asyncio.timeout(PROBE_LIMIT_S):
                            await self.spec.probe()
                        return
                    except Exception as error:
                        last = error
                    await asyncio.wait({self._exited}, timeout=PROBE_PAUSE_S)
        except TimeoutError:
            raise ChildFailedError(f"{self._who()} was not ready within {self.spec.ready_s:g} s: {last}") from last
        said = last_words(self.log)
        raise ChildFailedError(f"{self._who()} ended with status {self._exited.result()} before it was ready: {said}")

    async def stop(self) -> None:
        """Ask it to leave, insist after a while, and sweep what it may have left behind."""
        if self.alive:
            with suppress(ProcessLookupError):
                self._process.send_signal(self.spec.stop_signal)
            await asyncio.wait({self._exited}, timeout=self.spec.stop_s)
        await self.kill()

    async def kill(self) -> None:
        """End it and its process group now."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        await self._exited
        sweep_shared_memory(self.spec.shared_memory)

    def _who(self) -> str:
        return f"{self.spec.name} (log: {self.log})"


def python_environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment for a child that runs our code, wherever it is started from: installed or in its source tree."""
    path = [str(SOURCE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1", **(changes or {})}


def last_words(log: Path) -> str:
    """The last line of a log in short, for people; of a line of ours the message and what the trace ends with."""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - TAIL_BYTES))
        lines = stream.read().decode(errors="replace").strip().splitlines()
    last = lines[-1] if lines else "it said nothing"
    with suppress(ValueError, TypeError, KeyError):
        line = json.loads(last)
        trace = str(line.get("trace", "")).strip().splitlines()
        last = ": ".join([line["message"], *trace[-1:]])
    return last[:LONGEST_WORDS]
