"""What may be lost, in the process. It passes the same contract tests as Redis."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from services.backends.ephemeral.messages import Messages

__all__ = ["FakeEphemeralStore"]


class FakeEphemeralStore:
    """`EphemeralStore` on dictionaries.

    Args:
        clock: Monotonic seconds; tests may give one that they move.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._values: dict[str, tuple[bytes, float]] = {}
        self._listeners: defaultdict[str, list[Messages]] = defaultdict(list)

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep a value for a while."""
        if ttl_s <= 0:
            raise ValueError(f"a lifetime must be positive, got {ttl_s} s")
        self._values[key] = (value, self._clock() + ttl_s)

    async def get(self, key: str) -> bytes | None:
        """Read a value, or None when there is none any more."""
        value, expires = self._values.get(key, (None, 0.0))
        return value if self._clock() < expires else None

    async def delete(self, key: str) -> bool:
        """Forget a value; say whether there was one."""
        there = await self.get(key) is not None
        self._values.pop(key, None)
        return there

    async def acquire_lease(self, name: str, owner: str, ttl_s: float) -> bool:
        """Take or renew a lease; False when another owner holds it."""
        if await self.get(name) not in (None, owner.encode()):
            return False
        await self.put(name, owner.encode(), ttl_s)
        return True

    async def release_lease(self, name: str, owner: str) -> None:
        """Give a lease back, when `owner` holds it."""
        if await self.get(name) == owner.encode():
            del self._values[name]

    async def publish(self, channel: str, message: bytes) -> None:
        """Send a message to whoever listens now."""
        for listener in self._listeners[channel]:
            listener.put(message)

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Listen to a channel: entered, it is subscribed, and what is published from then on is yielded."""
        messages = Messages()
        self._listeners[channel].append(messages)
        try:
            yield messages
        finally:
            self._listeners[channel].remove(messages)

    async def ping(self) -> bool:
        """Say yes."""
        return True

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""
