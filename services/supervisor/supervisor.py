"""Keeps children running: starts them in order, restarts one that dies, stops all, and says so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from services.runtime.tasks import end_tasks
from services.supervisor.child import Child, ChildSpec
from services.supervisor.errors import ChildFailedError, first_failure
from services.supervisor.guard import Guard
from services.supervisor.state import ChildStatus

Report = Callable[[ChildStatus], None]


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How patiently a child that dies is started again.

    Attributes:
        most: Restarts in a row before it is given up; a child that stayed ready for ``forgiven_s`` starts anew.
        first_pause_s: Pause before the first restart; each further one is twice as long.
        longest_pause_s: Longest pause.
        forgiven_s: See ``most``.
    """

    most: int = 5
    first_pause_s: float = 0.5
    longest_pause_s: float = 10.0
    forgiven_s: float = 60.0

    def pause_s(self, restart: int) -> float:
        """Pause before the given restart, which counts from 1."""
        return float(min(self.longest_pause_s, self.first_pause_s * 2 ** (restart - 1)))


class Supervisor:
    """The children of one stack.

    Args:
        log_dir: Where their logs go.
        report: Told of every change of a child.
        logger: Where it writes itself.
        policy: How it restarts.
        guard: Told of every process group, to sweep them if this process is killed.
    """

    def __init__(
        self,
        log_dir: Path,
        report: Report,
        logger: logging.Logger,
        policy: RestartPolicy | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._guard = guard
        self._log_dir = log_dir
        self._report = report
        self._logger = logger
        self._policy = policy or RestartPolicy()
        self._children: dict[str, Child] = {}
        self._status: dict[str, ChildStatus] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}

    @property
    def status(self) -> tuple[ChildStatus, ...]:
        """How each child is, in the order in which they were started."""
        return tuple(self._status.values())

    async def start(self, specs: Sequence[ChildSpec]) -> None:
        """Start children, each after those that it names, side by side otherwise; then watch them.

        Raises:
            ChildFailedError: One did not become ready. Those that run go on running: call `stop`.
        """
        ready = {spec.name: asyncio.Event() for spec in specs}
        try:
            async with asyncio.TaskGroup() as group:
                for spec in specs:
                    group.create_task(self._start_after(spec, ready))
        except BaseExceptionGroup as failures:
            raise first_failure(failures) from None
        for spec in specs:
            self._watchers[spec.name] = asyncio.create_task(self._watch(spec))

    async def remove(self, name: str) -> None:
        """Stop one child for good and forget it."""
        watcher = self._watchers.pop(name, None)
        if watcher is not None:
            await end_tasks([watcher])
        child = self._children.pop(name, None)
        if child is not None:
            await child.stop()
            self._swept(child)
        self._status.pop(name, None)

    async def stop(self) -> None:
        """Stop all children, those that were started last first."""
        await end_tasks(self._watchers.values())
        for level in self._levels():
            await asyncio.gather(*(self._stop_one(child) for child in level))
        self._children.clear()

    async def _stop_one(self, child: Child) -> None:
        await child.stop()
        self._swept(child)
        self._note(child.spec.name, state="stopped", pid=None)

    async def _kill(self, child: Child) -> None:
        await child.kill()
        self._swept(child)

    def _swept(self, child: Child) -> None:
        if self._guard is not None:
            self._guard.forget(child.pid)

    def _levels(self) -> list[list[Child]]:
        left = dict(self._children)
        levels = []
        while left:
            needed = {name for child in left.values() for name in child.spec.after}
            level = [child for name, child in left.items() if name not in needed]
            levels.append(level)
            left = {name: child for name, child in left.items() if child not in level}
        return levels

    async def _start_after(self, spec: ChildSpec, ready: dict[str, asyncio.Event]) -> None:
        for name in spec.after:
            if name in ready:
                await ready[name].wait()
        self._status[spec.name] = ChildStatus(
            spec.name, "starting", None, 0, spec.address, str(self._log_dir / f"{spec.name}.log")
        )
        await self._start(spec)
        ready[spec.name].set()

    async def _start(self, spec: ChildSpec) -> None:
        child = await Child.start(spec, self._log_dir)
        self._children[spec.name] = child
        if self._guard is not None:
            self._guard.watch(child.pid, spec.shared_memory)
        self._note(spec.name, pid=child.pid)
        await child.until_ready()
        self._note(spec.name, state="ready")

    async def _watch(self, spec: ChildSpec) -> None:
        in_a_row = 0
        loop = asyncio.get_running_loop()
        while True:
            since = loop.time()
            code = await self._children[spec.name].wait()
            in_a_row = 1 if loop.time() - since > self._policy.forgiven_s else in_a_row + 1
            # What it left behind would hold its port.
            await self._kill(self._children[spec.name])
            if in_a_row > self._policy.most:
                self._note(spec.name, state="failed", pid=None)
                return
            self._restarting(spec, code, in_a_row)
            await asyncio.sleep(self._policy.pause_s(in_a_row))
            try:
                await self._start(spec)
            except ChildFailedError as error:
                self._logger.warning("restart failed", extra={"child": spec.name, "why": str(error)})
                await self._kill(self._children[spec.name])

    def _restarting(self, spec: ChildSpec, code: int, in_a_row: int) -> None:
        restarts = self._status[spec.name].restarts + 1
        self._logger.warning("child died", extra={"child": spec.name, "exit_status": code, "in_a_row": in_a_row})
        self._note(spec.name, state="restarting", pid=None, restarts=restarts)

    def _note(self, name: str, **changes: object) -> None:
        with suppress(KeyError):
            self._status[name] = replace(self._status[name], **changes)  # type: ignore[arg-type]
            self._report(self._status[name])
