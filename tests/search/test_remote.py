"""The ports over a real channel: pages, verdicts, and services that do not answer."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import grpc
import numpy as np
import pytest

from packs.spec import Modality
from personsearch.v1 import (
    association_service_pb2,
    association_service_pb2_grpc,
    fusion_service_pb2,
    fusion_service_pb2_grpc,
    hit_pb2,
    modality_pb2,
    query_pb2,
)
from services.association.converters import columns_to_proto
from services.backends.associations.blocks import EdgeBlock
from services.backends.schemas import Association
from services.search.answer import Share
from services.search.ports import (
    AskedEmbedding,
    Candidate,
    EmbeddedCandidate,
    Evidence,
    FusedEvidence,
    HeldEmbedding,
    PortUnavailableError,
)
from services.search.query import Task
from services.search.remote import (
    MAX_CANDIDATES,
    MAX_EMBEDDED,
    RemoteAssociations,
    RemoteFusion,
    block_from_proto,
)

EDGE = Association("a" * 32, "b" * 32, Modality.BODY, 0.75, confirmed=True)
LOGGER = logging.getLogger("tests.search")


class Associations(association_service_pb2_grpc.AssociationServiceServicer):
    def __init__(self) -> None:
        self.requests: list[association_service_pb2.ListAssociationColumnsRequest] = []
        self.broken = False

    async def AssociateVideo(self, request, context):
        raise NotImplementedError

    async def DropVideoAssociations(self, request, context):
        raise NotImplementedError

    async def ListAssociations(self, request, context):
        raise NotImplementedError

    async def ListAssociationColumns(self, request, context):
        self.requests.append(request)
        if self.broken:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "redis is gone")
        return columns_to_proto(EdgeBlock.of([EDGE], request.appearance_ids))


class Fusion(fusion_service_pb2_grpc.FusionServiceServicer):
    def __init__(self) -> None:
        self.requests: list[fusion_service_pb2.FuseEvidenceRequest | fusion_service_pb2.FuseEmbeddingsRequest] = []
        self.lost = 0

    async def FuseEvidence(self, request, context):
        self.requests.append(request)
        shares = [hit_pb2.ModalityShare(modality=modality_pb2.MODALITY_FACE, share=1.0)]
        verdict = fusion_service_pb2.FusedEvidence(probability=0.5, shares=shares)
        return fusion_service_pb2.FuseEvidenceResponse(fused=[verdict] * (len(request.candidates) - self.lost))

    async def FuseEmbeddings(self, request, context):
        self.requests.append(request)
        verdict = fusion_service_pb2.FusedEvidence(probability=0.25)
        return fusion_service_pb2.FuseEmbeddingsResponse(fused=[verdict] * (len(request.candidates) - self.lost))


@pytest.fixture
def served() -> tuple[Associations, Fusion]:
    return Associations(), Fusion()


@pytest.fixture
async def channel(served: tuple[Associations, Fusion]) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    association_service_pb2_grpc.add_AssociationServiceServicer_to_server(served[0], server)
    fusion_service_pb2_grpc.add_FusionServiceServicer_to_server(served[1], server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as opened:
        yield opened
    await server.stop(0)


async def test_edges_are_asked_in_pages_and_counted_once(channel: grpc.aio.Channel, served) -> None:
    port = RemoteAssociations(channel, 5.0, LOGGER)
    ids = [f"{number:032x}" for number in range(2500)]
    block = await port.edge_block("town", ids, (Modality.FACE, Modality.BODY), 0.5)
    assert block.associations() == [EDGE]
    assert set(ids) < set(block.names)
    assert [len(request.appearance_ids) for request in served[0].requests] == [1000, 1000, 500]
    first = served[0].requests[0]
    assert (first.gallery, first.min_probability) == ("town", 0.5)
    assert first.modalities == [modality_pb2.MODALITY_FACE, modality_pb2.MODALITY_BODY]


async def test_verdicts_come_in_order_and_pages(channel: grpc.aio.Channel, served) -> None:
    port = RemoteFusion(channel, 5.0, LOGGER)
    piece = Evidence(0, Modality.FACE, 0.5, 1.0, 1.0)
    fused = await port.fuse([Candidate((piece,), 0.25)] * (MAX_CANDIDATES + 1), Task.HEARD)
    assert fused[0] == FusedEvidence(0.5, (Share(Modality.FACE, 1.0),))
    assert len(fused) == MAX_CANDIDATES + 1
    assert [len(request.candidates) for request in served[1].requests] == [MAX_CANDIDATES, 1]
    assert await port.fuse([], Task.SEEN) == []
    asked = served[1].requests[0]
    assert asked.task == query_pb2.TASK_HEARD
    assert asked.candidates[0].speaker_confidence == 0.25


async def test_who_does_not_answer_is_unavailable(channel: grpc.aio.Channel, served) -> None:
    served[0].broken = True
    served[1].lost = 1
    with pytest.raises(PortUnavailableError, match="UNAVAILABLE: redis is gone"):
        await RemoteAssociations(channel, 5.0, LOGGER).edge_block("town", ["a"], (), 0.5)
    with pytest.raises(PortUnavailableError, match="0 verdicts on 1"):
        await RemoteFusion(channel, 5.0, LOGGER).fuse([Candidate(())], Task.SEEN)


async def test_nobody_listens(unused_tcp_port: int) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{unused_tcp_port}") as nobody:
        with pytest.raises(PortUnavailableError):
            await RemoteFusion(nobody, 1.0, LOGGER).fuse([Candidate(())], Task.SEEN)


async def test_embeddings_go_over_the_wire(channel: grpc.aio.Channel, served: tuple[Associations, Fusion]) -> None:
    fusion = RemoteFusion(channel, 5.0, LOGGER, by_network=True)
    vector = np.array([0.6, 0.8], np.float32)
    asked = [AskedEmbedding(Modality.FACE, vector, 1.5, -0.5)]
    candidate = EmbeddedCandidate((HeldEmbedding(Modality.FACE, vector, 0.25, (0,)),), 0.75)
    fused = await fusion.fuse_embeddings(asked, [candidate] * (MAX_EMBEDDED + 1), Task.PRESENT)
    assert fused == [FusedEvidence(0.25, ())] * (MAX_EMBEDDED + 1)
    first, second = served[1].requests
    assert [len(one.candidates) for one in (first, second)] == [MAX_EMBEDDED, 1]
    (query,), (held,) = second.asked, second.candidates[0].embeddings
    assert (query.modality, query.quality, query.weight) == (modality_pb2.MODALITY_FACE, 1.0, -0.5)
    assert (held.quality, list(held.asked), second.candidates[0].speaker_confidence) == (0.25, [0], 0.75)
    assert second.task == query_pb2.TASK_SEEN
    served[1].lost = 1
    with pytest.raises(PortUnavailableError, match="0 verdicts on 1 candidates"):
        await fusion.fuse_embeddings(asked, [candidate], Task.SEEN)
    assert not RemoteFusion(channel, 5.0, LOGGER).by_network


def test_columns_come_back_as_they_were() -> None:
    several = [Association(one * 32, "f" * 32, kind, 0.25) for one, kind in zip("abcde", Modality, strict=True)]
    block = block_from_proto(columns_to_proto(EdgeBlock.of([EDGE, *several])))
    assert block.associations() == EdgeBlock.of([EDGE, *several]).associations()
    assert len(block_from_proto(columns_to_proto(EdgeBlock.of([])))) == 0
