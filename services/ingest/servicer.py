"""IngestService on the wire: each method converts, calls a handler and converts back."""

from __future__ import annotations

from collections.abc import AsyncIterator

from personsearch.v1 import ingest_service_pb2 as messages
from personsearch.v1 import ingest_service_pb2_grpc as stubs
from services.ingest.converters import (
    erased_to_message,
    moment_to_message,
    order_from_message,
    receipt_to_message,
    video_to_message,
)
from services.ingest.handlers import IngestHandlers
from services.ingest.watch import IngestWatcher
from services.runtime.handlers import Context

__all__ = ["IngestServicer"]

DEFAULT_PAGE_SIZE = 50


class IngestServicer(stubs.IngestServiceServicer):
    """Serves `personsearch.v1.IngestService`; errors are mapped by the server's interceptor."""

    def __init__(self, handlers: IngestHandlers, watcher: IngestWatcher) -> None:
        self._handlers = handlers
        self._watcher = watcher

    async def IngestVideo(self, request: messages.IngestVideoRequest, context: Context) -> messages.IngestVideoResponse:
        """Queue a file for ingest."""
        video = await self._handlers.ingest_video(order_from_message(request))
        return messages.IngestVideoResponse(video=video_to_message(video))

    async def WatchIngest(
        self, request: messages.WatchIngestRequest, context: Context
    ) -> AsyncIterator[messages.WatchIngestResponse]:
        """Stream the progress of an ingest."""
        async for moment in self._watcher.watch(request.gallery, request.video_id):
            yield moment_to_message(moment)

    async def ListVideos(self, request: messages.ListVideosRequest, context: Context) -> messages.ListVideosResponse:
        """List the videos of a gallery."""
        size = request.page_size if request.HasField("page_size") else DEFAULT_PAGE_SIZE
        page = await self._handlers.list_videos(request.gallery, size, request.page_token)
        videos = [video_to_message(video) for video in page.videos]
        return messages.ListVideosResponse(videos=videos, next_page_token=page.next_page_token)

    async def DeleteVideo(self, request: messages.DeleteVideoRequest, context: Context) -> messages.DeleteVideoResponse:
        """Delete a video everywhere."""
        receipts = await self._handlers.delete_video(request.gallery, request.video_id)
        return messages.DeleteVideoResponse(receipts=[receipt_to_message(receipt) for receipt in receipts])

    async def EraseIdentity(
        self, request: messages.EraseIdentityRequest, context: Context
    ) -> messages.EraseIdentityResponse:
        """Erase a person everywhere."""
        return erased_to_message(await self._handlers.erase_identity(request.gallery, request.identity_id))
