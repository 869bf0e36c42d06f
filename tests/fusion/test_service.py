"""FusionService over a real gRPC server in the process."""

from __future__ import annotations

import logging

import grpc
import numpy as np
import pytest

from packs.calibration import Calibration
from packs.fuser import FuserCard, FuserPart, FusionMethod, SubsetCalibration
from packs.spec import Modality
from personsearch.v1 import fusion_service_pb2 as messages
from personsearch.v1 import modality_pb2, query_pb2
from personsearch.v1.fusion_service_pb2_grpc import FusionServiceStub
from services.backends.fusers import FakeRepresenter
from services.fusion.converters import (
    asked_from_proto,
    asked_to_proto,
    aspect_from_proto,
    aspect_to_proto,
    candidate_from_proto,
    candidate_to_proto,
    embedded_from_proto,
    embedded_to_proto,
    evidence_from_proto,
    evidence_to_proto,
    fused_from_proto,
    fused_to_proto,
    method_from_proto,
    method_to_proto,
    modalities_from_proto,
)
from services.fusion.embedded import Asked, EmbeddedCandidate, Held
from services.fusion.fusing import Aspect, Candidate, Evidence, Fused, ModalityShare
from services.fusion.handlers import FusionHandlers
from services.fusion.servicer import mounted
from services.fusion.settings import FusionSettings
from services.runtime.server import GrpcServer
from services.runtime.settings import ServerSettings


async def test_fuses_in_the_order_asked() -> None:
    calibration = {Modality.FACE: Calibration(slope=20.0, intercept=-10.0)}
    handlers = FusionHandlers(calibration, FusionSettings(prior_log_odds=0.0))
    logger = logging.getLogger("tests.fusion")
    server = GrpcServer(ServerSettings(grace_s=0.1), "127.0.0.1:0", [mounted(handlers)], {}, logger)
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = FusionServiceStub(channel)
        candidates = [
            messages.Candidate(evidence=[evidence_to_proto(Evidence(Modality.FACE, cosine))]) for cosine in (0.9, 0.1)
        ]
        request = messages.FuseEvidenceRequest(candidates=[*candidates, messages.Candidate()])
        fused = (await stub.FuseEvidence(request)).fused
        assert [round(each.probability, 3) for each in fused] == [1.0, 0.0, 0.0]
        assert [len(each.shares) for each in fused] == [1, 1, 0]
        wrong = messages.Candidate(evidence=[messages.Evidence(modality=modality_pb2.MODALITY_FACE, weight=2.0)])
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.FuseEvidence(messages.FuseEvidenceRequest(candidates=[wrong]))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    await server.stop()


@pytest.mark.parametrize("modality", Modality)
def test_converters_round_trip(modality: Modality) -> None:
    piece = Evidence(modality, 0.5, -0.25, 0.75)
    assert evidence_from_proto(evidence_to_proto(piece)) == piece
    candidate = Candidate((piece,), 0.25)
    assert candidate_from_proto(candidate_to_proto(candidate)) == candidate
    fused = Fused(0.625, (ModalityShare(modality, 1.0),), FusionMethod.ATTENTION)
    assert fused_from_proto(fused_to_proto(fused)) == fused


@pytest.mark.parametrize("aspect", Aspect)
def test_aspects_round_trip(aspect: Aspect) -> None:
    assert aspect_from_proto(aspect_to_proto(aspect)) is aspect


def test_where_nothing_is_said_it_is_asked_who_is_seen_and_the_link_is_sure() -> None:
    assert aspect_from_proto(query_pb2.TASK_UNSPECIFIED) is Aspect.SEEN
    assert candidate_from_proto(messages.Candidate()) == Candidate((), 1.0)


async def test_the_task_decides_what_a_link_costs() -> None:
    calibration = {Modality.VOICE: Calibration(slope=20.0, intercept=-10.0)}
    handlers = FusionHandlers(calibration, FusionSettings())
    server = GrpcServer(ServerSettings(grace_s=0.1), "127.0.0.1:0", [mounted(handlers)], {}, logging.getLogger("t"))
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        candidate = candidate_to_proto(Candidate((Evidence(Modality.VOICE, 1.0),), 0.5))
        told = [
            (await FusionServiceStub(channel).FuseEvidence(request)).fused[0].probability
            for request in (
                messages.FuseEvidenceRequest(candidates=[candidate]),
                messages.FuseEvidenceRequest(candidates=[candidate], task=query_pb2.TASK_HEARD),
            )
        ]
    await server.stop()
    assert told[0] == pytest.approx(0.52, abs=0.02)
    assert told[1] > 0.99


def test_an_unspecified_modality_means_nothing() -> None:
    with pytest.raises(ValueError, match="none of"):
        evidence_from_proto(messages.Evidence())


@pytest.mark.parametrize("method", FusionMethod)
def test_methods_round_trip(method: FusionMethod) -> None:
    assert method_from_proto(method_to_proto(method)) is method
    assert method_from_proto(messages.FUSION_METHOD_UNSPECIFIED) is None


def test_embeddings_round_trip() -> None:
    vector = np.array([0.6, 0.8], np.float32)
    asked = asked_from_proto(asked_to_proto(Asked(Modality.HEAD, vector, 0.5, -0.25)))
    assert (asked.modality, asked.quality, asked.weight) == (Modality.HEAD, 0.5, -0.25)
    found = embedded_from_proto(
        embedded_to_proto(EmbeddedCandidate((Held(Modality.VOICE, vector, 0.25, (3, 1)),), 0.75))
    )
    (held,) = found.embeddings
    assert (held.modality, held.quality, held.asked, found.speaker) == (Modality.VOICE, 0.25, (3, 1), 0.75)
    assert embedded_from_proto(messages.EmbeddedCandidate()).speaker == 1.0
    np.testing.assert_allclose([asked.vector, held.vector], [vector, vector], rtol=1e-6)
    assert modalities_from_proto([modality_pb2.MODALITY_BODY]) == {Modality.BODY}


async def test_embeddings_are_fused_by_the_method_that_is_asked_for() -> None:
    line = Calibration(slope=20.0, intercept=-10.0)
    pair = (Modality.FACE, Modality.BODY)
    card = FuserCard(
        name="fake",
        pack="f" * 64,
        parts=tuple(FuserPart(modality=one, dim=2) for one in pair),
        calibrations=(SubsetCalibration(modalities=pair, calibration=line),),
    )
    handlers = FusionHandlers(
        dict.fromkeys(pair, line), FusionSettings(), {FusionMethod.ASSOCIATIVE: FakeRepresenter(card)}
    )
    server = GrpcServer(ServerSettings(grace_s=0.1), "127.0.0.1:0", [mounted(handlers)], {}, logging.getLogger("t"))
    await server.start()
    vector = np.array([0.6, 0.8], np.float32)
    asked = [asked_to_proto(Asked(one, vector)) for one in pair]
    candidate = embedded_to_proto(EmbeddedCandidate(tuple(Held(one, vector) for one in pair)))
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = FusionServiceStub(channel)

        async def ask(**fields: object) -> messages.FusedEvidence:
            request = messages.FuseEmbeddingsRequest(asked=asked, candidates=[candidate], **fields)  # type: ignore[arg-type]
            (fused,) = (await stub.FuseEmbeddings(request)).fused
            return fused

        assert (await ask()).method == messages.FUSION_METHOD_LATE
        network = await ask(method=messages.FUSION_METHOD_ASSOCIATIVE)
        assert network.method == messages.FUSION_METHOD_ASSOCIATIVE
        assert [round(one.share, 3) for one in network.shares] == [0.5, 0.5]
        masked = await ask(method=messages.FUSION_METHOD_ASSOCIATIVE, off=[modality_pb2.MODALITY_FACE])
        assert [one.modality for one in masked.shares] == [modality_pb2.MODALITY_BODY]
        with pytest.raises(grpc.aio.AioRpcError, match="attention has no network here") as caught:
            await ask(method=messages.FUSION_METHOD_ATTENTION)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        asked[0].vector[:] = [0.0, 0.0]
        with pytest.raises(grpc.aio.AioRpcError, match="expected an embedding"):
            await ask()
        evidence = [evidence_to_proto(Evidence(one, 0.9)) for one in pair]
        off = messages.FuseEvidenceRequest(
            candidates=[messages.Candidate(evidence=evidence)], off=[modality_pb2.MODALITY_FACE]
        )
        assert len((await stub.FuseEvidence(off)).fused[0].shares) == 1
    await server.stop()
