"""What the ingest API does, without a word of gRPC."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from services.backends.ephemeral.protocol import EphemeralStore
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import Gallery, Video, VideoState
from services.ingest import source
from services.ingest.deletion import Deletion, Receipt
from services.ingest.erasure import Erased, Erasure
from services.ingest.identifiers import QUEUED_CHANNEL, video_id_of
from services.ingest.settings import ApiSettings
from services.runtime.errors import (
    BackendUnavailableError,
    FieldViolation,
    GalleryNotFoundError,
    InvalidFieldError,
    VideoBusyError,
)

__all__ = ["IngestHandlers", "IngestOrder", "VideoPage"]

LISTED_STATES = (VideoState.QUEUED, VideoState.INGESTING, VideoState.READY, VideoState.FAILED)


@dataclass(frozen=True, slots=True)
class IngestOrder:
    """What is asked of an ingest; `recorded_at` in Unix seconds."""

    gallery: str
    source_uri: str
    camera_id: str | None = None
    site: str | None = None
    recorded_at: float | None = None


@dataclass(frozen=True, slots=True)
class VideoPage:
    """Some videos, newest first; the token is empty at the end."""

    videos: list[Video]
    next_page_token: str


class IngestHandlers:
    """Queues, lists and deletes videos, and erases people.

    Args:
        index: The record and the queue.
        ephemeral: Carries wake-up calls.
        deletion: Deletes videos.
        erasure: Erases people.
        settings: Which files may be read.
        logger: Where it writes.
        clock: Unix seconds.
    """

    def __init__(
        self,
        *,
        index: VectorIndex,
        ephemeral: EphemeralStore,
        deletion: Deletion,
        erasure: Erasure,
        settings: ApiSettings,
        logger: logging.Logger,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._index = index
        self._ephemeral = ephemeral
        self._deletion, self._erasure = deletion, erasure
        self._settings = settings
        self._logger = logger
        self._clock = clock
        self._queueing = asyncio.Lock()

    async def ingest_video(self, order: IngestOrder) -> Video:
        """Queue a file, or return the video that it already is.

        Raises:
            InvalidFieldError: If the file may not be read.
            UnreadableVideoError: If it is no video.
            VideoBusyError: If the same video is being deleted.
        """
        path = await asyncio.to_thread(source.resolve, order.source_uri, self._settings.roots)
        found = await asyncio.to_thread(source.probe, path)
        digest = await asyncio.to_thread(source.content_digest, path)
        wanted = Video(
            video_id=video_id_of(order.gallery, digest),
            gallery=order.gallery,
            source_uri=path.as_uri(),
            state=VideoState.QUEUED,
            generation=1,
            created_at=self._clock(),
            content_digest=digest,
            duration_s=found.duration_s,
            width_px=found.width_px,
            height_px=found.height_px,
            frames_per_second=found.frames_per_second,
            camera_id=order.camera_id,
            site=order.site,
            recorded_at=order.recorded_at,
        )
        # Two calls for one file at the same time must not both find it absent.
        async with self._queueing:
            return await self._queue(wanted)

    async def list_videos(self, gallery: str, page_size: int, page_token: str) -> VideoPage:
        """List the videos of a gallery, newest first.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
            InvalidFieldError: If the token is not one of ours.
        """
        after = _position(page_token) if page_token else None
        if await self._index.get_gallery(gallery) is None:
            raise GalleryNotFoundError(gallery)
        videos = sorted(await self._index.list_videos(gallery, LISTED_STATES), key=_newest_first)
        rest = videos if after is None else [video for video in videos if _newest_first(video) > after]
        page = rest[:page_size]
        return VideoPage(page, _token(page[-1]) if len(rest) > page_size else "")

    async def delete_video(self, gallery: str, video_id: str) -> list[Receipt]:
        """Delete a video everywhere; see `Deletion.delete`."""
        return await self._deletion.delete(gallery, video_id)

    async def erase_identity(self, gallery: str, identity_id: str) -> Erased:
        """Erase a person everywhere; see `Erasure.erase`."""
        return await self._erasure.erase(gallery, identity_id)

    async def _queue(self, wanted: Video) -> Video:
        if await self._index.get_gallery(wanted.gallery) is None:
            await self._index.put_gallery(Gallery(wanted.gallery, self._clock()))
        present = await self._index.get_video(wanted.gallery, wanted.video_id)
        if present is not None and present.state is VideoState.DELETING:
            raise VideoBusyError(wanted.video_id)
        if present is not None and present.state is not VideoState.FAILED:
            return present
        if present is not None:
            wanted = wanted.with_changes(generation=present.generation + 1, created_at=present.created_at)
        await self._index.put_video(wanted)
        await self._call_worker()
        self._logger.info("video queued", extra={"gallery": wanted.gallery, "video_id": wanted.video_id})
        return wanted

    async def _call_worker(self) -> None:
        try:
            await self._ephemeral.publish(QUEUED_CHANNEL, b"queued")
        except BackendUnavailableError as error:
            # The worker looks at the queue by itself now and then.
            self._logger.warning("worker not called", extra={"error": str(error)})


def _newest_first(video: Video) -> tuple[float, str]:
    return -video.created_at, video.video_id


def _token(video: Video) -> str:
    return base64.urlsafe_b64encode(f"{video.created_at!r} {video.video_id}".encode()).decode()


def _position(token: str) -> tuple[float, str]:
    try:
        created_at, video_id = base64.urlsafe_b64decode(token.encode()).decode().split(" ")
        return -float(created_at), video_id
    except (ValueError, binascii.Error) as error:
        violation = FieldViolation(
            "page_token", "got no token of ListVideos; give `next_page_token` of the page before"
        )
        raise InvalidFieldError([violation]) from error
