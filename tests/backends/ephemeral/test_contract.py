"""What every store of ephemeral things does."""

from __future__ import annotations

import asyncio
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from services.backends.ephemeral.fake import FakeEphemeralStore
from services.backends.ephemeral.protocol import EphemeralStore
from services.backends.ephemeral.redis import RedisEphemeralStore
from services.runtime.errors import BackendUnavailableError

BRIEFLY_S = 0.05

StartRedis = Callable[[Path], AbstractContextManager[tuple[str, "subprocess.Popen[bytes]"]]]


@pytest.fixture(params=["fake", "embedded", "server"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[EphemeralStore]:
    if request.param == "fake":
        yield FakeEphemeralStore()
        return
    name = "embedded_redis_url" if request.param == "embedded" else "redis_server_url"
    redis = RedisEphemeralStore(request.getfixturevalue(name))
    yield redis
    await redis.aclose()


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


async def until_gone(store: EphemeralStore, key: str) -> None:
    deadline = time.monotonic() + 5
    while await store.get(key) is not None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_keeps_values(store: EphemeralStore, key: str) -> None:
    assert await store.get(key) is None
    await store.put(key, b"\x00one", 60)
    assert await store.get(key) == b"\x00one"
    await store.put(key, b"two", 60)
    assert await store.get(key) == b"two"


async def test_deletes(store: EphemeralStore, key: str) -> None:
    await store.put(key, b"x", 60)
    assert await store.delete(key)
    assert not await store.delete(key)
    assert await store.get(key) is None


async def test_values_expire(store: EphemeralStore, key: str) -> None:
    await store.put(key, b"x", BRIEFLY_S)
    await until_gone(store, key)
    assert not await store.delete(key)


async def test_refuses_a_lifetime_of_nothing(store: EphemeralStore, key: str) -> None:
    with pytest.raises(ValueError, match="positive"):
        await store.put(key, b"x", 0)


async def test_one_owner_holds_a_lease(store: EphemeralStore, key: str) -> None:
    assert await store.acquire_lease(key, "one", 60)
    assert await store.acquire_lease(key, "one", 60)
    assert not await store.acquire_lease(key, "two", 60)
    await store.release_lease(key, "two")
    assert not await store.acquire_lease(key, "two", 60)
    await store.release_lease(key, "one")
    assert await store.acquire_lease(key, "two", 60)


async def test_a_lease_runs_out(store: EphemeralStore, key: str) -> None:
    assert await store.acquire_lease(key, "one", BRIEFLY_S)
    await until_gone(store, key)
    assert await store.acquire_lease(key, "two", 60)


async def test_renewing_prolongs(store: EphemeralStore, key: str) -> None:
    assert await store.acquire_lease(key, "one", BRIEFLY_S)
    assert await store.acquire_lease(key, "one", 60)
    await asyncio.sleep(2 * BRIEFLY_S)
    assert not await store.acquire_lease(key, "two", 60)


async def test_only_one_of_many_gets_a_lease(store: EphemeralStore, key: str) -> None:
    taken = await asyncio.gather(*(store.acquire_lease(key, str(owner), 60) for owner in range(20)))
    assert sum(taken) == 1


async def test_every_listener_hears_all_from_when_it_listens(store: EphemeralStore, key: str) -> None:
    await store.publish(key, b"too early")
    async with store.subscribe(key) as first, store.subscribe(key) as second, store.subscribe(key + "x") as other:
        for message in (b"1", b"2"):
            await store.publish(key, message)
        await store.publish(key + "x", b"3")
        for listener in (first, second):
            assert [await anext(listener), await anext(listener)] == [b"1", b"2"]
        assert await anext(other) == b"3"


async def test_waiting_for_a_message_may_be_given_up_and_taken_up_again(store: EphemeralStore, key: str) -> None:
    async with store.subscribe(key) as messages:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(messages), BRIEFLY_S)
        await store.publish(key, b"1")
        assert await anext(messages) == b"1"


async def test_listening_outlasts_the_deadline_of_a_call(embedded_redis_url: str, key: str) -> None:
    store = RedisEphemeralStore(embedded_redis_url, timeout_s=BRIEFLY_S)
    async with store.subscribe(key) as messages:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(messages), 6 * BRIEFLY_S)
        await store.publish(key, b"1")
        assert await anext(messages) == b"1"
    await store.aclose()


async def test_a_listener_is_told_when_redis_goes(tmp_path: Path, key: str, start_redis: StartRedis) -> None:
    with start_redis(tmp_path) as (url, process):
        store = RedisEphemeralStore(url, timeout_s=0.5)
        async with store.subscribe(key) as messages:
            process.kill()
            for _ in range(2):
                with pytest.raises(BackendUnavailableError, match="redis"):
                    await asyncio.wait_for(anext(messages), 20)
        await store.aclose()


async def test_answers(store: EphemeralStore) -> None:
    assert await store.ping()


async def test_says_when_redis_is_not_there() -> None:
    store = RedisEphemeralStore("unix:///nonexistent/redis.sock", timeout_s=0.2)
    assert not await store.ping()
    with pytest.raises(BackendUnavailableError, match="redis"):
        await store.get("x")
    await store.aclose()
