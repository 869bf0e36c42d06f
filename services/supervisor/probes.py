"""Real uses of the children, cheap enough to ask again and again while they start."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from packs.spec import ModelSpec
from services.backends.inference.triton import TritonInferenceBackend
from services.runtime.ports import split_address
from services.supervisor.child import Probe

GET_VERSION = "/milvus.proto.milvus.MilvusService/GetVersion"


def grpc_health_probe(address: str) -> Probe:
    """One of our services says SERVING, which it does after a real inference and a real index query."""

    async def probe() -> None:
        async with grpc.aio.insecure_channel(address) as channel:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise ConnectionError("it answers, and says that it does not serve yet")

    return probe


def triton_probe(address: str, models: Mapping[str, ModelSpec]) -> Probe:
    """Every model answers a real inference."""

    async def probe() -> None:
        backend = TritonInferenceBackend(address, models, deadline_s=4.0)
        try:
            for name in models:
                if not await backend.ready(name):
                    raise ConnectionError(f"model {name} does not answer yet")
        finally:
            await backend.aclose()

    return probe


def milvus_probe(address: str) -> Probe:
    """Milvus answers GetVersion. Called bare, since importing pymilvus would take longer than everything else."""

    async def probe() -> None:
        async with grpc.aio.insecure_channel(address) as channel:
            call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(GET_VERSION)
            await call(b"")

    return probe


def redis_probe(address: str) -> Probe:
    """Redis answers PING."""

    async def probe() -> None:
        host, port = split_address(address)
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(b"PING\r\n")
            answer = await reader.readline()
        finally:
            writer.close()
            await writer.wait_closed()
        if answer != b"+PONG\r\n":
            raise ConnectionError(f"Redis answered PING with {answer!r}")

    return probe
