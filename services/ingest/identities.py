"""What an erasure asks of the association service, which keeps who is who, and its gRPC adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import grpc

from personsearch.v1 import association_service_pb2 as messages
from personsearch.v1 import association_service_pb2_grpc as stubs
from services.ingest.associations import Dropped, unavailable
from services.runtime.errors import (
    DomainError,
    GalleryNotFoundError,
    IdentityNotFoundError,
    Reason,
)
from services.runtime.statuses import reason_of

__all__ = ["Doomed", "Forgotten", "GrpcIdentities", "IdentitiesPort"]


@dataclass(frozen=True, slots=True)
class Doomed:
    """Who is to be erased.

    Attributes:
        identity_id: The identity.
        appearances: Its appearances by video.
        changed_operations: How many entries of the log were changed.
    """

    identity_id: str
    appearances: Mapping[str, Sequence[str]]
    changed_operations: int

    @property
    def appearance_ids(self) -> list[str]:
        """Its appearances, those of a video together."""
        return [one for of_video in self.appearances.values() for one in of_video]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Edges of some appearances, and rows that say who they are."""

    associations: Dropped
    people: Dropped


class IdentitiesPort(Protocol):
    """Who is who, as an erasure needs it. Raises BackendUnavailableError when it does not answer."""

    async def isolate(self, gallery: str, identity_id: str) -> Doomed:
        """Take the name and the places of an identity out of the log, and say which appearances it is.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
            IdentityNotFoundError: If it has no such identity.
        """
        ...

    async def forget(self, gallery: str, appearance_ids: Sequence[str]) -> Forgotten:
        """Forget edges of appearances that are erased from the index, and then who they were.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
        """
        ...


class GrpcIdentities:
    """`IdentitiesPort` over gRPC.

    Args:
        channel: To the service; whoever made it closes it.
        deadline_s: Longest wait for an answer: new videos may have to be clustered first.
    """

    def __init__(self, channel: grpc.aio.Channel, *, deadline_s: float = 120.0) -> None:
        self._stub: stubs.AssociationServiceAsyncStub = stubs.AssociationServiceStub(channel)
        self._deadline_s = deadline_s

    async def isolate(self, gallery: str, identity_id: str) -> Doomed:
        """Take the name and the places of an identity out of the log, and say which appearances it is."""
        request = messages.IsolateIdentityRequest(gallery=gallery, identity_id=identity_id)
        try:
            answer = await self._stub.IsolateIdentity(request, timeout=self._deadline_s)
        except grpc.aio.AioRpcError as error:
            raise _told(error, gallery, identity_id) from error
        appearances = {video.video_id: tuple(video.appearance_ids) for video in answer.videos}
        return Doomed(answer.identity_id, appearances, int(answer.changed_operation_count))

    async def forget(self, gallery: str, appearance_ids: Sequence[str]) -> Forgotten:
        """Forget edges of appearances that are erased from the index, and then who they were."""
        request = messages.ForgetAppearancesRequest(gallery=gallery, appearance_ids=appearance_ids)
        try:
            answer = await self._stub.ForgetAppearances(request, timeout=self._deadline_s)
        except grpc.aio.AioRpcError as error:
            raise _told(error, gallery) from error
        return Forgotten(
            Dropped(int(answer.deleted_associations), int(answer.remaining_associations)),
            Dropped(int(answer.deleted_people), int(answer.remaining_people)),
        )


def _told(error: grpc.aio.AioRpcError, gallery: str, identity_id: str = "") -> DomainError:
    match reason_of(error):
        case Reason.GALLERY_NOT_FOUND:
            return GalleryNotFoundError(gallery)
        case Reason.IDENTITY_NOT_FOUND:
            return IdentityNotFoundError(gallery, identity_id)
        case _:
            return unavailable(error)
