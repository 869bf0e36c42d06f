"""What ingest asks of the association service, and its gRPC adapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import grpc

from personsearch.v1 import association_service_pb2 as messages
from personsearch.v1 import association_service_pb2_grpc as stubs
from services.runtime.errors import BackendUnavailableError

__all__ = ["AssociationsPort", "Dropped", "GrpcAssociations", "unavailable"]


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a deletion took, and what a fresh look still finds."""

    deleted: int
    remaining: int


class AssociationsPort(Protocol):
    """The association service as ingest needs it. Raises BackendUnavailableError when it does not answer."""

    async def associate_video(self, gallery: str, video_id: str) -> int:
        """Compute the edges of a video; say how many there are."""
        ...

    async def drop_video(self, gallery: str, video_id: str) -> Dropped:
        """Forget the edges of a video."""
        ...


class GrpcAssociations:
    """`AssociationsPort` over gRPC.

    Args:
        channel: To the service; whoever made it closes it.
        associate_deadline_s: Longest wait for the edges of a video.
        drop_deadline_s: Longest wait for forgetting them.
    """

    def __init__(
        self, channel: grpc.aio.Channel, *, associate_deadline_s: float = 120.0, drop_deadline_s: float = 30.0
    ) -> None:
        self._stub: stubs.AssociationServiceAsyncStub = stubs.AssociationServiceStub(channel)
        self._associate_deadline_s = associate_deadline_s
        self._drop_deadline_s = drop_deadline_s

    async def associate_video(self, gallery: str, video_id: str) -> int:
        """Compute the edges of a video; say how many there are."""
        request = messages.AssociateVideoRequest(gallery=gallery, video_id=video_id)
        try:
            response = await self._stub.AssociateVideo(request, timeout=self._associate_deadline_s)
        except grpc.aio.AioRpcError as error:
            raise unavailable(error) from error
        return int(response.association_count)

    async def drop_video(self, gallery: str, video_id: str) -> Dropped:
        """Forget the edges of a video."""
        request = messages.DropVideoAssociationsRequest(gallery=gallery, video_id=video_id)
        try:
            response = await self._stub.DropVideoAssociations(request, timeout=self._drop_deadline_s)
        except grpc.aio.AioRpcError as error:
            raise unavailable(error) from error
        return Dropped(int(response.deleted), int(response.remaining))


def unavailable(error: grpc.aio.AioRpcError) -> BackendUnavailableError:
    """What a call to the association service that failed means to ingest."""
    return BackendUnavailableError("association", f"{error.code().name}: {error.details()}")
