"""FusionService over a real gRPC server in the process."""

from __future__ import annotations

import logging

import grpc
import pytest

from packs.calibration import Calibration
from packs.spec import Modality
from personsearch.v1 import fusion_service_pb2 as messages
from personsearch.v1 import modality_pb2
from personsearch.v1.fusion_service_pb2_grpc import FusionServiceStub
from services.fusion.converters import evidence_from_proto, evidence_to_proto, fused_from_proto, fused_to_proto
from services.fusion.fusing import Evidence, Fused, ModalityShare
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
    fused = Fused(0.625, (ModalityShare(modality, 1.0),))
    assert fused_from_proto(fused_to_proto(fused)) == fused


def test_an_unspecified_modality_means_nothing() -> None:
    with pytest.raises(ValueError, match="none of"):
        evidence_from_proto(messages.Evidence())
