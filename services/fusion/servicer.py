"""personsearch.v1.FusionService: converts, calls the handlers, converts back."""

from __future__ import annotations

import grpc

from personsearch.v1 import fusion_service_pb2 as messages
from personsearch.v1 import fusion_service_pb2_grpc as stubs
from services.fusion import converters
from services.fusion.handlers import FusionHandlers
from services.runtime.server import MountedService

__all__ = ["NAME", "FusionServicer", "mounted"]

NAME = "personsearch.v1.FusionService"


class FusionServicer(stubs.FusionServiceServicer):
    """Fusion on gRPC; requests have passed validation."""

    def __init__(self, handlers: FusionHandlers) -> None:
        self._handlers = handlers

    async def FuseEvidence(
        self,
        request: messages.FuseEvidenceRequest,
        context: grpc.aio.ServicerContext[messages.FuseEvidenceRequest, messages.FuseEvidenceResponse],
    ) -> messages.FuseEvidenceResponse:
        """Give one verdict for each candidate."""
        candidates = [converters.candidate_from_proto(each) for each in request.candidates]
        aspect, off = converters.aspect_from_proto(request.task), converters.modalities_from_proto(request.off)
        fused = await self._handlers.fuse(candidates, aspect, off)
        return messages.FuseEvidenceResponse(fused=map(converters.fused_to_proto, fused))

    async def FuseEmbeddings(
        self,
        request: messages.FuseEmbeddingsRequest,
        context: grpc.aio.ServicerContext[messages.FuseEmbeddingsRequest, messages.FuseEmbeddingsResponse],
    ) -> messages.FuseEmbeddingsResponse:
        """Give one verdict for each candidate, by its embeddings."""
        fused = await self._handlers.fuse_embeddings(
            [converters.asked_from_proto(one) for one in request.asked],
            [converters.embedded_from_proto(one) for one in request.candidates],
            converters.aspect_from_proto(request.task),
            converters.method_from_proto(request.method),
            converters.modalities_from_proto(request.off),
        )
        return messages.FuseEmbeddingsResponse(fused=map(converters.fused_to_proto, fused))


def mounted(handlers: FusionHandlers) -> MountedService:
    """The service, ready to be put on a server."""
    servicer = FusionServicer(handlers)
    return MountedService(NAME, lambda server: stubs.add_FusionServiceServicer_to_server(servicer, server))
