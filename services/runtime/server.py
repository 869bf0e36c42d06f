"""Bootstrap of a gRPC server: interceptors, health, reflection, limits, and a drain that keeps its word."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.runtime.draining import DrainInterceptor
from services.runtime.health import HealthServicer, Probe, ReadinessMonitor
from services.runtime.interceptors import ErrorInterceptor
from services.runtime.ports import is_local
from services.runtime.settings import ServerSettings
from services.runtime.tasks import end_tasks
from services.runtime.validation import RequestValidator, ValidationInterceptor

HEALTH = "grpc.health.v1.Health"
REFLECTION_STREAM = f"/{reflection.SERVICE_NAME}/ServerReflectionInfo"

Closer = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class MountedService:
    """A servicer and how to mount it.

    Attributes:
        name: Full name, such as ``personsearch.v1.IngestService``.
        register: Adds the servicer to a server.
        long_lived: Names of its methods whose streams end when the server drains, such as ``WatchIngest``.
    """

    name: str
    register: Callable[[grpc.aio.Server], None]
    long_lived: Sequence[str] = field(default=())


class GrpcServer:
    """One server with some services on one address.

    Args:
        settings: Limits and times.
        address: ``host:port``; port 0 takes any free one, `address` then says which.
        services: What is mounted.
        probes: Real uses of the back ends; the server says SERVING once all have passed.
        logger: Where it writes.
        closers: Awaited after the last call has ended, in this order.
    """

    def __init__(
        self,
        settings: ServerSettings,
        address: str,
        services: Sequence[MountedService],
        probes: Mapping[str, Probe],
        logger: logging.Logger,
        closers: Sequence[Closer] = (),
    ) -> None:
        self._settings = settings
        self._wanted_address = address
        self._services = tuple(services)
        self._logger = logger
        self._closers = tuple(closers)
        self._stopping = asyncio.Event()
        self.health = HealthServicer([HEALTH, *(service.name for service in services)])
        self._monitor = ReadinessMonitor(probes, self.health, logger)
        self._monitoring: asyncio.Task[None] | None = None
        self._server: grpc.aio.Server | None = None
        self.address = address

    async def start(self) -> None:
        """Bind and serve; health says NOT_SERVING until the probes pass.

        Raises:
            OSError: If the address cannot be bound, or others could reach it and that was not allowed.
        """
        if not (self._settings.allow_remote or is_local(self._wanted_address)):
            raise PermissionError(
                f"will not listen on {self._wanted_address}: others could reach it, and there is no authentication; "
                "listen on 127.0.0.1, or set PERSONSEARCH_SERVER__ALLOW_REMOTE=true where the network is closed"
            )
        server = self._build()
        host, _, _ = self._wanted_address.rpartition(":")
        try:
            port = server.add_insecure_port(self._wanted_address)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {self._wanted_address}: {error}; choose another address") from error
        await server.start()
        self._server = server
        self.address = f"{host}:{port}"
        self._monitoring = asyncio.create_task(self._monitor.run(self._stopping))
        self._logger.info("listening", extra={"address": self.address})

    async def stop(self, grace_s: float | None = None) -> None:
        """Say NOT_SERVING, let running calls finish within the grace, then close the back ends."""
        if self._server is None:
            return
        server, self._server = self._server, None
        await self.health.drain()
        if self._settings.drain_s > 0.0:
            with suppress(TimeoutError):
                await asyncio.wait_for(server.wait_for_termination(), self._settings.drain_s)
        self._stopping.set()
        await server.stop(self._settings.grace_s if grace_s is None else grace_s)
        if self._monitoring is not None:
            # A probe under way may wait for a back end that is gone already.
            await end_tasks([self._monitoring])
        for close in self._closers:
            await close()
        self._logger.info("stopped")

    async def run_until_signalled(self) -> None:
        """Serve until SIGTERM or SIGINT, then drain."""
        signalled = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, signalled.set)
        await self.start()
        await signalled.wait()
        self._logger.info("draining")
        await self.stop()

    def _build(self) -> grpc.aio.Server:
        long_lived = [f"/{service.name}/{method}" for service in self._services for method in service.long_lived]
        server = grpc.aio.server(
            interceptors=[
                ErrorInterceptor(self._logger),
                DrainInterceptor(self._stopping, [*long_lived, REFLECTION_STREAM]),
                ValidationInterceptor(RequestValidator()),
            ],
            options=self._options(),
            maximum_concurrent_rpcs=self._settings.max_concurrent_calls,
        )
        for service in self._services:
            service.register(server)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, server)
        if self._settings.reflection:
            names = [service.name for service in self._services]
            reflection.enable_server_reflection([*names, HEALTH, reflection.SERVICE_NAME], server)
        return server

    def _options(self) -> list[tuple[str, int]]:
        limit = self._settings.max_message_mib * 2**20
        return [
            ("grpc.max_send_message_length", limit),
            ("grpc.max_receive_message_length", limit),
            # Without this a second server silently shares the port and takes half of the calls.
            ("grpc.so_reuseport", 0),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 20_000),
        ]
