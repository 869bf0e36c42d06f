"""What a listener has heard."""

from __future__ import annotations

import asyncio

__all__ = ["Messages"]


class Messages:
    """An endless iterator of messages, until an error ends it.

    Waiting may be given up (`asyncio.wait_for`) and taken up again; no message is lost.
    """

    def __init__(self) -> None:
        self._heard: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    def put(self, message: bytes | Exception) -> None:
        """Let the listener hear a message, or meet an error."""
        self._heard.put_nowait(message)

    def __aiter__(self) -> Messages:
        return self

    async def __anext__(self) -> bytes:
        heard = await self._heard.get()
        if isinstance(heard, Exception):
            self._heard.put_nowait(heard)  # it stays the last thing heard
            raise heard
        return heard
