"""Whether a worker may begin a video: not while the index is cut over to another pack, and not with a pack of the past.

Two things say so. The live pack stands in the index, so a worker of another pack never writes, whatever else was lost.
And whoever cuts over shuts the gate for the moments around it, so that no ingest is half done with either pack; that is
kept where it expires, so that a killed cut-over holds nobody up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.backends.ephemeral.protocol import EphemeralStore
from services.backends.index.live import is_live
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import Scope, Video, VideoState
from services.ingest.identifiers import SHUT_KEY
from services.runtime.errors import BackendUnavailableError

__all__ = ["Gate", "begun_by_this_pack", "shut"]

SHUT_TTL_S = 15.0


class Gate:
    """What a worker asks before it begins a video.

    Args:
        index: The record, with the worker's pack.
        ephemeral: Where the gate is shut.
    """

    def __init__(self, index: VectorIndex, ephemeral: EphemeralStore) -> None:
        self._index, self._ephemeral = index, ephemeral

    async def is_open(self) -> bool:
        """Say whether a video may be begun now.

        To be asked once more after its lease was taken: whoever shuts the gate then looks who holds a lease.
        """
        return await self._ephemeral.get(SHUT_KEY) is None and await is_live(self._index)


@asynccontextmanager
async def shut(ephemeral: EphemeralStore, ttl_s: float = SHUT_TTL_S) -> AsyncIterator[None]:
    """Keep the gate shut inside. Raises BackendUnavailableError."""
    await ephemeral.put(SHUT_KEY, b"shut", ttl_s)

    async def renew() -> None:
        while True:
            await asyncio.sleep(ttl_s / 3.0)
            with contextlib.suppress(BackendUnavailableError):
                await ephemeral.put(SHUT_KEY, b"shut", ttl_s)

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await renewing
        with contextlib.suppress(BackendUnavailableError):
            await ephemeral.delete(SHUT_KEY)


async def begun_by_this_pack(index: VectorIndex, video: Video) -> Video:
    """The row to go on from: a video that another pack had begun is begun anew, since its first half is that pack's."""
    if video.committed_frame == 0:
        return video
    places = await index.list_places(None, Scope(video.gallery, (video.video_id,)))
    if 0 < video.appearance_count <= len(places):
        return video
    # What was heard lies in notes of the generation before, with that pack's voices: they are not read again.
    return video.with_changes(
        state=VideoState.QUEUED,
        generation=video.generation + 1,
        committed_frame=0,
        committed_s=0.0,
        appearance_count=0,
    )
