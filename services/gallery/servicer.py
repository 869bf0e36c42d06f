"""personsearch.v1.GalleryService: converts, calls the handlers, converts back."""

from __future__ import annotations

import grpc

from personsearch.v1 import gallery_service_pb2 as messages
from personsearch.v1 import gallery_service_pb2_grpc as stubs
from services.gallery import converters
from services.gallery.handlers import GalleryHandlers
from services.runtime.server import MountedService

__all__ = ["NAME", "GalleryServicer", "mounted"]

NAME = "personsearch.v1.GalleryService"


class GalleryServicer(stubs.GalleryServiceServicer):
    """Galleries on gRPC; requests have passed validation, domain errors are mapped by the interceptor."""

    def __init__(self, handlers: GalleryHandlers) -> None:
        self._handlers = handlers

    async def CreateGallery(
        self,
        request: messages.CreateGalleryRequest,
        context: grpc.aio.ServicerContext[messages.CreateGalleryRequest, messages.CreateGalleryResponse],
    ) -> messages.CreateGalleryResponse:
        """Make an empty gallery."""
        created = await self._handlers.create(request.name)
        return messages.CreateGalleryResponse(gallery=converters.gallery_to_proto(created))

    async def ListGalleries(
        self,
        request: messages.ListGalleriesRequest,
        context: grpc.aio.ServicerContext[messages.ListGalleriesRequest, messages.ListGalleriesResponse],
    ) -> messages.ListGalleriesResponse:
        """Read all galleries."""
        galleries = await self._handlers.list_all()
        return messages.ListGalleriesResponse(galleries=map(converters.gallery_to_proto, galleries))

    async def DeleteGallery(
        self,
        request: messages.DeleteGalleryRequest,
        context: grpc.aio.ServicerContext[messages.DeleteGalleryRequest, messages.DeleteGalleryResponse],
    ) -> messages.DeleteGalleryResponse:
        """Delete a gallery with all it holds."""
        receipts = await self._handlers.delete(request.name)
        return messages.DeleteGalleryResponse(receipts=map(converters.receipt_to_proto, receipts))


def mounted(handlers: GalleryHandlers) -> MountedService:
    """The service, ready to be put on a server."""
    servicer = GalleryServicer(handlers)
    return MountedService(NAME, lambda server: stubs.add_GalleryServiceServicer_to_server(servicer, server))
