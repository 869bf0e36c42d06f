"""Taking a video out of every store, and asking each again."""

from __future__ import annotations

import logging

from services.backends.ephemeral.protocol import EphemeralStore
from services.backends.index.protocol import VectorIndex
from services.backends.media.protocol import MediaStore
from services.backends.schemas import Video, VideoState
from services.ingest.associations import AssociationsPort
from services.ingest.holding import VideoHolder
from services.ingest.identifiers import changed_channel, media_prefix, progress_key
from services.ingest.receipts import Receipt, check_empty
from services.ingest.settings import LeaseSettings
from services.runtime.errors import VideoNotFoundError

__all__ = ["Deletion", "Receipt"]


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
        self._holder = VideoHolder(ephemeral, lease, stop_wait_s, logger)
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
        async with self._holder.held(video_id, b"delete"):
            receipts = await self.erase(gallery, video_id)
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
        check_empty(receipts, "delete again")
        return receipts

    async def _erase_index(self, video: Video) -> Receipt:
        deleted = await self._index.erase_video(video.gallery, video.video_id)
        return Receipt("index", deleted, await self._index.count_video(video.gallery, video.video_id))

    async def _erase_media(self, video: Video) -> Receipt:
        prefix = media_prefix(video.gallery, video.video_id)
        deleted = await self._media.delete_prefix(prefix)
        return Receipt("media", deleted, await self._media.count_prefix(prefix))
