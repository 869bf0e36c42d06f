"""personsearch.v1.AssociationService: converts, calls the handlers, converts back."""

from __future__ import annotations

import grpc

from personsearch.v1 import association_service_pb2 as messages
from personsearch.v1 import association_service_pb2_grpc as stubs
from services.association import converters
from services.association.corrected import CorrectedAssociations
from services.association.erasure import IdentityErasure
from services.association.handlers import DEFAULT_MIN_PROBABILITY, AssociationHandlers
from services.runtime.modalities import modality_from_proto
from services.runtime.server import MountedService

__all__ = ["NAME", "AssociationServicer", "mounted"]

NAME = "personsearch.v1.AssociationService"


class AssociationServicer(stubs.AssociationServiceServicer):
    """Associations on gRPC; requests have passed validation, domain errors are mapped by the interceptor."""

    def __init__(self, handlers: CorrectedAssociations | AssociationHandlers, erasure: IdentityErasure) -> None:
        self._handlers, self._erasure = handlers, erasure

    async def AssociateVideo(
        self,
        request: messages.AssociateVideoRequest,
        context: grpc.aio.ServicerContext[messages.AssociateVideoRequest, messages.AssociateVideoResponse],
    ) -> messages.AssociateVideoResponse:
        """Compute a video's edges."""
        count = await self._handlers.associate_video(request.gallery, request.video_id)
        return messages.AssociateVideoResponse(association_count=count)

    async def ListAssociations(
        self,
        request: messages.ListAssociationsRequest,
        context: grpc.aio.ServicerContext[messages.ListAssociationsRequest, messages.ListAssociationsResponse],
    ) -> messages.ListAssociationsResponse:
        """Read edges."""
        least = request.min_probability if request.HasField("min_probability") else DEFAULT_MIN_PROBABILITY
        modalities = [modality_from_proto(number) for number in request.modalities if number]
        edges = await self._handlers.list_associations(request.gallery, request.appearance_ids, modalities, least)
        return messages.ListAssociationsResponse(associations=map(converters.association_to_proto, edges))

    async def ListAssociationColumns(
        self,
        request: messages.ListAssociationColumnsRequest,
        context: grpc.aio.ServicerContext[
            messages.ListAssociationColumnsRequest, messages.ListAssociationColumnsResponse
        ],
    ) -> messages.ListAssociationColumnsResponse:
        """Read edges as columns."""
        least = request.min_probability if request.HasField("min_probability") else DEFAULT_MIN_PROBABILITY
        modalities = [modality_from_proto(number) for number in request.modalities if number]
        block = await self._handlers.edge_block(request.gallery, request.appearance_ids, modalities, least)
        return converters.columns_to_proto(block)

    async def DropVideoAssociations(
        self,
        request: messages.DropVideoAssociationsRequest,
        context: grpc.aio.ServicerContext[
            messages.DropVideoAssociationsRequest, messages.DropVideoAssociationsResponse
        ],
    ) -> messages.DropVideoAssociationsResponse:
        """Forget a video's edges."""
        dropped = await self._handlers.drop_video(request.gallery, request.video_id)
        return messages.DropVideoAssociationsResponse(deleted=dropped.deleted, remaining=dropped.remaining)

    async def IsolateIdentity(
        self,
        request: messages.IsolateIdentityRequest,
        context: grpc.aio.ServicerContext[messages.IsolateIdentityRequest, messages.IsolateIdentityResponse],
    ) -> messages.IsolateIdentityResponse:
        """Set an identity apart."""
        isolated = await self._erasure.isolate(request.gallery, request.identity_id)
        return messages.IsolateIdentityResponse(
            identity_id=isolated.identity_id,
            videos=[
                messages.VideoAppearances(video_id=video, appearance_ids=ids)
                for video, ids in isolated.appearances.items()
            ],
            changed_operation_count=isolated.operations,
        )

    async def ForgetAppearances(
        self,
        request: messages.ForgetAppearancesRequest,
        context: grpc.aio.ServicerContext[messages.ForgetAppearancesRequest, messages.ForgetAppearancesResponse],
    ) -> messages.ForgetAppearancesResponse:
        """Forget edges, and who somebody was."""
        forgotten = await self._erasure.forget(request.gallery, request.appearance_ids)
        return messages.ForgetAppearancesResponse(
            deleted_associations=forgotten.associations.deleted,
            remaining_associations=forgotten.associations.remaining,
            deleted_people=forgotten.people.deleted,
            remaining_people=forgotten.people.remaining,
        )


def mounted(handlers: CorrectedAssociations | AssociationHandlers, erasure: IdentityErasure) -> MountedService:
    """The service, ready to be put on a server."""
    servicer = AssociationServicer(handlers, erasure)
    return MountedService(NAME, lambda server: stubs.add_AssociationServiceServicer_to_server(servicer, server))
