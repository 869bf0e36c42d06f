"""What the command line and tests call: `up`, `down`, `status`."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO

from services.runtime.settings import StackSettings, variable
from services.supervisor.child import python_environment
from services.supervisor.errors import SupervisorError
from services.supervisor.state import Endpoints, StackStatus, StateDir

__all__ = ["Endpoints", "ProgressEvent", "StackStatus", "SupervisorError", "down", "status", "up"]

STOP_S = 60.0


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """Something that happens while a stack starts.

    Attributes:
        kind: ``child`` (a child changed), ``note`` (people should know), ``up`` or ``failed``.
        name: The child's name.
        state: The child's state.
        text: The note, or why it failed.
    """

    kind: str
    name: str = ""
    state: str = ""
    text: str = ""


def up(settings: StackSettings, progress: Callable[[ProgressEvent], None] | None = None) -> Endpoints:
    """Start the stack of ``settings.state_dir`` in the background and wait until it is ready; if it runs, say where.

    Raises:
        SupervisorError: It did not come up; nothing of it is left running.
    """
    state = StateDir(settings.state_dir)
    state.create()
    running = state.read_status()
    if running.running:
        return _endpoints_of(running, state)
    outcome = ProgressEvent("failed", text="the supervisor ended")
    try:
        # Ends when the stack is up, or when it has failed and nothing of it is left.
        with _spawn(settings, state) as events:
            for event in _events(events):
                if event.kind in {"up", "failed"}:
                    outcome = event
                if progress is not None:
                    progress(event)
    except BaseException:
        # A stack that nobody waits for any more is not left half started.
        down(settings)
        raise
    if outcome.kind != "up":
        raise SupervisorError(f"the stack did not start: {outcome.text} (logs: {state.logs})")
    endpoints = state.read_endpoints()
    if endpoints is None:
        raise SupervisorError(f"the stack stopped as soon as it was up; its log is {state.logs / 'supervisor.log'}")
    return endpoints


def down(settings: StackSettings) -> bool:
    """Stop the stack and wait until it and all its children have ended. False if none ran.

    Raises:
        SupervisorError: It did not stop, even when killed.
    """
    state = StateDir(settings.state_dir)
    pid = state.owner()
    if pid is None:
        state.clear()
        return False
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            # Only the one whose lock it still is: the number could be another process by now.
            if state.owner() == pid:
                _end(descriptor)
        finally:
            os.close(descriptor)
    state.clear()
    return True


def status(settings: StackSettings) -> StackStatus:
    """How the stack of ``settings.state_dir`` is."""
    return StateDir(settings.state_dir).read_status()


def _endpoints_of(running: StackStatus, state: StateDir) -> Endpoints:
    if running.endpoints is None:
        raise SupervisorError(f"a stack in {state.path} is starting or stopping (pid {running.pid}); wait for it")
    return running.endpoints


def _spawn(settings: StackSettings, state: StateDir) -> TextIO:
    """Start a supervisor that is nobody's child, and give what it tells."""
    reading, writing = os.pipe()
    try:
        with (state.logs / "supervisor.log").open("ab") as log:
            subprocess.run(
                [sys.executable, "-m", "services.supervisor", "--detach", "--progress-fd", str(writing)],
                # gRPC's fork handlers would hold up a supervisor that forks only to detach itself.
                env=python_environment(_environment(settings) | {"GRPC_ENABLE_FORK_SUPPORT": "false"}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(writing,),
                start_new_session=True,
                check=False,
            )
    finally:
        os.close(writing)
    return os.fdopen(reading)


def _environment(settings: StackSettings) -> dict[str, str]:
    """Settings that were given in code and not by the environment, as the environment of the supervisor."""
    told: dict[str, str] = {}

    def tell(values: dict[str, object], path: tuple[str, ...]) -> None:
        for name, value in values.items():
            if isinstance(value, dict):
                tell(value, (*path, name))
            elif value is not None:
                told[variable(*path, name)] = str(value).lower() if isinstance(value, bool) else str(value)

    tell(settings.model_dump(mode="json", exclude_unset=True), ())
    return told


def _events(lines: TextIO) -> Iterator[ProgressEvent]:
    for line in lines:
        facts = json.loads(line)
        text = facts.get("text") or facts.get("why") or ""
        yield ProgressEvent(facts["event"], facts.get("name", ""), facts.get("state", ""), text)


def _end(descriptor: int) -> None:
    for number, wait_s in ((signal.SIGTERM, STOP_S), (signal.SIGKILL, 10.0)):
        signal.pidfd_send_signal(descriptor, number)
        readable, _, _ = select.select([descriptor], [], [], wait_s)
        if readable:
            return
    raise SupervisorError("the supervisor does not end, even when killed")
