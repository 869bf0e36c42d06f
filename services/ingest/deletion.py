"""Taking a video out of every store, and asking each again."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Literal

from services.backends.ephemeral.protocol import EphemeralStore
from services.backends.index.protocol import VectorIndex
from services.backends.media.protocol import MediaStore
from services.backends.schemas import Video, VideoState
from services.ingest.associations import AssociationsPort
from services.ingest.identifiers import changed_channel, media_prefix, progress_key, stop_key
from services.ingest.lease import VideoLease, owner_name
from services.ingest.settings import LeaseSettings
from services.ingest.wakeups import listening
from services.runtime.errors import BackendUnavailableError, VideoBusyError, VideoNotFoundError

__all__ = ["Deletion", "Receipt"]

StoreName = Literal["index", "associations", "media"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one store had of a video, and what a fresh look finds afterwards."""

    store: StoreName
    deleted: int
    remaining: int


class Deletion:
    """Deletes videos. It may be cut off anywhere: the row goes last, and asking again finishes it.

    Args:
        index: The record.
        media: Where key frames lie.
        associations: Who caches edges.
        ephemeral: Where leases are kept.
        lease: Times of leases.
        stop_wait_s: How long to wait for a worker to let go.
        logger: Where it writes.
    """

    def __init__(
        self,
        *,
        index: VectorIndex,
        media: MediaStore,
        associations: AssociationsPort,
        ephemeral: EphemeralStore,
        lease: LeaseSettings,
        stop_wait_s: float,
        logger: logging.Logger,
    ) -> None:
        self._index, self._media = index, media
        self._associations, self._ephemeral = associations, ephemeral
        self._lease_settings = lease
        self._stop_wait_s = stop_wait_s
        self._logger = logger

    async def delete(self, gallery: str, video_id: str) -> list[Receipt]:
        """Delete a video, stopping its ingest first.

        Raises:
            VideoNotFoundError: If there is none.
            VideoBusyError: If whoever works on it does not let go in time.
            BackendUnavailableError: If a store does not answer, or still finds something.
        """
        if await self._index.get_video(gallery, video_id) is None:
            raise VideoNotFoundError(gallery, video_id)
        lease = VideoLease(
            self._ephemeral, video_id, owner_name(), self._lease_settings, self._logger, heeds_stop=False
        )
        await self._ephemeral.put(stop_key(video_id), b"delete", self._stop_wait_s + 60.0)
        try:
            await self._take(lease, video_id)
            async with lease.kept():
                receipts = await self.erase(gallery, video_id)
        finally:
            await self._ephemeral.delete(stop_key(video_id))
        await self._ephemeral.delete(progress_key(video_id))
        await self._ephemeral.publish(changed_channel(video_id), b"deleted")
        self._logger.info("video deleted", extra={"gallery": gallery, "video_id": video_id})
        return receipts

    async def erase(self, gallery: str, video_id: str) -> list[Receipt]:
        """Erase a video whose lease the caller holds.

        Raises:
            VideoNotFoundError: If there is none any more.
            BackendUnavailableError: If a store does not answer, or still finds something.
        """
        video = await self._index.get_video(gallery, video_id)
        if video is None:
            raise VideoNotFoundError(gallery, video_id)
        await self._index.put_video(video.with_changes(state=VideoState.DELETING))
        dropped = await self._associations.drop_video(gallery, video_id)
        media = await self._erase_media(video)
        index = await self._erase_index(video)
        receipts = [index, Receipt("associations", dropped.deleted, dropped.remaining), media]
        for receipt in receipts:
            if receipt.remaining:
                raise BackendUnavailableError(receipt.store, f"still finds {receipt.remaining} records; delete again")
        return receipts

    async def _erase_index(self, video: Video) -> Receipt:
        deleted = await self._index.erase_video(video.gallery, video.video_id)
        return Receipt("index", deleted, await self._index.count_video(video.gallery, video.video_id))

    async def _erase_media(self, video: Video) -> Receipt:
        prefix = media_prefix(video.gallery, video.video_id)
        deleted = await self._media.delete_prefix(prefix)
        return Receipt("media", deleted, await self._media.count_prefix(prefix))

    async def _take(self, lease: VideoLease, video_id: str) -> None:
        """Wait until whoever works on the video lets go, or its lease runs out."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._stop_wait_s
        async with listening(self._ephemeral, changed_channel(video_id)) as wakeups:
            while not await lease.take():
                left_s = deadline - loop.time()
                if left_s <= 0.0:
                    raise VideoBusyError(video_id)
                await wakeups.wait(min(left_s, self._lease_settings.renewal_s))
