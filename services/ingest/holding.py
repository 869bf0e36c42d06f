"""Working on a video that others may be working on: they are asked to let it go, and waited for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.backends.ephemeral.protocol import EphemeralStore
from services.ingest.identifiers import changed_channel, stop_key
from services.ingest.lease import VideoLease, owner_name
from services.ingest.settings import LeaseSettings
from services.ingest.wakeups import listening
from services.runtime.errors import VideoBusyError

__all__ = ["VideoHolder"]

# A request to stop outlives the wait, since the work that follows takes its time.
STOP_S = 60.0


class VideoHolder:
    """Takes videos over from workers.

    Args:
        ephemeral: Where leases are kept.
        lease: Times of leases.
        stop_wait_s: How long to wait for a worker to let go.
        logger: Where it writes.
    """

    def __init__(
        self, ephemeral: EphemeralStore, lease: LeaseSettings, stop_wait_s: float, logger: logging.Logger
    ) -> None:
        self._ephemeral, self._lease = ephemeral, lease
        self._stop_wait_s, self._logger = stop_wait_s, logger

    @asynccontextmanager
    async def held(self, video_id: str, why: bytes) -> AsyncIterator[None]:
        """Hold a video's lease inside.

        Raises:
            VideoBusyError: If whoever works on it does not let go in time.
            BackendUnavailableError: If the store does not answer.
        """
        lease = VideoLease(self._ephemeral, video_id, owner_name(), self._lease, self._logger, heeds_stop=False)
        await self._ephemeral.put(stop_key(video_id), why, self._stop_wait_s + STOP_S)
        try:
            await self._take(lease, video_id)
            async with lease.kept():
                yield
        finally:
            await self._ephemeral.delete(stop_key(video_id))

    async def _take(self, lease: VideoLease, video_id: str) -> None:
        """Wait until whoever works on the video lets go, or its lease runs out."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._stop_wait_s
        async with listening(self._ephemeral, changed_channel(video_id)) as wakeups:
            while not await lease.take():
                left_s = deadline - loop.time()
                if left_s <= 0.0:
                    raise VideoBusyError(video_id)
                await wakeups.wait(min(left_s, self._lease.renewal_s))
