"""The identity service of the fake stack: a small memory of who is who, for tests of what calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn, TypeVar

import grpc
from google.protobuf.message import Message

from personsearch.v1 import (
    identity_pb2,
    identity_service_pb2,
    identity_service_pb2_grpc,
    operation_pb2,
    review_pb2,
)

__all__ = ["FakePeople", "serve_identities"]

Row = TypeVar("Row")
Take = Callable[[str, Message, grpc.ServicerContext], None]
Missing = Callable[[str, dict[str, str], grpc.ServicerContext], NoReturn]


@dataclass
class FakePeople:
    """Who is who: places by identity, names, the log, and what the review queue asks."""

    places: dict[str, list[operation_pb2.AppearancePlace]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    operations: list[operation_pb2.Operation] = field(default_factory=list)
    reviews: list[review_pb2.Review] = field(default_factory=list)

    def add(self, identity_id: str, *places: operation_pb2.AppearancePlace) -> None:
        """Add an identity."""
        self.places[identity_id] = list(places)

    def identity(self, identity_id: str) -> identity_pb2.Identity:
        """An identity that is there."""
        places = self.places[identity_id]
        return identity_pb2.Identity(
            label=identity_pb2.IdentityLabel(identity_id=identity_id, name=self.names.get(identity_id, "")),
            appearance_count=len(places),
            video_count=len({place.video_id for place in places}),
            seen_s=sum(place.span.end_s - place.span.start_s for place in places),
            cover=places[0],
        )

    def say(
        self,
        kind: operation_pb2.OperationKind.ValueType,
        author: str,
        *,
        identity_ids: Sequence[str] = (),
        appearance_ids: Sequence[str] = (),
        name: str | None = None,
        undone: int | None = None,
    ) -> operation_pb2.Operation:
        """Write something into the log."""
        said = operation_pb2.Operation(
            number=len(self.operations) + 1,
            kind=kind,
            identity_ids=identity_ids,
            places=[operation_pb2.AppearancePlace(appearance_id=one) for one in appearance_ids],
            name=name,
            undone_number=undone,
            author=author,
            in_force=True,
        )
        self.operations.append(said)
        return said

    def erase(self, identity_id: str) -> list[operation_pb2.AppearancePlace]:
        """Take an identity out, and its name also of the log; where it was."""
        self.names.pop(identity_id, None)
        for said in self.operations:
            if identity_id in said.identity_ids:
                said.ClearField("name")
        return self.places.pop(identity_id)

    def home(self, appearance_id: str) -> str:
        """The identity of an appearance."""
        return next(name for name, places in self.places.items() if appearance_id in _ids(places))

    def unite(self, target: str, sources: Iterable[str]) -> None:
        """Put identities into one."""
        for source in sources:
            if source != target:
                self.places[target] += self.places.pop(source)

    def take_off(self, identity_id: str, appearance_ids: Sequence[str]) -> str:
        """Put some appearances of an identity into one of their own, which is called after the first."""
        places = self.places[identity_id]
        self.places[identity_id] = [place for place in places if place.appearance_id not in appearance_ids]
        self.places[appearance_ids[0]] = [place for place in places if place.appearance_id in appearance_ids]
        return appearance_ids[0]


def serve_identities(server: grpc.Server, people: FakePeople, take: Take, missing: Missing) -> None:
    """Put the service on a server.

    Args:
        server: The server.
        people: Who is who.
        take: Notes a request; it may end the call.
        missing: Ends a call about something that is not there, by the reason and its facts.
    """
    identity_service_pb2_grpc.add_IdentityServiceServicer_to_server(_Identities(people, take, missing), server)


class _Identities(identity_service_pb2_grpc.IdentityServiceServicer):
    """Answers from a `FakePeople`; pages hold one row, so that callers have to turn them."""

    def __init__(self, people: FakePeople, take: Take, missing: Missing) -> None:
        self._people, self._take, self._missing = people, take, missing

    def ListIdentities(
        self, request: identity_service_pb2.ListIdentitiesRequest, context: grpc.ServicerContext
    ) -> identity_service_pb2.ListIdentitiesResponse:
        self._take("ListIdentities", request, context)
        names = sorted(self._people.places, key=lambda name: (-len(self._people.places[name]), name))
        kept = [name for name in names if not request.named_only or self._people.names.get(name)]
        page, following = _page(kept, request.page_token)
        identities = [self._people.identity(name) for name in page]
        return identity_service_pb2.ListIdentitiesResponse(identities=identities, next_page_token=following)

    def GetIdentity(
        self, request: identity_service_pb2.GetIdentityRequest, context: grpc.ServicerContext
    ) -> identity_service_pb2.GetIdentityResponse:
        self._take("GetIdentity", request, context)
        self._check(request.identity_id, request.gallery, context)
        page, following = _page(self._people.places[request.identity_id], request.page_token)
        identity = self._people.identity(request.identity_id)
        return identity_service_pb2.GetIdentityResponse(identity=identity, places=page, next_page_token=following)

    def ListMemberships(
        self, request: identity_service_pb2.ListMembershipsRequest, context: grpc.ServicerContext
    ) -> identity_service_pb2.ListMembershipsResponse:
        self._take("ListMemberships", request, context)
        known = {place.appearance_id for places in self._people.places.values() for place in places}
        found = [
            identity_service_pb2.Membership(
                appearance_id=one, identity=self._people.identity(self._people.home(one)).label
            )
            for one in request.appearance_ids
            if one in known
        ]
        return identity_service_pb2.ListMembershipsResponse(memberships=found)

    def NameIdentity(
        self, request: identity_service_pb2.NameIdentityRequest, context: grpc.ServicerContext
    ) -> identity_service_pb2.NameIdentityResponse:
        self._take("NameIdentity", request, context)
        name = request.identity_id
        self._check(name, request.gallery, context)
        said = None
        if self._people.names.get(name, "") != request.name:
            self._people.names[name] = request.name
            kind = operation_pb2.OPERATION_KIND_NAME
            said = self._people.say(kind, request.author, identity_ids=[name], name=request.name)
        return identity_service_pb2.NameIdentityResponse(operation=said, identity=self._people.identity(name))

    def MergeIdentities(
        self, request: identity_service_pb2.MergeIdentitiesRequest, context: grpc.ServicerContext
    ) -> identity_service_pb2.MergeIdentitiesResponse:
        self._take("MergeIdentities", request, context)
        ids = [request.identity_id, *request.other_identity_ids]
        for one in ids:
            self._check(one, request.gallery, context)
        self._people.unite(ids[0], ids[1:])
        said = self._people.say(operation_pb2.OPERATION_KIND_MERGE, request.author, identity_ids=ids)
        return identity_service_pb2.MergeIdentitiesResponse(operation=said, identity=self._people.identity(ids[0]))

    def SplitIdentity(
        self, request: identity_service_pb2.SplitIdentityRequest, context: grpc.ServicerContext
    ) -> identity_service_pb2.SplitIdentityResponse:
        self._take("SplitIdentity", request, context)
        self._check(request.identity_id, request.gallery, context)
        away = self._people.take_off(request.identity_id, request.appearance_ids)
        kind, rest = operation_pb2.OPERATION_KIND_SPLIT, request.identity_id
        said = self._people.say(kind, request.author, identity_ids=[rest], appearance_ids=request.appearance_ids)
        both = self._people.identity(rest), self._people.identity(away)
        return identity_service_pb2.SplitIdentityResponse(operation=said, identity=both[0], split_off=both[1])

    def ConfirmAssociation(
        self, request: identity_service_pb2.ConfirmAssociationRequest, context: grpc.ServicerContext
    ) -> identity_service_pb2.ConfirmAssociationResponse:
        self._take("ConfirmAssociation", request, context)
        pair = request.first_appearance_id, request.second_appearance_id
        home = self._people.home(pair[0])
        self._people.unite(home, [self._people.home(pair[1])])
        said = self._people.say(operation_pb2.OPERATION_KIND_CONFIRM, request.author, appearance_ids=pair)
        return identity_service_pb2.ConfirmAssociationResponse(operation=said, identity=self._people.identity(home))

    def RejectAssociation(
        self, request: identity_service_pb2.RejectAssociationRequest, context: grpc.ServicerContext
    ) -> identity_service_pb2.RejectAssociationResponse:
        self._take("RejectAssociation", request, context)
        pair = request.first_appearance_id, request.second_appearance_id
        homes = [self._people.home(one) for one in pair]
        if homes[0] == homes[1]:
            homes[1] = self._people.take_off(homes[0], [pair[1]])
        said = self._people.say(operation_pb2.OPERATION_KIND_REJECT, request.author, appearance_ids=pair)
        first, second = (self._people.identity(home) for home in homes)
        return identity_service_pb2.RejectAssociationResponse(
            operation=said, first_identity=first, second_identity=second
        )

    def UndoOperation(
        self, request: identity_service_pb2.UndoOperationRequest, context: grpc.ServicerContext
    ) -> identity_service_pb2.UndoOperationResponse:
        """Note it in the log alone: this memory cannot go back."""
        self._take("UndoOperation", request, context)
        if request.number > len(self._people.operations):
            facts = {"gallery": request.gallery, "number": str(request.number)}
            self._missing("OPERATION_NOT_FOUND", facts, context)
        self._people.operations[request.number - 1].in_force = False
        said = self._people.say(operation_pb2.OPERATION_KIND_UNDO, request.author, undone=request.number)
        return identity_service_pb2.UndoOperationResponse(operation=said)

    def ListOperations(
        self, request: identity_service_pb2.ListOperationsRequest, context: grpc.ServicerContext
    ) -> identity_service_pb2.ListOperationsResponse:
        self._take("ListOperations", request, context)
        page, following = _page(self._people.operations[::-1], request.page_token)
        return identity_service_pb2.ListOperationsResponse(operations=page, next_page_token=following)

    def ListReviews(
        self, request: identity_service_pb2.ListReviewsRequest, context: grpc.ServicerContext
    ) -> identity_service_pb2.ListReviewsResponse:
        self._take("ListReviews", request, context)
        limit = request.limit if request.HasField("limit") else 20
        return identity_service_pb2.ListReviewsResponse(reviews=self._people.reviews[:limit])

    def _check(self, identity_id: str, gallery: str, context: grpc.ServicerContext) -> None:
        if identity_id not in self._people.places:
            self._missing("IDENTITY_NOT_FOUND", {"gallery": gallery, "identity_id": identity_id}, context)


def _ids(places: Iterable[operation_pb2.AppearancePlace]) -> set[str]:
    return {place.appearance_id for place in places}


def _page(rows: Sequence[Row], token: str) -> tuple[Sequence[Row], str]:
    start = int(token or 0)
    return rows[start : start + 1], str(start + 1) if start + 1 < len(rows) else ""
