"""The right to reindex: one process of a deployment has it at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.backends.ephemeral.protocol import EphemeralStore
from services.ingest.lease import LeaseLostError, VideoLease
from services.ingest.settings import LeaseSettings
from services.reindex.run import ReindexWatcher

__all__ = ["alone"]

# Stands where a video's id stands otherwise: no video is called so.
ALL_VIDEOS = "reindex"
# A killed one is waited for; after so many quarters of a lease it is a living one.
AWAITED_QUARTERS = 6


@asynccontextmanager
async def alone(
    ephemeral: EphemeralStore, times: LeaseSettings, owner: str, watcher: ReindexWatcher, logger: logging.Logger
) -> AsyncIterator[None]:
    """Hold the right; that of a killed process runs out in the meantime, that of a living one does not.

    Raises:
        LeaseLostError: If another process has it, or, inside, took it.
    """
    lease = VideoLease(ephemeral, ALL_VIDEOS, owner, times, logger, heeds_stop=False)
    for _ in range(AWAITED_QUARTERS):
        if await lease.take():
            break
        watcher.waiting(0, "another reindex runs, or one was killed a moment ago")
        await asyncio.sleep(times.ttl_s / 4.0)
    else:
        raise LeaseLostError("another reindex runs: wait for it, or end it and start again")
    async with lease.kept():
        yield
