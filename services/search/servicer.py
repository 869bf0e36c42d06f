"""personsearch.v1.PersonSearchService: converts, calls the handlers, converts back."""

from __future__ import annotations

import grpc

from personsearch.v1 import person_search_service_pb2 as messages
from personsearch.v1 import person_search_service_pb2_grpc as stubs
from services.runtime.server import MountedService
from services.search import converters
from services.search.handlers import SearchHandlers
from services.search.listing import AppearanceLister

NAME = "personsearch.v1.PersonSearchService"


class PersonSearchServicer(stubs.PersonSearchServiceServicer):
    """The public API on gRPC; requests have passed validation, domain errors are mapped by the interceptor."""

    def __init__(self, handlers: SearchHandlers, lister: AppearanceLister) -> None:
        self._handlers = handlers
        self._lister = lister

    async def Search(
        self,
        request: messages.SearchRequest,
        context: grpc.aio.ServicerContext[messages.SearchRequest, messages.SearchResponse],
    ) -> messages.SearchResponse:
        """Answer a query."""
        top_k = request.top_k if request.HasField("top_k") else converters.DEFAULT_TOP_K
        answer = await self._handlers.search(converters.query_from_proto(request.query), top_k)
        return converters.answer_to_proto(answer)

    async def GetTrack(
        self,
        request: messages.GetTrackRequest,
        context: grpc.aio.ServicerContext[messages.GetTrackRequest, messages.GetTrackResponse],
    ) -> messages.GetTrackResponse:
        """Follow a person."""
        least = request.min_score if request.HasField("min_score") else converters.DEFAULT_TRACK_SCORE
        track = await self._handlers.get_track(request.gallery, request.appearance_id, least)
        return converters.track_to_proto(track)

    async def GetAppearance(
        self,
        request: messages.GetAppearanceRequest,
        context: grpc.aio.ServicerContext[messages.GetAppearanceRequest, messages.GetAppearanceResponse],
    ) -> messages.GetAppearanceResponse:
        """Read one appearance."""
        appearance = await self._handlers.get_appearance(request.gallery, request.appearance_id)
        return messages.GetAppearanceResponse(appearance=converters.appearance_to_proto(appearance))

    async def ListAppearances(
        self,
        request: messages.ListAppearancesRequest,
        context: grpc.aio.ServicerContext[messages.ListAppearancesRequest, messages.ListAppearancesResponse],
    ) -> messages.ListAppearancesResponse:
        """List a video's appearances."""
        size = request.page_size if request.HasField("page_size") else converters.DEFAULT_PAGE_SIZE
        page = await self._lister.list_appearances(request.gallery, request.video_id, size, request.page_token)
        return converters.page_to_proto(page)


def mounted(handlers: SearchHandlers, lister: AppearanceLister) -> MountedService:
    """The service, ready to be put on a server."""
    servicer = PersonSearchServicer(handlers, lister)
    return MountedService(NAME, lambda server: stubs.add_PersonSearchServiceServicer_to_server(servicer, server))
