from __future__ import annotations

import asyncio
import json
import logging
import os
import select
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.supervisor.child import Child, ChildSpec, last_words
from services.supervisor.errors import ChildFailedError
from services.supervisor.state import ChildStatus
from services.supervisor.supervisor import RestartPolicy, Supervisor

Toy = Callable[..., ChildSpec]


class Watched:
    """A supervisor, and everything that it reported."""

    def __init__(self, log_dir: Path, policy: RestartPolicy | None) -> None:
        self.reports: list[ChildStatus] = []
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self.supervisor = Supervisor(log_dir, self._report, logging.getLogger("test"), policy)

    def states(self, name: str) -> list[str]:
        """The states of a child, in order, without repeats."""
        all_states = [report.state for report in self.reports if report.name == name]
        return [state for index, state in enumerate(all_states) if index == 0 or all_states[index - 1] != state]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(condition), 20)

    def _report(self, status: ChildStatus) -> None:
        self.reports.append(status)
        task = asyncio.ensure_future(self._notify())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def watched(log_dir: Path, policy: RestartPolicy | None = None) -> AsyncIterator[Watched]:
    made = Watched(log_dir, policy)
    try:
        yield made
    finally:
        await made.supervisor.stop()


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_children_start_after_those_they_need_and_stop_before_them(toy: Toy, log_dir: Path) -> None:
    async with watched(log_dir) as made:
        store = toy("store", listens=True)
        service = toy("service", listens=True, after=("store",))
        await made.supervisor.start([service, store])
        ready = [report.name for report in made.reports if report.state == "ready"]
        assert ready == ["store", "service"]
        pids = [status.pid for status in made.supervisor.status]
        await made.supervisor.stop()
    assert [report.name for report in made.reports if report.state == "stopped"] == ["service", "store"]
    assert all(pid is not None and gone(pid) for pid in pids)


async def test_a_child_that_dies_is_started_again_and_said_so(toy: Toy, log_dir: Path) -> None:
    async with watched(log_dir, RestartPolicy(first_pause_s=0.01)) as made:
        await made.supervisor.start([toy("store", listens=True)])
        first = made.supervisor.status[0].pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await made.until(lambda: made.states("store") == ["starting", "ready", "restarting", "ready"])
        status = made.supervisor.status[0]
        assert status.restarts == 1
        assert status.pid not in {None, first}


async def test_a_child_that_keeps_dying_is_given_up(toy: Toy, log_dir: Path) -> None:
    async with watched(log_dir, RestartPolicy(most=2, first_pause_s=0.01)) as made:
        await made.supervisor.start([toy("store", "raise SystemExit(3)")])
        await made.until(lambda: made.states("store")[-1] == "failed")
        assert made.supervisor.status[0].restarts == 2


async def test_a_child_that_ends_before_it_is_ready_fails_the_start(toy: Toy, log_dir: Path) -> None:
    async with watched(log_dir) as made:
        spec = toy("store", "print('no room', flush=True); raise SystemExit(3)", probe=_never)
        with pytest.raises(ChildFailedError, match=r"store \(log: .*store\.log\) ended with status 3 .*: no room"):
            await made.supervisor.start([spec, toy("other", listens=True)])
    assert made.states("other")[-1] == "stopped"


async def test_a_child_that_is_never_ready_fails_the_start_in_time(toy: Toy, log_dir: Path) -> None:
    async with watched(log_dir) as made:
        spec = toy("store", "import signal; signal.pause()", probe=_never, ready_s=0.3)
        with pytest.raises(ChildFailedError, match=r"not ready within 0\.3 s: not yet"):
            await made.supervisor.start([spec])


async def test_a_stubborn_child_and_its_own_children_are_swept(toy: Toy, log_dir: Path) -> None:
    program = """
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = os.fork()
if grandchild:
    print(grandchild, flush=True)
signal.pause()
"""
    log = log_dir / "stubborn.log"

    async def told() -> None:
        if not log.read_text().strip():
            raise ConnectionError("not yet")

    child = await Child.start(toy("stubborn", program, stop_s=0.2, probe=told), log_dir)
    await child.until_ready()
    grandchild = os.pidfd_open(int(log.read_text()))
    await child.stop()
    try:
        ended, _, _ = await asyncio.to_thread(select.select, [grandchild], [], [], 10.0)
    finally:
        os.close(grandchild)
    assert ended
    assert gone(child.pid)


def test_the_last_words_of_our_own_logs_are_read(log_dir: Path) -> None:
    log = log_dir / "search.log"
    trace = "Traceback (most recent call last):\n  File x\nConnectionError: milvus is away"
    log.write_text("noise\n" + json.dumps({"message": "cannot serve", "trace": trace}) + "\n")
    assert last_words(log) == "cannot serve: ConnectionError: milvus is away"
    log.write_text("")
    assert last_words(log) == "it said nothing"


async def test_a_long_log_is_put_aside(toy: Toy, log_dir: Path) -> None:
    (log_dir / "store.log").write_bytes(b"x" * (11 * 2**20))
    child = await Child.start(toy("store", "print('fresh', flush=True)"), log_dir)
    await child.wait()
    assert (log_dir / "store.log").read_text() == "fresh\n"
    assert (log_dir / "store.log.1").stat().st_size == 11 * 2**20


async def _never() -> None:
    raise ConnectionError("not yet")
