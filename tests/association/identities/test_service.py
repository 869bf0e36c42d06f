"""IdentityService over a real gRPC server in the process, on films whose people have made-up faces."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from packs.spec import Modality
from personsearch.v1 import association_service_pb2, identity_pb2, operation_pb2
from personsearch.v1 import identity_service_pb2 as messages
from personsearch.v1.association_service_pb2_grpc import AssociationServiceStub
from personsearch.v1.identity_service_pb2_grpc import IdentityServiceStub
from services.association.composing import ComposedAssociations, compose_associations
from services.association.converters import association_from_proto
from services.association.identities.answers import Label
from services.association.identities.converters import label_from_proto, label_to_proto, spot_from_proto, spot_to_proto
from services.association.identities.settings import IdentitySettings
from services.association.settings import LinkingSettings
from services.backends.people import Operation, OperationKind, Spot
from services.backends.schemas import VideoState
from services.runtime.errors import BackendUnavailableError
from services.runtime.server import GrpcServer
from services.runtime.settings import ServerSettings

World = Any  # of conftest


@dataclass
class Desk:
    """Where things are said, and what it stands on."""

    world: World
    composed: ComposedAssociations
    identities: IdentityServiceStub
    associations: AssociationServiceStub

    async def who(self, name: str) -> identity_pb2.Identity:
        """The identity of a tracklet."""
        page = await self.identities.ListIdentities(messages.ListIdentitiesRequest(gallery="town"))
        for identity in page.identities:
            if self.world.id_of(name) in await self.members(identity.label.identity_id):
                return identity
        raise AssertionError(f"{name} has no identity")

    async def members(self, identity_id: str) -> set[str]:
        """The appearances of an identity."""
        request = messages.GetIdentityRequest(gallery="town", identity_id=identity_id)
        return {place.appearance_id for place in (await self.identities.GetIdentity(request)).places}

    async def named(self, *names: str) -> set[frozenset[str]]:
        """The groups that some tracklets are in."""
        ids = {self.world.id_of(name): name for name in names}
        people = await self.composed.keeper.people("town")
        groups = ({ids[one] for one in members if one in ids} for members in people.state.clusters.values())
        return {frozenset(group) for group in groups if group}

    def pair(self, one: str, other: str) -> dict[str, str]:
        """The fields of a request about two tracklets."""
        first, second = self.world.id_of(one), self.world.id_of(other)
        return {"gallery": "town", "first_appearance_id": first, "second_appearance_id": second}


async def composed(world: World, settings: IdentitySettings | None = None) -> ComposedAssociations:
    calibration = world.handlers._linker._evidence
    return compose_associations(
        world.index,
        world.store,
        {modality: evidence.calibration for modality, evidence in calibration.items()},
        LinkingSettings(),
        settings or IdentitySettings(),
        logging.getLogger("tests.identities"),
    )


@pytest.fixture
async def desk(world: World) -> AsyncIterator[Desk]:
    made = await composed(world)
    server = GrpcServer(
        ServerSettings(grace_s=0.1), "127.0.0.1:0", made.services, {}, logging.getLogger("tests.identities")
    )
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield Desk(world, made, IdentityServiceStub(channel), AssociationServiceStub(channel))
    await server.stop()
    await made.aclose()


@pytest.fixture
async def films(desk: Desk) -> list[str]:
    """Anna in both films, once with a face that nobody knows again; Ben in one."""
    world = desk.world
    anna, ben, turned = world.face("anna"), world.face("ben"), world.face("turned")
    one = await world.film(
        "one",
        [
            world.tracklet("anna.1", 0, 9, anna),
            world.tracklet("ben.1", 2, 5, ben),
            world.tracklet("anna.2", 20, 24, anna),
            world.tracklet("turned", 40, 43, turned),
        ],
    )
    two = await world.film("two", [world.tracklet("anna.3", 0, 3, anna), world.tracklet("ben.2", 10, 12, ben)])
    return [one, two]


async def test_people_have_identities_without_being_enrolled(desk: Desk, films: list[str]) -> None:
    answer = await desk.identities.ListIdentities(messages.ListIdentitiesRequest(gallery="town"))
    first, second, third = answer.identities
    assert (first.appearance_count, first.video_count, first.seen_s) == (3, 2, 16.0)
    assert (second.appearance_count, third.appearance_count) == (2, 1)
    assert first.cover.appearance_id == desk.world.id_of("anna.1")
    assert (first.label.name, first.gallery, answer.next_page_token) == ("", "town", "")
    assert await desk.members(first.label.identity_id) == set(map(desk.world.id_of, ("anna.1", "anna.2", "anna.3")))


async def test_lists_come_page_by_page(desk: Desk, films: list[str]) -> None:
    request = messages.ListIdentitiesRequest(gallery="town", page_size=2)
    one = await desk.identities.ListIdentities(request)
    request.page_token = one.next_page_token
    two = await desk.identities.ListIdentities(request)
    assert [len(one.identities), len(two.identities), two.next_page_token] == [2, 1, ""]
    places = messages.GetIdentityRequest(gallery="town", identity_id=one.identities[0].label.identity_id, page_size=2)
    first = await desk.identities.GetIdentity(places)
    places.page_token = first.next_page_token
    second = await desk.identities.GetIdentity(places)
    assert [len(first.places), len(second.places)] == [2, 1]
    for token in ("x", "eA==", "WzEsMl0="):
        request.page_token = token
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await desk.identities.ListIdentities(request)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_name_lasts_and_is_taken_away(desk: Desk, films: list[str]) -> None:
    anna = (await desk.who("anna.1")).label.identity_id
    request = messages.NameIdentityRequest(gallery="town", identity_id=anna, name="Anna Müller", author="desk 2")
    answer = await desk.identities.NameIdentity(request)
    assert answer.identity.label.name == "Anna Müller"
    assert (answer.operation.number, answer.operation.author, answer.operation.in_force) == (1, "desk 2", True)
    again = await desk.identities.NameIdentity(request)
    assert again.operation.number == 1
    named = messages.ListIdentitiesRequest(gallery="town", named_only=True)
    assert [each.label.name for each in (await desk.identities.ListIdentities(named)).identities] == ["Anna Müller"]
    request.name = ""
    assert (await desk.identities.NameIdentity(request)).operation.number == 2
    assert not (await desk.identities.ListIdentities(named)).identities


async def test_another_process_finds_what_was_said_and_the_same_ids(desk: Desk, films: list[str]) -> None:
    anna = (await desk.who("anna.1")).label.identity_id
    await desk.identities.NameIdentity(messages.NameIdentityRequest(gallery="town", identity_id=anna, name="Anna"))
    await desk.identities.ConfirmAssociation(messages.ConfirmAssociationRequest(**desk.pair("turned", "ben.1")))
    before = await desk.composed.keeper.people("town")
    other = await composed(desk.world)
    after = await other.keeper.people("town")
    assert after.state.dump() == before.state.dump()
    assert after.state.names == {anna: "Anna"}
    await other.aclose()


async def test_a_new_film_joins_and_keeps_ids_and_corrections(desk: Desk, films: list[str]) -> None:
    world = desk.world
    anna = (await desk.who("anna.1")).label.identity_id
    await desk.identities.NameIdentity(messages.NameIdentityRequest(gallery="town", identity_id=anna, name="Anna"))
    await desk.identities.ConfirmAssociation(messages.ConfirmAssociationRequest(**desk.pair("turned", "anna.2")))
    await world.film("three", [world.tracklet("anna.4", 0, 3, world.face("anna")), world.tracklet("new", 5, 8)])
    label = (await desk.who("anna.4")).label
    assert (label.identity_id, label.name) == (anna, "Anna")
    assert world.id_of("turned") in await desk.members(anna)
    assert (await desk.who("new")).appearance_count == 1


async def test_a_rejected_pair_is_no_edge_and_a_confirmed_one_is(desk: Desk, films: list[str]) -> None:
    world = desk.world
    ids = [world.id_of("anna.1"), world.id_of("turned")]
    request = association_service_pb2.ListAssociationsRequest(gallery="town", appearance_ids=ids)

    async def ends() -> set[tuple[frozenset[str], bool]]:
        edges = (await desk.associations.ListAssociations(request)).associations
        block = await desk.composed.associations.edge_block("town", ids)
        assert list(map(association_from_proto, edges)) == block.associations()
        return {(frozenset({edge.first_appearance_id, edge.second_appearance_id}), edge.confirmed) for edge in edges}

    computed = {(frozenset(map(world.id_of, ("anna.1", other))), False) for other in ("anna.2", "anna.3")}
    assert await ends() == computed
    rejected = await desk.identities.RejectAssociation(
        messages.RejectAssociationRequest(**desk.pair("anna.1", "anna.3"))
    )
    assert rejected.first_identity.label != rejected.second_identity.label
    assert (frozenset(map(world.id_of, ("anna.1", "anna.3"))), False) not in await ends()
    confirmed = await desk.identities.ConfirmAssociation(
        messages.ConfirmAssociationRequest(**desk.pair("turned", "anna.1"))
    )
    assert confirmed.identity.appearance_count == 3
    assert (frozenset(ids), True) in await ends()
    edges = (await desk.associations.ListAssociations(request)).associations
    assert [edge.probability for edge in edges if edge.confirmed] == [1.0]
    for number in (1, 2):
        await desk.identities.UndoOperation(messages.UndoOperationRequest(gallery="town", number=number))
    assert await ends() == computed


async def test_undo_restores_and_the_log_tells_all(desk: Desk, films: list[str]) -> None:
    before = (await desk.composed.keeper.people("town")).state.dump()
    anna, ben = [(await desk.who(name)).label.identity_id for name in ("anna.1", "ben.1")]
    merged = await desk.identities.MergeIdentities(
        messages.MergeIdentitiesRequest(gallery="town", identity_id=anna, other_identity_ids=[ben], author="x")
    )
    # Ben is on screen together with Anna once, and so stays himself there.
    assert merged.identity.appearance_count == 4
    assert await desk.members(ben) == {desk.world.id_of("ben.1")}
    undo = messages.UndoOperationRequest(gallery="town", number=1, author="y")
    assert (await desk.identities.UndoOperation(undo)).operation.number == 2
    assert (await desk.identities.UndoOperation(undo)).operation.number == 2
    assert (await desk.composed.keeper.people("town")).state.dump() == before
    page = await desk.identities.ListOperations(messages.ListOperationsRequest(gallery="town"))
    assert [(each.number, each.kind, each.in_force) for each in page.operations] == [
        (2, operation_pb2.OPERATION_KIND_UNDO, True),
        (1, operation_pb2.OPERATION_KIND_MERGE, False),
    ]
    assert page.operations[0].undone_number == 1
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await desk.identities.UndoOperation(messages.UndoOperationRequest(gallery="town", number=9))
    assert reason_of(caught.value) == "ERROR_REASON_OPERATION_NOT_FOUND"


async def test_a_split_gives_an_identity_of_its_own(desk: Desk, films: list[str]) -> None:
    anna = (await desk.who("anna.1")).label.identity_id
    request = messages.SplitIdentityRequest(
        gallery="town", identity_id=anna, appearance_ids=[desk.world.id_of("anna.3")]
    )
    answer = await desk.identities.SplitIdentity(request)
    assert (answer.identity.label.identity_id, answer.identity.appearance_count) == (anna, 2)
    assert answer.split_off.appearance_count == 1
    again = await desk.identities.SplitIdentity(request)
    assert (again.operation.number, again.split_off) == (answer.operation.number, answer.split_off)
    request.appearance_ids[:] = [desk.world.id_of("anna.1"), desk.world.id_of("anna.2")]
    for wrong in (list(request.appearance_ids), [desk.world.id_of("ben.1")]):
        request.appearance_ids[:] = wrong
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await desk.identities.SplitIdentity(request)
        assert reason_of(caught.value) == "ERROR_REASON_CONTRADICTION"


async def test_what_cannot_be_is_refused_and_not_written_down(desk: Desk, films: list[str]) -> None:
    for one, other in (("anna.1", "ben.1"), ("anna.1", "anna.1")):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await desk.identities.ConfirmAssociation(messages.ConfirmAssociationRequest(**desk.pair(one, other)))
        assert reason_of(caught.value) == "ERROR_REASON_CONTRADICTION"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await desk.identities.ConfirmAssociation(messages.ConfirmAssociationRequest(**desk.pair("anna.1", "nobody")))
    assert reason_of(caught.value) == "ERROR_REASON_APPEARANCE_NOT_FOUND"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await desk.identities.NameIdentity(messages.NameIdentityRequest(gallery="town", identity_id="0" * 32))
    assert reason_of(caught.value) == "ERROR_REASON_IDENTITY_NOT_FOUND"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await desk.identities.ListIdentities(messages.ListIdentitiesRequest(gallery="nowhere"))
    assert reason_of(caught.value) == "ERROR_REASON_GALLERY_NOT_FOUND"
    assert await desk.world.index.people.operations("town") == []


async def test_what_is_said_twice_is_written_down_once(desk: Desk, films: list[str]) -> None:
    confirm = messages.ConfirmAssociationRequest(**desk.pair("turned", "anna.2"))
    reject = messages.RejectAssociationRequest(**desk.pair("anna.2", "turned"))
    for _ in range(2):
        assert (await desk.identities.ConfirmAssociation(confirm)).operation.number == 1
    for _ in range(2):
        assert (await desk.identities.RejectAssociation(reject)).operation.number == 2
    assert (await desk.identities.ConfirmAssociation(confirm)).operation.number == 3


async def test_a_deleted_film_takes_its_names_along(desk: Desk, films: list[str]) -> None:
    world = desk.world
    turned = (await desk.who("turned")).label.identity_id
    await desk.identities.NameIdentity(messages.NameIdentityRequest(gallery="town", identity_id=turned, name="Tom"))
    await world.store.drop_video("town", films[0])
    await world.index.erase_video("town", films[0])
    page = await desk.identities.ListIdentities(messages.ListIdentitiesRequest(gallery="town"))
    assert sorted(each.appearance_count for each in page.identities) == [1, 1]
    log = await desk.identities.ListOperations(messages.ListOperationsRequest(gallery="town"))
    assert [(each.name, each.HasField("name"), each.in_force) for each in log.operations] == [("", False, False)]


async def test_a_film_ingested_anew_with_other_ids_keeps_identities_and_names(desk: Desk, films: list[str]) -> None:
    world = desk.world
    turned = (await desk.who("turned")).label.identity_id
    await desk.identities.NameIdentity(messages.NameIdentityRequest(gallery="town", identity_id=turned, name="Tom"))
    old = [world.id_of(name) for name in ("anna.1", "ben.1", "anna.2", "turned")]
    await world.store.drop_video("town", films[0])
    await world.index.delete_appearances("town", old)
    await world.index.delete_embeddings(Modality.FACE, "town", old)
    await world.film("one", [world.tracklet("tom", 40.1, 43, world.face("turned"))])
    await world.index.put_video(world.videos["one"].with_changes(generation=2))
    label = (await desk.who("tom")).label
    assert (label.identity_id, label.name) == (turned, "Tom")
    assert {row.appearance_id for row in await world.index.people.memberships("town")} == {
        world.id_of(name) for name in ("tom", "anna.3", "ben.2")
    }


async def test_the_queue_asks_what_is_unsure_and_not_what_was_answered(desk: Desk, films: list[str]) -> None:
    world = desk.world
    like_anna = world.face("anna") + 1.15 * world.face("other")
    like_anna /= (like_anna**2).sum() ** 0.5
    await world.film("four", [world.tracklet("alike", 0, 5, like_anna), world.tracklet("alike.2", 6, 9, like_anna)])
    request = messages.ListReviewsRequest(gallery="town")
    asked = (await desk.identities.ListReviews(request)).reviews
    assert [each.uncertainty for each in asked] == sorted((each.uncertainty for each in asked), reverse=True)
    assert asked
    first = asked[0]
    pair = {
        "gallery": "town",
        "first_appearance_id": first.first.appearance_id,
        "second_appearance_id": first.second.appearance_id,
    }
    await desk.identities.RejectAssociation(messages.RejectAssociationRequest(**pair))
    left = (await desk.identities.ListReviews(request)).reviews
    assert (first.first, first.second) not in [(each.first, each.second) for each in left]
    request.limit = 1
    assert len((await desk.identities.ListReviews(request)).reviews) <= 1


async def test_memberships_are_told_in_order_and_of_whom_is_known(desk: Desk, films: list[str]) -> None:
    world = desk.world
    ids = [world.id_of("ben.1"), "f" * 32, world.id_of("anna.1")]
    request = messages.ListMembershipsRequest(gallery="town", appearance_ids=ids)
    found = (await desk.identities.ListMemberships(request)).memberships
    assert [each.appearance_id for each in found] == [ids[0], ids[2]]
    request.gallery = "nowhere"
    assert not (await desk.identities.ListMemberships(request)).memberships


async def test_another_pack_clusters_anew_under_the_same_ids(desk: Desk, films: list[str]) -> None:
    world = desk.world
    before = (await desk.composed.keeper.people("town")).state
    rows = [replace(row, pack_key="another") for row in await world.index.people.memberships("town")]
    await world.index.people.put_memberships(rows)
    other = await composed(world)
    after = (await other.keeper.people("town")).state
    assert after.dump() == before.dump()
    assert {row.pack_key for row in await world.index.people.memberships("town")} == {world.index.pack_key}
    await other.aclose()


async def test_a_second_writer_is_noticed(desk: Desk, films: list[str]) -> None:
    anna = (await desk.who("anna.1")).label.identity_id
    await desk.world.index.people.append(Operation("town", 1, OperationKind.NAME, 0.0, name="elsewhere"))
    request = messages.NameIdentityRequest(gallery="town", identity_id=anna, name="Anna")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await desk.identities.NameIdentity(request)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert (await desk.identities.NameIdentity(request)).operation.number == 2


async def test_videos_that_are_not_ready_are_not_in(desk: Desk) -> None:
    world = desk.world
    await world.film("half", [world.tracklet("x", 0, 1, world.face("x"))], state=VideoState.INGESTING)
    assert not (await desk.identities.ListIdentities(messages.ListIdentitiesRequest(gallery="town"))).identities


def test_converters_round_trip() -> None:
    spot, label = Spot("a" * 32, "b" * 32, 1_001, 2_999), Label("c" * 32, "Anna")
    assert spot_from_proto(spot_to_proto(spot)) == spot
    assert label_from_proto(label_to_proto(label)) == label


def reason_of(error: grpc.aio.AioRpcError) -> str:
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(error)
    assert status is not None
    assert status.details[0].Unpack(info)
    return info.reason


async def test_a_search_asks_again_only_after_a_while_when_identities_cannot_be_had(
    desk: Desk, films: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # There is no fake of a record that fails, and the one that is there never does.
    asked: list[str] = []

    async def fails(gallery: str) -> None:
        asked.append(gallery)
        raise BackendUnavailableError("redis", "it does not answer")

    monkeypatch.setattr(desk.composed.keeper, "people", fails)
    for _ in range(3):
        assert await desk.composed.watch.labels("town", [desk.world.id_of("anna.1")]) == {}
    assert asked == ["town"]


async def test_identities_wait_until_they_are_asked_for_where_searches_want_none(desk: Desk, films: list[str]) -> None:
    quiet = await composed(desk.world, IdentitySettings(in_search=False))
    await quiet.associations.associate_video("town", films[0])
    assert await quiet.watch.labels("town", [desk.world.id_of("anna.1")]) == {}
    assert quiet.keeper.known("town") is None
    assert len((await quiet.identities.list_identities("town", 10, "")).identities) == 3
    await quiet.aclose()
