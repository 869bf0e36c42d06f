"""The fusion on the networks of the demo pack: composed, and as a process of its own."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from packs.errors import PackError
from packs.fuser import FusionMethod
from packs.fusers import FUSERS_DIR
from packs.manifest import Pack
from packs.spec import Modality
from personsearch.v1 import fusion_service_pb2 as messages
from personsearch.v1.fusion_service_pb2_grpc import FusionServiceStub
from services.fusion.composing import compose_fusion
from services.fusion.converters import asked_to_proto, embedded_to_proto
from services.fusion.embedded import Asked, EmbeddedCandidate, Held
from services.fusion.server import build
from services.fusion.settings import FusionProcessSettings, FusionSettings
from services.runtime.errors import BackendUnavailableError
from services.runtime.settings import InferenceSettings

DEMO = Path(__file__).resolve().parents[2] / "packs" / "demo"
LOCAL = InferenceSettings(kind="local", threads=1)
PAIR = (Modality.FACE, Modality.BODY)
# Compiling a network on a busy machine takes longer than an answer may.
ASSOCIATIVE = FusionSettings(method=FusionMethod.ASSOCIATIVE, network_deadline_s=60.0)


def vector(seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal(256).astype(np.float32)
    return np.asarray(drawn / np.linalg.norm(drawn))


@pytest.mark.parametrize("method", FusionMethod)
async def test_each_method_is_composed(method: FusionMethod) -> None:
    settings = FusionProcessSettings(pack=DEMO, inference=LOCAL)
    async with AsyncExitStack() as opened:
        evidence = ASSOCIATIVE.model_copy(update={"method": method})
        composed = compose_fusion(settings, evidence, Pack.load(DEMO), opened)
        for probe in composed.probes.values():
            await probe()
        assert len(composed.probes) == (0 if method is FusionMethod.LATE else 1)
        asked = [Asked(one, vector(1)) for one in PAIR]
        (fused,) = await composed.handlers.fuse_embeddings(
            asked, [EmbeddedCandidate(tuple(Held(one, vector(1)) for one in PAIR))]
        )
        assert fused.method is method
        assert fused.probability > 0.5


async def test_another_packs_embeddings_have_no_network() -> None:
    other = replace(Pack.load(DEMO), digest="e" * 64)
    settings = FusionProcessSettings(pack=DEMO, inference=LOCAL)
    async with AsyncExitStack() as opened:
        late = compose_fusion(settings, FusionSettings(), other, opened)
        assert late.handlers.method is FusionMethod.LATE
        with pytest.raises(PackError, match="no network of it goes with the pack"):
            compose_fusion(settings, ASSOCIATIVE, other, opened)
        told = settings.model_copy(update={"fusers": FUSERS_DIR})
        with pytest.raises(PackError, match="train it anew"):
            compose_fusion(told, FusionSettings(), other, opened)


async def test_a_network_that_is_gone_is_told_by_the_probe(unused_tcp_port: int) -> None:
    gone = InferenceSettings(kind="triton", address=f"127.0.0.1:{unused_tcp_port}", deadline_s=0.2)
    settings = FusionProcessSettings(pack=DEMO, inference=gone)
    async with AsyncExitStack() as opened:
        composed = compose_fusion(settings, ASSOCIATIVE, Pack.load(DEMO), opened)
        with pytest.raises(BackendUnavailableError, match="associative_network does not answer"):
            await composed.probes["fusion"]()


async def test_a_process_of_its_own() -> None:
    server = build(FusionProcessSettings(pack=DEMO, inference=LOCAL, evidence=ASSOCIATIVE))
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=60.0)
        async for answer in watch:
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                break
        held = EmbeddedCandidate(tuple(Held(one, vector(1)) for one in PAIR))
        request = messages.FuseEmbeddingsRequest(
            asked=[asked_to_proto(Asked(one, vector(1))) for one in PAIR], candidates=[embedded_to_proto(held)]
        )
        (fused,) = (await FusionServiceStub(channel).FuseEmbeddings(request)).fused
        assert fused.method == messages.FUSION_METHOD_ASSOCIATIVE
        assert sum(one.share for one in fused.shares) == pytest.approx(1.0)
    await server.stop()


def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSONSEARCH_EVIDENCE__METHOD", "attention")
    monkeypatch.setenv("PERSONSEARCH_EVIDENCE__OFF", '["body", "text"]')
    monkeypatch.setenv("PERSONSEARCH_FUSERS", str(FUSERS_DIR))
    settings = FusionProcessSettings(pack=DEMO)
    assert settings.evidence.method is FusionMethod.ATTENTION
    assert settings.evidence.off == {Modality.BODY, Modality.TEXT}
    assert settings.fusers == FUSERS_DIR
