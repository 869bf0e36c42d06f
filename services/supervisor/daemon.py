"""The supervisor process itself: ``python -m services.supervisor`` holds one stack until SIGTERM."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TextIO

from packs.errors import PackError
from services.runtime.settings import StackSettings, pack_shelf
from services.runtime.tasks import end_tasks
from services.supervisor.child import ChildSpec
from services.supervisor.errors import ChildFailedError, SupervisorError, first_failure
from services.supervisor.guard import Guard
from services.supervisor.stack import Plan, inference_child, make_plan, service_children, store_children
from services.supervisor.state import ChildStatus, Endpoints, StackStatus, StateDir
from services.supervisor.supervisor import Supervisor
from services.supervisor.triton import TritonUnavailableError, find_triton, triton_python

ServicePlanner = Callable[[Plan, str, str | None], list[ChildSpec]]


@dataclass(slots=True)
class Progress:
    """Tells whoever started the stack, line by line of JSON, how it goes; silent once they have gone."""

    stream: TextIO | None
    notes: list[str] = field(default_factory=list)

    def say(self, event: str, **facts: object) -> None:
        """Write one event."""
        if self.stream is None:
            return
        try:
            self.stream.write(json.dumps({"event": event, **facts}) + "\n")
            self.stream.flush()
        except OSError:
            self.stream = None

    def note(self, text: str) -> None:
        """Write something that people should know, and keep it for the status."""
        self.notes.append(text)
        self.say("note", text=text)

    def close(self) -> None:
        """End the report."""
        stream, self.stream = self.stream, None
        if stream is not None:
            with suppress(OSError):
                stream.close()


class StackDaemon:
    """One stack, from start to stop.

    Args:
        settings: Of the stack.
        state: Its directory.
        progress: Who is told while it starts.
        logger: Where it writes.
        services: Which services it runs on the stores and the inference; tests run toys.
    """

    def __init__(
        self,
        settings: StackSettings,
        state: StateDir,
        progress: Progress,
        logger: logging.Logger,
        services: ServicePlanner = service_children,
    ) -> None:
        self._services = services
        self._settings = settings
        self._state = state
        self._progress = progress
        self._logger = logger
        self._endpoints: Endpoints | None = None
        self._guard = Guard()
        self._supervisor = Supervisor(state.logs, self._on_change, logger, guard=self._guard)

    async def run(self) -> int:
        """Start, tell, hold, stop. Returns the exit status."""
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        self._state.clear()
        try:
            return await self._run(stopping)
        finally:
            await self._supervisor.stop()
            self._guard.close()
            self._state.clear()
            self._logger.info("stack stopped")

    async def _run(self, stopping: asyncio.Event) -> int:
        starting = asyncio.create_task(self._start())
        ending = asyncio.create_task(stopping.wait())
        await asyncio.wait({starting, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            await end_tasks([starting])
            self._progress.say("failed", why="it was told to stop while it started")
            return 1
        try:
            self._endpoints = starting.result()
        except (SupervisorError, PackError, OSError) as error:
            ending.cancel()
            self._logger.error("stack failed", extra={"why": str(error)})
            self._progress.say("failed", why=str(error))
            return 1
        self._state.write_endpoints(self._endpoints)
        self._write_status()
        self._logger.info("stack up")
        self._progress.say("up")
        self._progress.close()
        await ending
        return 0

    async def _start(self) -> Endpoints:
        plan = make_plan(self._settings)
        # Its folder may hold another pack one day: what was embedded with this one can then still be compared with.
        await asyncio.to_thread(pack_shelf(self._settings.state_dir).keep, plan.pack)
        try:
            async with asyncio.TaskGroup() as group:
                inferring = group.create_task(self._start_inference(plan))
                group.create_task(self._supervisor.start(store_children(plan)))
        except BaseExceptionGroup as failures:
            raise first_failure(failures) from None
        inference, triton_address = inferring.result()
        await self._supervisor.start(self._services(plan, inference, triton_address))
        return plan.endpoints(inference, triton_address)

    async def _start_inference(self, plan: Plan) -> tuple[str, str | None]:
        """Where networks run: another Triton, our own, or inside the services."""
        wanted = plan.settings.inference
        if wanted.address is not None:
            return "triton", wanted.address
        if wanted.kind == "local":
            return "local", None
        try:
            installation = await asyncio.to_thread(find_triton, triton_python(plan.settings))
            child = inference_child(plan, installation)
            await self._supervisor.start([child])
        except (TritonUnavailableError, ChildFailedError) as error:
            if wanted.kind == "triton":
                raise SupervisorError(f"Triton was asked for and cannot run: {error}") from error
            await self._supervisor.remove("triton")
            self._progress.note(f"Triton cannot run here, networks run inside the services: {error}")
            return "local", None
        return "triton", child.address

    def _on_change(self, child: ChildStatus) -> None:
        self._logger.info("child", extra={"child": child.name, "state": child.state, "pid": child.pid})
        self._progress.say("child", name=child.name, state=child.state)
        self._write_status()

    def _write_status(self) -> None:
        status = StackStatus(True, os.getpid(), None, self._supervisor.status, tuple(self._progress.notes))
        self._state.write_status(status)
