"""The outermost interceptor: every error leaves as a status the contract knows, and nothing else leaks."""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

import grpc

from services.runtime.errors import DomainError, Reason
from services.runtime.handlers import Context, Handler, Stream, Unary, rewrap
from services.runtime.statuses import WireStatus, status_from_error, status_from_unexpected

Details = grpc.HandlerCallDetails
Continuation = Callable[[Details], Awaitable[Handler]]


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Maps domain errors; gives the caller of an unexpected one an opaque id and the log the trace."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    async def intercept_service(self, continuation: Continuation, handler_call_details: Details) -> Handler:
        """Wrap the handler of one call."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = str(handler_call_details.method)

        def wrap_unary(behaviour: Unary) -> Unary:
            async def call(request: Any, context: Context) -> Any:
                try:
                    return await behaviour(request, context)
                except Exception as error:
                    await self._abort(method, context, error)

            return call

        def wrap_stream(behaviour: Stream) -> Stream:
            async def call(request: Any, context: Context) -> AsyncIterator[Any]:
                try:
                    async for response in behaviour(request, context):
                        yield response
                except Exception as error:
                    await self._abort(method, context, error)

            return call

        return rewrap(handler, wrap_unary, wrap_stream)

    async def _abort(self, method: str, context: Context, error: Exception) -> NoReturn:
        if isinstance(error, grpc.aio.AbortError):
            raise error
        status = self._status(method, error)
        await context.abort(status.code, status.message, status.metadata)

    def _status(self, method: str, error: Exception) -> WireStatus:
        if isinstance(error, DomainError):
            # A back end's fault is ours to mend, so its trace is kept; a caller's mistake is only noted.
            ours = error.reason is Reason.BACKEND_UNAVAILABLE
            level, trace = (logging.WARNING, error) if ours else (logging.INFO, None)
            facts = {"method": method, "reason": error.reason.value}
            self._logger.log(level, "call refused", exc_info=trace, extra=facts)
            return status_from_error(error)
        error_id = uuid.uuid4().hex
        self._logger.error("call failed", exc_info=error, extra={"method": method, "error_id": error_id})
        return status_from_unexpected(error_id)
