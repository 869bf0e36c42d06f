"""personsearch.v1.IdentityService: converts, calls the handlers, converts back."""

from __future__ import annotations

import grpc

from personsearch.v1 import identity_service_pb2 as messages
from personsearch.v1 import identity_service_pb2_grpc as stubs
from services.association.identities import converters
from services.association.identities.handlers import IdentityHandlers
from services.runtime.server import MountedService

__all__ = ["NAME", "IdentityServicer", "mounted"]

NAME = "personsearch.v1.IdentityService"
DEFAULT_PAGE = 100
DEFAULT_PLACES = 200
DEFAULT_REVIEWS = 20


class IdentityServicer(stubs.IdentityServiceServicer):
    """Identities on gRPC; requests have passed validation, domain errors are mapped by the interceptor."""

    def __init__(self, handlers: IdentityHandlers) -> None:
        self._handlers = handlers

    async def ListIdentities(
        self,
        request: messages.ListIdentitiesRequest,
        context: grpc.aio.ServicerContext[messages.ListIdentitiesRequest, messages.ListIdentitiesResponse],
    ) -> messages.ListIdentitiesResponse:
        """List identities."""
        size = request.page_size if request.HasField("page_size") else DEFAULT_PAGE
        page = await self._handlers.list_identities(
            request.gallery, size, request.page_token, named_only=request.named_only
        )
        identities = map(converters.identity_to_proto, page.identities)
        return messages.ListIdentitiesResponse(identities=identities, next_page_token=page.next_page_token)

    async def GetIdentity(
        self,
        request: messages.GetIdentityRequest,
        context: grpc.aio.ServicerContext[messages.GetIdentityRequest, messages.GetIdentityResponse],
    ) -> messages.GetIdentityResponse:
        """Return an identity."""
        size = request.page_size if request.HasField("page_size") else DEFAULT_PLACES
        page = await self._handlers.get_identity(request.gallery, request.identity_id, size, request.page_token)
        return messages.GetIdentityResponse(
            identity=converters.identity_to_proto(page.identity),
            places=map(converters.spot_to_proto, page.spots),
            next_page_token=page.next_page_token,
        )

    async def ListMemberships(
        self,
        request: messages.ListMembershipsRequest,
        context: grpc.aio.ServicerContext[messages.ListMembershipsRequest, messages.ListMembershipsResponse],
    ) -> messages.ListMembershipsResponse:
        """Say who appearances are."""
        found = await self._handlers.list_memberships(request.gallery, request.appearance_ids)
        return messages.ListMembershipsResponse(
            memberships=[
                messages.Membership(appearance_id=one, identity=converters.label_to_proto(label))
                for one, label in found
            ]
        )

    async def NameIdentity(
        self,
        request: messages.NameIdentityRequest,
        context: grpc.aio.ServicerContext[messages.NameIdentityRequest, messages.NameIdentityResponse],
    ) -> messages.NameIdentityResponse:
        """Name an identity."""
        said, view = await self._handlers.name(request.gallery, request.identity_id, request.name, request.author)
        operation = converters.operation_to_proto(said) if said is not None else None
        return messages.NameIdentityResponse(operation=operation, identity=converters.identity_to_proto(view))

    async def MergeIdentities(
        self,
        request: messages.MergeIdentitiesRequest,
        context: grpc.aio.ServicerContext[messages.MergeIdentitiesRequest, messages.MergeIdentitiesResponse],
    ) -> messages.MergeIdentitiesResponse:
        """Say that identities are one."""
        said, view = await self._handlers.merge(
            request.gallery, request.identity_id, request.other_identity_ids, request.author
        )
        operation = converters.operation_to_proto(said) if said is not None else None
        return messages.MergeIdentitiesResponse(operation=operation, identity=converters.identity_to_proto(view))

    async def SplitIdentity(
        self,
        request: messages.SplitIdentityRequest,
        context: grpc.aio.ServicerContext[messages.SplitIdentityRequest, messages.SplitIdentityResponse],
    ) -> messages.SplitIdentityResponse:
        """Say that appearances are another person."""
        said, rest, away = await self._handlers.split(
            request.gallery, request.identity_id, request.appearance_ids, request.author
        )
        return messages.SplitIdentityResponse(
            operation=converters.operation_to_proto(said),
            identity=converters.identity_to_proto(rest),
            split_off=converters.identity_to_proto(away),
        )

    async def ConfirmAssociation(
        self,
        request: messages.ConfirmAssociationRequest,
        context: grpc.aio.ServicerContext[messages.ConfirmAssociationRequest, messages.ConfirmAssociationResponse],
    ) -> messages.ConfirmAssociationResponse:
        """Say that two appearances are one person."""
        said, view = await self._handlers.confirm(
            request.gallery, request.first_appearance_id, request.second_appearance_id, request.author
        )
        return messages.ConfirmAssociationResponse(
            operation=converters.operation_to_proto(said), identity=converters.identity_to_proto(view)
        )

    async def RejectAssociation(
        self,
        request: messages.RejectAssociationRequest,
        context: grpc.aio.ServicerContext[messages.RejectAssociationRequest, messages.RejectAssociationResponse],
    ) -> messages.RejectAssociationResponse:
        """Say that two appearances are two people."""
        said, first, second = await self._handlers.reject(
            request.gallery, request.first_appearance_id, request.second_appearance_id, request.author
        )
        return messages.RejectAssociationResponse(
            operation=converters.operation_to_proto(said),
            first_identity=converters.identity_to_proto(first),
            second_identity=converters.identity_to_proto(second),
        )

    async def UndoOperation(
        self,
        request: messages.UndoOperationRequest,
        context: grpc.aio.ServicerContext[messages.UndoOperationRequest, messages.UndoOperationResponse],
    ) -> messages.UndoOperationResponse:
        """Take an operation back."""
        said = await self._handlers.undo(request.gallery, request.number, request.author)
        return messages.UndoOperationResponse(operation=converters.operation_to_proto(said))

    async def ListOperations(
        self,
        request: messages.ListOperationsRequest,
        context: grpc.aio.ServicerContext[messages.ListOperationsRequest, messages.ListOperationsResponse],
    ) -> messages.ListOperationsResponse:
        """List the log."""
        size = request.page_size if request.HasField("page_size") else DEFAULT_PAGE
        page = await self._handlers.list_operations(request.gallery, size, request.page_token)
        operations = map(converters.operation_to_proto, page.operations)
        return messages.ListOperationsResponse(operations=operations, next_page_token=page.next_page_token)

    async def ListReviews(
        self,
        request: messages.ListReviewsRequest,
        context: grpc.aio.ServicerContext[messages.ListReviewsRequest, messages.ListReviewsResponse],
    ) -> messages.ListReviewsResponse:
        """Ask what to look at."""
        limit = request.limit if request.HasField("limit") else DEFAULT_REVIEWS
        found = await self._handlers.list_reviews(request.gallery, limit)
        return messages.ListReviewsResponse(reviews=map(converters.review_to_proto, found))


def mounted(handlers: IdentityHandlers) -> MountedService:
    """The service, ready to be put on a server."""
    servicer = IdentityServicer(handlers)
    return MountedService(NAME, lambda server: stubs.add_IdentityServiceServicer_to_server(servicer, server))
