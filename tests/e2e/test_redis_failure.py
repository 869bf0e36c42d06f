"""Redis emptied, hung and killed under a load of queries: every query is answered, and all is as before by itself."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis

from evaluation.truth import Film
from personsearch.client import PersonSearchClient
from personsearch.query import portrait

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
GALLERY = "demo"
ASKERS = 4
PATIENCE_S = 240.0


@dataclass
class Load:
    """Askers that never stop: what each answer found, and what it had to do without."""

    client: PersonSearchClient
    portrait: Path
    answers: list[tuple[frozenset[str], bool]] = field(default_factory=list)
    answered: asyncio.Condition = field(default_factory=asyncio.Condition)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self) -> tuple[frozenset[str], bool]:
        response = await self.client.search([portrait(self.portrait)], gallery=GALLERY, top_k=200)
        return frozenset(hit.appearance.appearance_id for hit in response.hits if hit.score >= 0.1), bool(
            response.degraded
        )

    async def run(self) -> None:
        while not self.ended.is_set():
            answer = await self.ask()
            async with self.answered:
                self.answers.append(answer)
                self.answered.notify_all()

    async def until(self, wanted: Callable[[frozenset[str], bool], bool]) -> None:
        """Wait for an answer to a question asked from now on that is as wanted."""
        start = len(self.answers) + ASKERS
        async with asyncio.timeout(PATIENCE_S), self.answered:
            await self.answered.wait_for(lambda: any(wanted(*answer) for answer in self.answers[start:]))


@contextmanager
def hung(pid: int) -> Iterator[None]:
    """A process that is there and does nothing, killed in the end."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)


def test_every_query_is_answered_and_all_is_as_before_by_itself(machine, film: Film) -> None:
    done = machine.command("demo", "--json", timeout_s=600)
    assert done.returncode == 0, done.stderr + machine.logs()
    asyncio.run(under_load(machine, film.portraits[0].path))


async def under_load(machine, picture: Path) -> None:
    endpoints = machine.status().endpoints
    async with PersonSearchClient(endpoints.search_address, endpoints.ingest_address) as client:
        load = Load(client, picture)
        before, degraded = await load.ask()
        assert before
        assert not degraded
        async with asyncio.TaskGroup() as askers:
            for _ in range(ASKERS):
                askers.create_task(load.run())
            await load.until(lambda found, without: found == before and not without)
            with redis.Redis.from_url(endpoints.redis_url) as cache:
                cache.flushall()
            await load.until(lambda found, without: found == before and not without)
            with hung(redis_pid(machine)):
                await load.until(lambda found, without: without and bool(found))
            await load.until(lambda found, without: found == before and not without)
            load.ended.set()
    # Not one failed: an exception would have ended the group. Without associations less is found, and nothing else.
    assert all(found <= before for found, without in load.answers if without)


def redis_pid(machine) -> int:
    (pid,) = [pid for pid, line in machine.processes().items() if "redis-server" in line.partition(" ")[0]]
    return pid
