"""What was said of people changes answers: hits say who they are, and confirmed pairs are followed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from packs.calibration import Calibration
from packs.spec import Modality
from personsearch.v1 import identity_pb2, identity_service_pb2, identity_service_pb2_grpc
from services.association.composing import ComposedAssociations, compose_associations
from services.association.identities.settings import IdentitySettings
from services.association.settings import LinkingSettings
from services.backends.associations.fake import FakeAssociationStore
from services.runtime.server import GrpcServer
from services.runtime.settings import ServerSettings
from services.search import ranking
from services.search.answer import Hit, Share, Step, Who
from services.search.expansion import Path
from services.search.handlers import SearchHandlers
from services.search.mounted import MountedAssociations, MountedIdentities
from services.search.query import Portrait, Query, QueryPart
from services.search.ranking import Direct
from services.search.remote import RemoteAssociations, RemoteIdentities
from services.search.server import build_handlers

World = Any  # of conftest
LOGGER = logging.getLogger("tests.search")


@pytest.fixture
async def composed(world: World) -> AsyncIterator[ComposedAssociations]:
    """The real association and identity services on the world."""
    calibration = {Modality.FACE: Calibration(slope=20.0, intercept=-8.0)}
    made = compose_associations(
        world.index, FakeAssociationStore(), calibration, LinkingSettings(), IdentitySettings(), LOGGER
    )
    await world.index.make_live()
    await world.put_video("film")
    await world.put("front", face=world.face(1), body=world.body(1), span=(0, 5))
    await world.put("back", face=world.face(2), span=(300, 305))
    yield made
    await made.aclose()


def search_of(world: World, executor: ThreadPoolExecutor, associations: Any, identities: Any) -> SearchHandlers:
    return build_handlers(
        world.settings,
        world.pack,
        world.index,
        world.vision,
        world.hearing,
        world.words,
        executor,
        associations,
        world.fusion,
        LOGGER,
        identities,
    )


async def found(handlers: SearchHandlers, world: World) -> Mapping[str, Hit]:
    query = Query((QueryPart(Portrait(world.portrait(1), None), 1.0),), "town", min_score=0.4)
    answer = await handlers.search(query, 10)
    assert not answer.degraded
    return {hit.appearance.appearance_id: hit for hit in answer.hits}


@pytest.fixture(params=["mounted", "apart"])
async def handlers(
    request: pytest.FixtureRequest, world: World, executor: ThreadPoolExecutor, composed: ComposedAssociations
) -> AsyncIterator[SearchHandlers]:
    if request.param == "mounted":
        associations = MountedAssociations(composed.associations, LOGGER)
        yield search_of(world, executor, associations, MountedIdentities(composed.watch))
        return
    server = GrpcServer(ServerSettings(reflection=False), "127.0.0.1:0", composed.services, {}, LOGGER)
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        ports = RemoteAssociations(channel, 20.0, LOGGER), RemoteIdentities(channel, 20.0, LOGGER)
        yield search_of(world, executor, *ports)
    await server.stop(0.0)


async def test_a_confirmed_pair_is_followed_and_a_rejected_one_is_not(
    world: World, handlers: SearchHandlers, composed: ComposedAssociations
) -> None:
    front, back = world.an_id("front"), world.an_id("back")
    assert (await found(handlers, world)).keys() == {front}
    await composed.identities.confirm("town", front, back, "")
    hits = await found(handlers, world)
    assert hits.keys() == {front, back}
    assert hits[back].belief.chain[-1] == Step(front, back, Modality.FACE, 1.0, confirmed=True)
    assert hits[back].score == pytest.approx(hits[front].score)
    await composed.identities.reject("town", front, back, "")
    assert (await found(handlers, world)).keys() == {front}
    await composed.identities.undo("town", 2, "")
    assert (await found(handlers, world)).keys() == {front, back}


async def test_hits_say_who_they_are(world: World, handlers: SearchHandlers, composed: ComposedAssociations) -> None:
    await composed.keeper.people("town")
    front = world.an_id("front")
    who = (await found(handlers, world))[front].who
    assert who is not None
    assert who.name == ""
    await composed.identities.name("town", who.identity_id, "Anna", "")
    assert (await found(handlers, world))[front].who == Who(who.identity_id, "Anna")


async def test_what_a_new_film_shows_is_known_a_little_later(
    world: World, handlers: SearchHandlers, composed: ComposedAssociations
) -> None:
    await composed.keeper.people("town")
    await world.put_video("later")
    later = await world.put("later", face=world.face(1), video="later")
    await composed.associations.associate_video("town", world.an_id("later"))
    await composed.watch.refresh("town")
    hits = await found(handlers, world)
    assert hits[later].who == hits[world.an_id("front")].who is not None


class Silent(identity_service_pb2_grpc.IdentityServiceServicer):
    """Answers no one, but for an identity that it knows."""

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []

    async def ListMemberships(self, request: identity_service_pb2.ListMembershipsRequest, context: Any) -> Any:
        self.asked.append(list(request.appearance_ids))
        if len(self.asked) > 1:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "no")
        label = identity_pb2.IdentityLabel(identity_id="e" * 32, name="Anna")
        one = identity_service_pb2.Membership(appearance_id=request.appearance_ids[0], identity=label)
        return identity_service_pb2.ListMembershipsResponse(memberships=[one])


async def test_who_cannot_be_asked_costs_no_answer() -> None:
    server, silent = grpc.aio.server(), Silent()
    identity_service_pb2_grpc.add_IdentityServiceServicer_to_server(silent, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        ids = [f"{number:032x}" for number in range(1001)]
        labels = await RemoteIdentities(channel, 20.0, LOGGER).labels("town", ids)
    await server.stop(None)
    assert labels == {ids[0]: Who("e" * 32, "Anna")}
    assert [len(part) for part in silent.asked] == [1000, 1]


async def test_a_search_does_not_wait_for_identities_that_are_not_known(
    world: World, composed: ComposedAssociations
) -> None:
    """While somebody else is at the gallery, nobody is known, and the hits come all the same."""
    watch = MountedIdentities(composed.watch)
    async with composed.keeper._turns["town"]:
        assert await asyncio.wait_for(watch.labels("town", [world.an_id("front")]), 20.0) == {}


def test_a_confirmed_step_counts_for_no_modality_unless_there_is_no_other() -> None:
    seed = Direct(0.9, (Share(Modality.BODY, 1.0),), ())
    said = Step("seed", "it", Modality.FACE, 1.0, confirmed=True)
    more = Step("it", "there", Modality.VOICE, 0.8)
    assert ranking.shares_of_chain(seed, Path("seed", (said,), 0.9)) == (Share(Modality.BODY, 1.0),)
    named = ranking.named(0, Modality.FACE)
    assert ranking.shares_of_chain(named, Path("seed", (said, more), 0.8)) == (Share(Modality.VOICE, 1.0),)
    assert ranking.shares_of_chain(named, Path("seed", (said,), 1.0)) == (Share(Modality.FACE, 1.0),)
