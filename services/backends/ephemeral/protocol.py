"""What is passed between processes and may be lost: progress, sessions, leases and wake-up calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

__all__ = ["EphemeralStore"]


class EphemeralStore(Protocol):
    """What ingest and search ask of Redis beside associations. Keys are plain text, values bytes."""

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep a value for a while."""
        ...

    async def get(self, key: str) -> bytes | None:
        """Read a value, or None when there is none any more."""
        ...

    async def delete(self, key: str) -> bool:
        """Forget a value; say whether there was one."""
        ...

    async def acquire_lease(self, name: str, owner: str, ttl_s: float) -> bool:
        """Take or renew a lease; False when another owner holds it."""
        ...

    async def release_lease(self, name: str, owner: str) -> None:
        """Give a lease back, when `owner` holds it."""
        ...

    async def publish(self, channel: str, message: bytes) -> None:
        """Send a message to whoever listens now."""
        ...

    def subscribe(self, channel: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Listen to a channel: entered, it is subscribed, and what is published from then on is yielded."""
        ...

    async def ping(self) -> bool:
        """Say whether the store answers."""
        ...

    async def aclose(self) -> None:
        """Let go of the connection."""
        ...
