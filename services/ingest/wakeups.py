"""Being woken by a message instead of asking again and again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.backends.ephemeral.protocol import EphemeralStore
from services.runtime.errors import BackendUnavailableError

__all__ = ["Wakeups", "listening"]

RECONNECT_S = 1.0


class Wakeups:
    """Remembers whether something was heard since the last look."""

    def __init__(self) -> None:
        self._heard = asyncio.Event()

    def wake(self) -> None:
        """Note that something happened."""
        self._heard.set()

    async def wait(self, timeout_s: float) -> bool:
        """Wait until something happened, at most so long; say whether it did."""
        try:
            await asyncio.wait_for(self._heard.wait(), timeout_s)
        except TimeoutError:
            return False
        self._heard.clear()
        return True


@asynccontextmanager
async def listening(ephemeral: EphemeralStore, channel: str) -> AsyncIterator[Wakeups]:
    """Listen to a channel; entered, nothing that is published from then on is missed while the store answers.

    When the store goes away the caller's timed waits go on, and the subscription is made again.
    """
    wakeups, subscribed = Wakeups(), asyncio.Event()

    async def listen() -> None:
        while True:
            try:
                async with ephemeral.subscribe(channel) as messages:
                    subscribed.set()
                    wakeups.wake()
                    async for _ in messages:
                        wakeups.wake()
            except BackendUnavailableError:
                pass
            subscribed.set()
            await asyncio.sleep(RECONNECT_S)

    task = asyncio.create_task(listen())
    waiting = asyncio.create_task(subscribed.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield wakeups
    finally:
        for running in (task, waiting):
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
