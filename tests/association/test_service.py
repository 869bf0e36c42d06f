"""AssociationService over a real gRPC server in the process."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from packs.spec import Modality
from personsearch.v1 import association_service_pb2 as messages
from personsearch.v1 import modality_pb2
from personsearch.v1.association_service_pb2_grpc import AssociationServiceStub
from services.association.converters import (
    association_from_proto,
    association_to_proto,
)
from services.association.erasure import IdentityErasure
from services.association.identities.keeper import IdentityKeeper
from services.association.servicer import mounted
from services.backends.schemas import Association
from services.runtime.modalities import modality_from_proto, modality_to_proto
from services.runtime.server import GrpcServer
from services.runtime.settings import ServerSettings

World = Any  # of conftest


@pytest.fixture
async def stub(world: World) -> AsyncIterator[AssociationServiceStub]:
    logger = logging.getLogger("tests.association")
    erasure = IdentityErasure(IdentityKeeper(world.index, world.handlers, logger), world.handlers)
    server = GrpcServer(ServerSettings(grace_s=0.1), "127.0.0.1:0", [mounted(world.handlers, erasure)], {}, logger)
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield AssociationServiceStub(channel)
    await server.stop()


async def test_associates_lists_and_drops(world: World, stub: AssociationServiceStub) -> None:
    anna, red = world.face("anna"), world.body("red")
    video = await world.film("one", [world.tracklet("a", 0, 2, anna, red), world.tracklet("b", 3, 5, anna, red)])
    answer = await stub.AssociateVideo(messages.AssociateVideoRequest(gallery="town", video_id=video))
    assert answer.association_count == 2
    request = messages.ListAssociationsRequest(gallery="town", appearance_ids=[world.id_of("a")])
    edges = (await stub.ListAssociations(request)).associations
    assert {edge.modality for edge in edges} == {modality_pb2.MODALITY_FACE, modality_pb2.MODALITY_BODY}
    assert edges[0].first_appearance_id < edges[0].second_appearance_id
    assert edges[0].probability >= edges[1].probability
    columns = await stub.ListAssociationColumns(
        messages.ListAssociationColumnsRequest(gallery="town", appearance_ids=[world.id_of("a"), world.id_of("b")])
    )
    assert columns.appearance_ids.hex() in {world.id_of(one) + world.id_of(other) for one, other in ("ab", "ba")}
    # Each of the two was read at both of its ends.
    assert sorted(columns.modalities) == sorted(2 * [modality_pb2.MODALITY_FACE, modality_pb2.MODALITY_BODY])
    assert len(columns.ones) == len(columns.others) == len(columns.probabilities) == 4 * 4
    assert columns.confirmed == bytes(4)
    request.modalities.append(modality_pb2.MODALITY_FACE)
    assert len((await stub.ListAssociations(request)).associations) == 1
    request.min_probability = 1.0
    assert len((await stub.ListAssociations(request)).associations) == 0
    drop = messages.DropVideoAssociationsRequest(gallery="town", video_id=video)
    dropped = await stub.DropVideoAssociations(drop)
    assert (dropped.deleted, dropped.remaining) == (1 + 2 + 4, 0)


async def test_errors_have_a_reason(world: World, stub: AssociationServiceStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.AssociateVideo(messages.AssociateVideoRequest(gallery="nowhere", video_id="0" * 32))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(caught.value)
    assert status is not None
    assert status.details[0].Unpack(info)
    assert info.reason == "ERROR_REASON_GALLERY_NOT_FOUND"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ListAssociations(messages.ListAssociationsRequest(gallery="town", appearance_ids=["x"]))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("modality", Modality)
def test_converters_round_trip(modality: Modality) -> None:
    edge = Association("a" * 32, "b" * 32, modality, 0.625)
    assert association_from_proto(association_to_proto(edge)) == edge
    assert modality_from_proto(modality_to_proto(modality)) is modality


def test_an_unspecified_modality_means_nothing() -> None:
    with pytest.raises(ValueError, match="none of"):
        modality_from_proto(modality_pb2.MODALITY_UNSPECIFIED)
