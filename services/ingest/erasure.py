"""Taking a person out of every store, and asking each again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from services.backends.index.protocol import VectorIndex
from services.backends.media.protocol import MediaStore
from services.backends.schemas import Scope
from services.ingest.holding import VideoHolder
from services.ingest.identifiers import key_frame_key
from services.ingest.identities import Doomed, IdentitiesPort
from services.ingest.receipts import Receipt, check_empty

__all__ = ["Erased", "Erasure"]

ERASE_AGAIN = "erase the identity again"
_VIDEOS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Erased:
    """An identity that is no more.

    Attributes:
        identity_id: The identity.
        appearance_count: How many appearances it had.
        video_count: In how many videos.
        receipts: What each store said.
    """

    identity_id: str
    appearance_count: int
    video_count: int
    receipts: Sequence[Receipt]


class Erasure:
    """Erases identities. It may be cut off anywhere: who they are goes last, and asking again finishes it.

    The identity is set apart first, so that what is erased does not depend on what was erased. Then its appearances go
    from the index, and only then their edges: whoever computes edges meanwhile finds them in neither.

    Args:
        index: The record.
        media: Where key frames lie.
        identities: Who is who, and the cache of edges.
        holder: Keeps others from writing the videos.
        logger: Where it writes.
    """

    def __init__(
        self,
        index: VectorIndex,
        media: MediaStore,
        identities: IdentitiesPort,
        holder: VideoHolder,
        logger: logging.Logger,
    ) -> None:
        self._index, self._media = index, media
        self._identities, self._holder, self._logger = identities, holder, logger

    async def erase(self, gallery: str, identity_id: str) -> Erased:
        """Erase an identity: every appearance that it has now, and what was said of it.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
            IdentityNotFoundError: If it has no such identity.
            VideoBusyError: If whoever works on one of its videos does not let go in time.
            BackendUnavailableError: If a store does not answer, or still finds something.
        """
        doomed = await self._identities.isolate(gallery, identity_id)
        rows, files = await self._erase_videos(gallery, doomed)
        ids = doomed.appearance_ids
        index, media = await self._look_again(gallery, doomed, rows, files)
        check_empty([index, media], ERASE_AGAIN)
        forgotten = await self._identities.forget(gallery, ids)
        edges = Receipt("associations", forgotten.associations.deleted, forgotten.associations.remaining)
        check_empty([edges], ERASE_AGAIN)
        known = index.deleted + forgotten.people.deleted + doomed.changed_operations
        receipts = [Receipt("index", known, index.remaining + forgotten.people.remaining), edges, media]
        check_empty(receipts, ERASE_AGAIN)
        self._logger.info("identity erased", extra={"gallery": gallery, "identity_id": doomed.identity_id})
        return Erased(doomed.identity_id, len(ids), len(doomed.appearances), receipts)

    async def _erase_videos(self, gallery: str, doomed: Doomed) -> tuple[int, int]:
        """Erase a person from the index and the media store; how many rows and files."""
        turns = asyncio.Semaphore(_VIDEOS_AT_ONCE)

        async def erase(video_id: str, appearance_ids: Sequence[str]) -> tuple[int, int]:
            async with turns, self._holder.held(video_id, b"erase"):
                return await self._erase_video(gallery, video_id, appearance_ids)

        # All are tried: what can be erased is, and then the first trouble is told.
        calls = (erase(video_id, ids) for video_id, ids in doomed.appearances.items())
        ended = await asyncio.gather(*calls, return_exceptions=True)
        for one in ended:
            if isinstance(one, BaseException):
                raise one
        counts = [one for one in ended if not isinstance(one, BaseException)]
        return sum(rows for rows, _ in counts), sum(files for _, files in counts)

    async def _erase_video(self, gallery: str, video_id: str, appearance_ids: Sequence[str]) -> tuple[int, int]:
        """Erase a person from one video, whose lease is held."""
        rows = await self._index.erase_appearances(gallery, appearance_ids)
        files = await self._media.delete(_key_frames(gallery, video_id, appearance_ids))
        video = await self._index.get_video(gallery, video_id)
        if video is not None:
            # By its count others see that what they keep of the video is to be checked, so it is written last.
            count = len(await self._index.list_places(None, Scope(gallery, (video_id,))))
            await self._index.put_video(video.with_changes(appearance_count=count))
        return rows, files

    async def _look_again(self, gallery: str, doomed: Doomed, rows: int, files: int) -> tuple[Receipt, Receipt]:
        left = await self._index.count_appearances(gallery, doomed.appearance_ids)
        keys = [key for video, some in doomed.appearances.items() for key in _key_frames(gallery, video, some)]
        return Receipt("index", rows, left), Receipt("media", files, await self._media.count(keys))


def _key_frames(gallery: str, video_id: str, appearance_ids: Sequence[str]) -> list[str]:
    return [key_frame_key(gallery, video_id, one) for one in appearance_ids]
