from __future__ import annotations

import asyncio
import logging

import pytest

from services.backends.ephemeral.fake import FakeEphemeralStore
from services.ingest.identifiers import lease_name, stop_key
from services.ingest.lease import LeaseLostError, StopRequestedError, VideoLease, owner_name
from services.ingest.settings import LeaseSettings
from services.ingest.wakeups import listening
from services.runtime.errors import BackendUnavailableError

LOGGER = logging.getLogger("services.ingest.test")
VIDEO = "0" * 32


class AwayStore(FakeEphemeralStore):
    """A store that can go away."""

    away = False

    async def acquire_lease(self, name: str, owner: str, ttl_s: float) -> bool:
        if self.away:
            raise BackendUnavailableError("redis", "it is away")
        return await super().acquire_lease(name, owner, ttl_s)


@pytest.fixture
def store() -> AwayStore:
    return AwayStore()


def lease_of(store: AwayStore, owner: str = "me", **options) -> VideoLease:
    return VideoLease(store, VIDEO, owner, LeaseSettings(ttl_s=0.6), LOGGER, **options)


async def test_one_owner_at_a_time(store):
    mine, other = lease_of(store), lease_of(store, "other")
    assert await mine.take()
    assert await mine.take()
    assert not await other.take()
    await mine.release()
    assert await other.take()


async def test_it_is_renewed_while_work_goes_on_and_free_afterwards(store):
    mine, other = lease_of(store), lease_of(store, "other")
    assert await mine.take()
    async with mine.kept():
        for _ in range(5):
            await asyncio.sleep(0.25)  # That time passes is what is tested: more than twice the lease's.
            assert not await other.take()
    assert await other.take()


async def test_work_is_broken_off_when_another_has_the_lease(store):
    mine = lease_of(store)
    assert await mine.take()

    async def work() -> None:
        async with mine.kept():
            await store.delete(lease_name(VIDEO))
            assert await lease_of(store, "other").take()
            await asyncio.wait_for(asyncio.Event().wait(), 20.0)

    with pytest.raises(LeaseLostError):
        await work()


async def test_work_is_broken_off_on_request(store):
    mine = lease_of(store)
    assert await mine.take()

    async def work() -> None:
        async with mine.kept():
            await store.put(stop_key(VIDEO), b"delete", 10.0)
            await asyncio.wait_for(asyncio.Event().wait(), 20.0)

    with pytest.raises(StopRequestedError):
        await work()
    await lease_of(store, heeds_stop=False).still_ours()


async def test_a_cancel_from_outside_stays_a_cancel(store):
    mine, inside = lease_of(store), asyncio.Event()
    assert await mine.take()

    async def work() -> None:
        async with mine.kept():
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await lease_of(store, "other").take()


async def test_a_store_that_is_away_does_not_stop_the_work(store):
    mine = lease_of(store)
    assert await mine.take()
    store.away = True
    await mine.still_ours()


async def test_owners_have_different_names():
    assert owner_name() != owner_name()


async def test_what_is_published_wakes_whoever_listens(store):
    async with listening(store, "channel") as wakeups:
        await wakeups.wait(1.0)
        assert not await wakeups.wait(0.02)
        await store.publish("channel", b"now")
        assert await wakeups.wait(5.0)
        assert not await wakeups.wait(0.02)
