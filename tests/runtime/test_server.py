"""A real server and a real client, over the loopback interface."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from personsearch.v1 import gallery_service_pb2, gallery_service_pb2_grpc, ingest_service_pb2, ingest_service_pb2_grpc
from services.runtime.errors import GalleryNotFoundError
from services.runtime.health import Probe
from services.runtime.logging import JsonFormatter
from services.runtime.server import GrpcServer, MountedService
from services.runtime.settings import ServerSettings

GALLERY_SERVICE = "personsearch.v1.GalleryService"
INGEST_SERVICE = "personsearch.v1.IngestService"


class Galleries(gallery_service_pb2_grpc.GalleryServiceServicer):
    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.release = asyncio.Event()

    async def DeleteGallery(self, request: Any, context: Any) -> Any:
        raise GalleryNotFoundError("town")

    async def CreateGallery(self, request: Any, context: Any) -> Any:
        raise ValueError("the password is hunter2")

    async def ListGalleries(self, request: Any, context: Any) -> Any:
        self.started.set()
        await self.release.wait()
        return gallery_service_pb2.ListGalleriesResponse()


class Ingests(ingest_service_pb2_grpc.IngestServiceServicer):
    async def IngestVideo(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    async def ListVideos(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    async def DeleteVideo(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    async def WatchIngest(self, request: Any, context: Any) -> AsyncIterator[Any]:
        yield ingest_service_pb2.WatchIngestResponse()
        await asyncio.Event().wait()


class World:
    def __init__(self, server: GrpcServer, galleries: Galleries, log: io.StringIO, closed: list[str]) -> None:
        self.server = server
        self.galleries = galleries
        self.log = log
        self.closed = closed
        self.channel = grpc.aio.insecure_channel(server.address)
        self.gallery_stub = gallery_service_pb2_grpc.GalleryServiceStub(self.channel)
        self.ingest_stub = ingest_service_pb2_grpc.IngestServiceStub(self.channel)
        self.health_stub = health_pb2_grpc.HealthStub(self.channel)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


@asynccontextmanager
async def world(probes: dict[str, Probe] | None = None) -> AsyncIterator[World]:
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    handler.setFormatter(JsonFormatter())
    logger = logging.Logger("test", logging.INFO)
    logger.addHandler(handler)
    galleries = Galleries()
    closed: list[str] = []

    async def close() -> None:
        closed.append("back end")

    mounted = [
        MountedService(
            GALLERY_SERVICE, lambda s: gallery_service_pb2_grpc.add_GalleryServiceServicer_to_server(galleries, s)
        ),
        MountedService(
            INGEST_SERVICE,
            lambda s: ingest_service_pb2_grpc.add_IngestServiceServicer_to_server(Ingests(), s),
            long_lived=("WatchIngest",),
        ),
    ]
    server = GrpcServer(ServerSettings(), "127.0.0.1:0", mounted, probes or {}, logger, [close])
    await server.start()
    there = World(server, galleries, log, closed)
    try:
        yield there
    finally:
        galleries.release.set()
        await there.channel.close()
        await server.stop(1.0)


def details(error: grpc.aio.AioRpcError) -> tuple[Any, Any | None]:
    trailers = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    if len(status.details) == 1:
        return info, None
    bad = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(bad)
    return info, bad


def watch_request() -> Any:
    return ingest_service_pb2.WatchIngestRequest(gallery="town", video_id="0" * 32)


async def test_a_domain_error_carries_its_reason_and_facts() -> None:
    async with world() as there:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await there.gallery_stub.DeleteGallery(gallery_service_pb2.DeleteGalleryRequest(name="town"))
        info, bad = details(caught.value)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert (info.reason, info.domain) == ("ERROR_REASON_GALLERY_NOT_FOUND", "personsearch")
        assert dict(info.metadata) == {"gallery": "town"}
        assert bad is None


async def test_an_unexpected_error_tells_the_client_an_id_and_the_log_the_rest() -> None:
    async with world() as there:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await there.gallery_stub.CreateGallery(gallery_service_pb2.CreateGalleryRequest(name="town"))
        assert caught.value.code() is grpc.StatusCode.INTERNAL
        assert "hunter2" not in repr(caught.value)
        info, _ = details(caught.value)
        logged = next(line for line in there.lines() if line.get("error_id") == info.metadata["error_id"])
        assert "hunter2" in logged["trace"]


async def test_a_request_that_breaks_its_schema_names_the_field() -> None:
    async with world() as there:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await there.gallery_stub.DeleteGallery(gallery_service_pb2.DeleteGalleryRequest(name="Not A Name!"))
        info, bad = details(caught.value)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert info.reason == "ERROR_REASON_INVALID_FIELD"
        assert bad is not None
        assert [violation.field for violation in bad.field_violations] == ["name"]


async def test_health_waits_for_the_probes() -> None:
    allowed = asyncio.Event()

    async def probe() -> None:
        if not allowed.is_set():
            raise ConnectionError("not yet")

    async with world({"index": probe}) as there:
        watch = there.health_stub.Watch(health_pb2.HealthCheckRequest(service=GALLERY_SERVICE))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        allowed.set()
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        answer = await there.health_stub.Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert any(line["message"] == "not ready" and "index" in line["faults"] for line in there.lines())


async def test_an_unknown_service_is_told_apart() -> None:
    async with world() as there:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await there.health_stub.Check(health_pb2.HealthCheckRequest(service="no.such.Service"))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        watch = there.health_stub.Watch(health_pb2.HealthCheckRequest(service="no.such.Service"))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


async def test_reflection_lists_the_services() -> None:
    async with world() as there:
        stub = reflection_pb2_grpc.ServerReflectionStub(there.channel)
        call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        answer = await call.read()
        names = {service.name for service in answer.list_services_response.service}
        assert {GALLERY_SERVICE, INGEST_SERVICE, "grpc.health.v1.Health"} <= names
        call.cancel()


async def test_stopping_lets_calls_finish_and_ends_open_watches() -> None:
    async with world() as there:
        watches = [there.health_stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(2)]
        for watch in watches:
            while (await watch.read()).status != health_pb2.HealthCheckResponse.SERVING:
                continue
        progress = there.ingest_stub.WatchIngest(watch_request())
        await progress.read()
        running = asyncio.ensure_future(there.gallery_stub.ListGalleries(gallery_service_pb2.ListGalleriesRequest()))
        await there.galleries.started.wait()

        began = time.monotonic()
        stopping = asyncio.create_task(there.server.stop(8.0))
        for watch in watches:
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            assert await watch.read() is grpc.aio.EOF
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await progress.read()
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert there.closed == []
        there.galleries.release.set()
        await running
        await stopping
        assert there.closed == ["back end"]
        assert time.monotonic() - began < 4.0


async def test_a_second_server_on_one_address_is_refused() -> None:
    async with world() as there:
        other = GrpcServer(ServerSettings(), there.server.address, [], {}, logging.getLogger("test"))
        with pytest.raises(OSError, match="choose another address"):
            await other.start()
