"""The right to work on a video: held by one process at a time, lost when it dies, given up when someone asks for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.backends.ephemeral.protocol import EphemeralStore
from services.ingest.identifiers import lease_name, stop_key
from services.ingest.settings import LeaseSettings
from services.runtime.errors import BackendUnavailableError

__all__ = ["LeaseLostError", "StopRequestedError", "VideoLease", "owner_name"]


class LeaseLostError(RuntimeError):
    """Another process works on the video now."""


class StopRequestedError(RuntimeError):
    """The video is to be deleted: let it go."""


def owner_name() -> str:
    """A name for this process that no other has."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


class VideoLease:
    """The lease of one video.

    Args:
        ephemeral: Where leases are kept.
        video_id: The video.
        owner: This process.
        settings: Times.
        logger: Where trouble is written.
        heeds_stop: Whether a request to stop counts; whoever asked for it does not heed it.
    """

    def __init__(
        self,
        ephemeral: EphemeralStore,
        video_id: str,
        owner: str,
        settings: LeaseSettings,
        logger: logging.Logger,
        *,
        heeds_stop: bool = True,
    ) -> None:
        self._ephemeral = ephemeral
        self._video_id = video_id
        self._owner = owner
        self._settings = settings
        self._logger = logger
        self._heeds_stop = heeds_stop

    async def take(self) -> bool:
        """Take the lease if it is free; say whether it is ours."""
        return await self._ephemeral.acquire_lease(lease_name(self._video_id), self._owner, self._settings.ttl_s)

    async def release(self) -> None:
        """Give the lease back; a store that does not answer forgets it by itself."""
        with contextlib.suppress(BackendUnavailableError):
            await self._ephemeral.release_lease(lease_name(self._video_id), self._owner)

    async def still_ours(self) -> None:
        """Renew the lease.

        Raises:
            LeaseLostError: If another process has it.
            StopRequestedError: If the video is to be let go.
        """
        try:
            if not await self.take():
                raise LeaseLostError(f"another process works on video {self._video_id} now")
            if self._heeds_stop and await self._ephemeral.get(stop_key(self._video_id)) is not None:
                raise StopRequestedError(f"video {self._video_id} is to be deleted")
        except BackendUnavailableError as error:
            # Nobody else can take a lease either while the store is away.
            self._logger.warning("lease not renewed", extra={"video_id": self._video_id, "error": str(error)})

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renew in the background; inside, the body is cancelled and the error raised when the lease is lost.

        Raises:
            LeaseLostError: If another process took it.
            StopRequestedError: If the video is to be let go.
        """
        body = asyncio.current_task()
        assert body is not None
        lost: list[Exception] = []

        async def renew() -> None:
            while True:
                await asyncio.sleep(self._settings.renewal_s)
                try:
                    await self.still_ours()
                except (LeaseLostError, StopRequestedError) as error:
                    lost.append(error)
                    body.cancel()
                    return

        renewing = asyncio.create_task(renew())
        try:
            yield
        except asyncio.CancelledError:
            if lost and body.uncancel() == 0:
                raise lost[0] from None
            raise
        finally:
            renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewing
            await self.release()
