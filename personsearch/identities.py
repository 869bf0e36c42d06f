"""What the client asks and says of identities; a part of `PersonSearchClient`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager

from personsearch.v1 import (
    identity_pb2,
    identity_service_pb2,
    identity_service_pb2_grpc,
    operation_pb2,
    review_pb2,
)

__all__ = ["DEFAULT_GALLERY", "IdentityCalls"]

DEFAULT_GALLERY = "default"
# Where the associations of a large gallery were lost, they are rebuilt first.
PATIENCE = 4


class IdentityCalls:
    """Calls of the identity service; who uses them has a `PersonSearchClient`."""

    _identity: identity_service_pb2_grpc.IdentityServiceAsyncStub
    _timeout_s: float

    @property
    def _identity_address(self) -> str:
        raise NotImplementedError

    def _errors(self, address: str) -> AbstractContextManager[None]:
        raise NotImplementedError

    async def list_identities(
        self, *, gallery: str = DEFAULT_GALLERY, named_only: bool = False, limit: int | None = None
    ) -> list[identity_pb2.Identity]:
        """List identities, those with most appearances first; all, or the first `limit`."""
        request = identity_service_pb2.ListIdentitiesRequest(gallery=gallery, named_only=named_only)
        request.page_size = min(limit or 1000, 1000)
        found: list[identity_pb2.Identity] = []
        while True:
            with self._errors(self._identity_address):
                page = await self._identity.ListIdentities(request, timeout=self._timeout_s * PATIENCE)
            found += page.identities
            if not page.next_page_token or (limit is not None and len(found) >= limit):
                return found[:limit]
            request.page_token = page.next_page_token

    async def get_identity(
        self, identity_id: str, *, gallery: str = DEFAULT_GALLERY
    ) -> tuple[identity_pb2.Identity, list[operation_pb2.AppearancePlace]]:
        """Read an identity and where all its appearances are, by video, then start."""
        request = identity_service_pb2.GetIdentityRequest(gallery=gallery, identity_id=identity_id, page_size=1000)
        places: list[operation_pb2.AppearancePlace] = []
        while True:
            with self._errors(self._identity_address):
                page = await self._identity.GetIdentity(request, timeout=self._timeout_s * PATIENCE)
            places += page.places
            if not page.next_page_token:
                return page.identity, places
            request.page_token = page.next_page_token

    async def name_identity(
        self, identity_id: str, name: str, *, gallery: str = DEFAULT_GALLERY, author: str = ""
    ) -> identity_service_pb2.NameIdentityResponse:
        """Give an identity a name; "" takes it away."""
        request = identity_service_pb2.NameIdentityRequest(
            gallery=gallery, identity_id=identity_id, name=name, author=author
        )
        with self._errors(self._identity_address):
            return await self._identity.NameIdentity(request, timeout=self._timeout_s * PATIENCE)

    async def merge_identities(
        self, identity_id: str, others: Sequence[str], *, gallery: str = DEFAULT_GALLERY, author: str = ""
    ) -> identity_service_pb2.MergeIdentitiesResponse:
        """Say that identities are one person; the first keeps its id."""
        request = identity_service_pb2.MergeIdentitiesRequest(
            gallery=gallery, identity_id=identity_id, other_identity_ids=others, author=author
        )
        with self._errors(self._identity_address):
            return await self._identity.MergeIdentities(request, timeout=self._timeout_s * PATIENCE)

    async def split_identity(
        self, identity_id: str, appearance_ids: Sequence[str], *, gallery: str = DEFAULT_GALLERY, author: str = ""
    ) -> identity_service_pb2.SplitIdentityResponse:
        """Say that some appearances of an identity are another person than the rest."""
        request = identity_service_pb2.SplitIdentityRequest(
            gallery=gallery, identity_id=identity_id, appearance_ids=appearance_ids, author=author
        )
        with self._errors(self._identity_address):
            return await self._identity.SplitIdentity(request, timeout=self._timeout_s * PATIENCE)

    async def confirm_association(
        self, first: str, second: str, *, gallery: str = DEFAULT_GALLERY, author: str = ""
    ) -> identity_service_pb2.ConfirmAssociationResponse:
        """Say that two appearances are the same person."""
        request = identity_service_pb2.ConfirmAssociationRequest(
            gallery=gallery, first_appearance_id=first, second_appearance_id=second, author=author
        )
        with self._errors(self._identity_address):
            return await self._identity.ConfirmAssociation(request, timeout=self._timeout_s * PATIENCE)

    async def reject_association(
        self, first: str, second: str, *, gallery: str = DEFAULT_GALLERY, author: str = ""
    ) -> identity_service_pb2.RejectAssociationResponse:
        """Say that two appearances are two people."""
        request = identity_service_pb2.RejectAssociationRequest(
            gallery=gallery, first_appearance_id=first, second_appearance_id=second, author=author
        )
        with self._errors(self._identity_address):
            return await self._identity.RejectAssociation(request, timeout=self._timeout_s * PATIENCE)

    async def undo_operation(
        self, number: int, *, gallery: str = DEFAULT_GALLERY, author: str = ""
    ) -> operation_pb2.Operation:
        """Take an operation back, and return the undo."""
        request = identity_service_pb2.UndoOperationRequest(gallery=gallery, number=number, author=author)
        with self._errors(self._identity_address):
            return (await self._identity.UndoOperation(request, timeout=self._timeout_s * PATIENCE)).operation

    async def list_operations(self, *, gallery: str = DEFAULT_GALLERY) -> AsyncIterator[operation_pb2.Operation]:
        """Yield the log, newest first, reading page after page as far as it is asked for."""
        request = identity_service_pb2.ListOperationsRequest(gallery=gallery)
        while True:
            with self._errors(self._identity_address):
                page = await self._identity.ListOperations(request, timeout=self._timeout_s * PATIENCE)
            for operation in page.operations:
                yield operation
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def list_reviews(
        self, *, gallery: str = DEFAULT_GALLERY, limit: int | None = None
    ) -> list[review_pb2.Review]:
        """Ask which pairs of appearances to look at, most uncertain first (the service's default is 20)."""
        request = identity_service_pb2.ListReviewsRequest(gallery=gallery, limit=limit)
        with self._errors(self._identity_address):
            return list((await self._identity.ListReviews(request, timeout=self._timeout_s * PATIENCE)).reviews)
