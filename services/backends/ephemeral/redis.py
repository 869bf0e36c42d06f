"""Progress, sessions, leases and wake-up calls in Redis; keys and channels begin with ``personsearch:``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio.client import PubSub

from services.backends.ephemeral.messages import Messages
from services.backends.redis_client import connect, redis_errors
from services.runtime.errors import BackendUnavailableError
from services.runtime.tasks import end_tasks

__all__ = ["RedisEphemeralStore"]

# KEYS[1]: lease. ARGV: owner, milliseconds. Takes a free lease, or renews one's own.
_ACQUIRE = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
# KEYS[1]: lease. ARGV: owner. Another's lease stays.
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class RedisEphemeralStore:
    """`EphemeralStore` on Redis.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        timeout_s: Deadline of a call.
    """

    def __init__(self, url: str, *, timeout_s: float = 5.0) -> None:
        self._redis = connect(url, timeout_s)

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep a value for a while."""
        with redis_errors():
            await self._redis.set(_named(key), value, px=_milliseconds(ttl_s))

    async def get(self, key: str) -> bytes | None:
        """Read a value, or None when there is none any more."""
        with redis_errors():
            value = await self._redis.get(_named(key))
        return value if value is None or isinstance(value, bytes) else value.encode()

    async def delete(self, key: str) -> bool:
        """Forget a value; say whether there was one."""
        with redis_errors():
            return bool(await self._redis.delete(_named(key)))

    async def acquire_lease(self, name: str, owner: str, ttl_s: float) -> bool:
        """Take or renew a lease; False when another owner holds it."""
        with redis_errors():
            return bool(await self._redis.eval(_ACQUIRE, 1, _named(name), owner, str(_milliseconds(ttl_s))))

    async def release_lease(self, name: str, owner: str) -> None:
        """Give a lease back, when `owner` holds it."""
        with redis_errors():
            await self._redis.eval(_RELEASE, 1, _named(name), owner)

    async def publish(self, channel: str, message: bytes) -> None:
        """Send a message to whoever listens now."""
        with redis_errors():
            await self._redis.publish(_named(channel), message)

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Listen to a channel: entered, it is subscribed, and what is published from then on is yielded."""
        listener = self._redis.pubsub()
        messages = Messages()
        reader: asyncio.Task[None] | None = None
        try:
            with redis_errors():
                await listener.subscribe(_named(channel))
                # The server confirms; what is published after that cannot be missed.
                await listener.get_message(timeout=None)
            reader = asyncio.create_task(_read(listener, messages))
            yield messages
        finally:
            if reader is not None:
                await end_tasks([reader])
            await listener.aclose()  # type: ignore[no-untyped-call]

    async def ping(self) -> bool:
        """Say whether Redis answers."""
        try:
            with redis_errors():
                return bool(await self._redis.ping())
        except BackendUnavailableError:
            return False

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._redis.aclose()


async def _read(listener: PubSub, messages: Messages) -> None:
    try:
        while True:
            with redis_errors():
                message = await listener.get_message(ignore_subscribe_messages=True, timeout=None)
            if message is not None:
                messages.put(message["data"])
    except BackendUnavailableError as error:
        messages.put(error)


def _named(key: str) -> str:
    return f"personsearch:{key}"


def _milliseconds(seconds: float) -> int:
    if seconds <= 0:
        raise ValueError(f"a lifetime must be positive, got {seconds} s")
    return max(1, round(seconds * 1000))
