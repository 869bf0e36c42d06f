"""What the blocking client asks and says of identities; a part of `BlockingClient`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from personsearch.identities import DEFAULT_GALLERY, IdentityCalls
from personsearch.v1 import identity_pb2, identity_service_pb2, operation_pb2, review_pb2

__all__ = ["BlockingIdentityCalls"]


class BlockingIdentityCalls:
    """Each method is the one of the same name of `PersonSearchClient`."""

    _runner: asyncio.Runner

    @property
    def _calls(self) -> IdentityCalls:
        raise NotImplementedError

    def list_identities(
        self, *, gallery: str = DEFAULT_GALLERY, named_only: bool = False, limit: int | None = None
    ) -> list[identity_pb2.Identity]:
        """List identities, those with most appearances first."""
        return self._runner.run(self._calls.list_identities(gallery=gallery, named_only=named_only, limit=limit))

    def get_identity(
        self, identity_id: str, *, gallery: str = DEFAULT_GALLERY
    ) -> tuple[identity_pb2.Identity, list[operation_pb2.AppearancePlace]]:
        """Read an identity and where its appearances are."""
        return self._runner.run(self._calls.get_identity(identity_id, gallery=gallery))

    def name_identity(
        self, identity_id: str, name: str, *, gallery: str = DEFAULT_GALLERY, author: str = ""
    ) -> identity_service_pb2.NameIdentityResponse:
        """Give an identity a name; "" takes it away."""
        return self._runner.run(self._calls.name_identity(identity_id, name, gallery=gallery, author=author))

    def merge_identities(
        self, identity_id: str, others: Sequence[str], *, gallery: str = DEFAULT_GALLERY, author: str = ""
    ) -> identity_service_pb2.MergeIdentitiesResponse:
        """Say that identities are one person; the first keeps its id."""
        return self._runner.run(self._calls.merge_identities(identity_id, others, gallery=gallery, author=author))

    def split_identity(
        self, identity_id: str, appearance_ids: Sequence[str], *, gallery: str = DEFAULT_GALLERY, author: str = ""
    ) -> identity_service_pb2.SplitIdentityResponse:
        """Say that some appearances of an identity are another person than the rest."""
        return self._runner.run(self._calls.split_identity(identity_id, appearance_ids, gallery=gallery, author=author))

    def confirm_association(
        self, first: str, second: str, *, gallery: str = DEFAULT_GALLERY, author: str = ""
    ) -> identity_service_pb2.ConfirmAssociationResponse:
        """Say that two appearances are the same person."""
        return self._runner.run(self._calls.confirm_association(first, second, gallery=gallery, author=author))

    def reject_association(
        self, first: str, second: str, *, gallery: str = DEFAULT_GALLERY, author: str = ""
    ) -> identity_service_pb2.RejectAssociationResponse:
        """Say that two appearances are two people."""
        return self._runner.run(self._calls.reject_association(first, second, gallery=gallery, author=author))

    def undo_operation(
        self, number: int, *, gallery: str = DEFAULT_GALLERY, author: str = ""
    ) -> operation_pb2.Operation:
        """Take an operation back, and return the undo."""
        return self._runner.run(self._calls.undo_operation(number, gallery=gallery, author=author))

    def list_operations(self, *, gallery: str = DEFAULT_GALLERY) -> list[operation_pb2.Operation]:
        """List the whole log, newest first."""

        async def read() -> list[operation_pb2.Operation]:
            return [operation async for operation in self._calls.list_operations(gallery=gallery)]

        return self._runner.run(read())

    def list_reviews(self, *, gallery: str = DEFAULT_GALLERY, limit: int | None = None) -> list[review_pb2.Review]:
        """Ask which pairs of appearances to look at, most uncertain first."""
        return self._runner.run(self._calls.list_reviews(gallery=gallery, limit=limit))
