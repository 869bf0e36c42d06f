"""grpc.health.v1, told by probes that really use the back ends.

The servicer is our own because the packaged asyncio one forgets all other watchers of a service when one leaves, and
keeps its streams open through a shutdown, which eats the whole grace period.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.runtime.handlers import Context

Probe = Callable[[], Awaitable[None]]
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class HealthServicer(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # the package is untyped
    """Answers Check and Watch for the whole server (``""``) and each service; starts as NOT_SERVING."""

    def __init__(self, services: Iterable[str]) -> None:
        self._known = frozenset(("", *services))
        self._serving = False
        self._draining = False
        self._changed = asyncio.Condition()

    @property
    def serving(self) -> bool:
        """Whether the server says that it serves."""
        return self._serving

    async def set_serving(self, serving: bool) -> None:
        """Tell all watchers, unless the server is going down."""
        async with self._changed:
            self._serving = serving and not self._draining
            self._changed.notify_all()

    async def drain(self) -> None:
        """Say NOT_SERVING for good, and end every Watch after saying so."""
        async with self._changed:
            self._draining = True
            self._serving = False
            self._changed.notify_all()

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> health_pb2.HealthCheckResponse:
        """Say whether a service serves."""
        if request.service not in self._known:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no service {request.service!r} here")
        return self._response(request.service)

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Say so now, and again at each change, until the server drains."""
        last: int | None = None
        draining = False
        while not draining:
            response, draining = await self._next_status(request.service, last)
            if response.status != last:
                yield response
            last = response.status

    async def _next_status(self, service: str, last: int | None) -> tuple[health_pb2.HealthCheckResponse, bool]:
        async with self._changed:
            await self._changed.wait_for(lambda: self._draining or self._response(service).status != last)
            return self._response(service), self._draining

    def _response(self, service: str) -> health_pb2.HealthCheckResponse:
        if service not in self._known:
            return health_pb2.HealthCheckResponse(status=SERVICE_UNKNOWN)
        return health_pb2.HealthCheckResponse(status=SERVING if self._serving else NOT_SERVING)


class ReadinessMonitor:
    """Runs the probes: often until they first pass, then seldom, and tells the health servicer.

    Args:
        probes: Name to a real use of a back end; it returns when that works and raises when not.
        health: Who is told.
        logger: Where changes are written.
        timeout_s: Longest time a probe may take.
        first_interval_s: Pause between rounds until the first success.
        interval_s: Pause between rounds afterwards.
    """

    def __init__(
        self,
        probes: Mapping[str, Probe],
        health: HealthServicer,
        logger: logging.Logger,
        *,
        timeout_s: float = 10.0,
        first_interval_s: float = 0.2,
        interval_s: float = 10.0,
    ) -> None:
        self._probes = dict(probes)
        self._health = health
        self._logger = logger
        self._timeout_s = timeout_s
        self._first_interval_s = first_interval_s
        self._interval_s = interval_s
        self._last_faults: dict[str, str] | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Probe until ``stopping`` is set."""
        while not stopping.is_set():
            ready = await self.probe_once()
            pause = self._interval_s if ready else self._first_interval_s
            try:
                await asyncio.wait_for(stopping.wait(), pause)
            except TimeoutError:
                continue

    async def probe_once(self) -> bool:
        """Run every probe once, side by side. True if all passed."""
        names = list(self._probes)
        outcomes = await asyncio.gather(*(self._fault(self._probes[name]) for name in names))
        faults = {name: fault for name, fault in zip(names, outcomes, strict=True) if fault is not None}
        if faults != self._last_faults:
            self._logger.info("ready" if not faults else "not ready", extra={"faults": faults})
            self._last_faults = faults
        await self._health.set_serving(not faults)
        return not faults

    async def _fault(self, probe: Probe) -> str | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await probe()
        except TimeoutError:
            return f"no answer within {self._timeout_s:g} s"
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return None
