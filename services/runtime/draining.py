"""Ends long-lived streams when the server goes down, so that they do not eat the grace of the calls that can finish."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Any

import grpc

from services.runtime.handlers import Context, Handler, Stream, Unary, rewrap
from services.runtime.interceptors import Continuation, Details


class DrainInterceptor(grpc.aio.ServerInterceptor):
    """Stops the streams of ``long_lived`` methods once ``draining`` is set; a client of one calls again elsewhere.

    Args:
        draining: Set when the server begins to go down.
        long_lived: Full method names, such as ``/personsearch.v1.IngestService/WatchIngest``.
    """

    def __init__(self, draining: asyncio.Event, long_lived: Collection[str]) -> None:
        self._draining = draining
        self._long_lived = frozenset(long_lived)

    async def intercept_service(self, continuation: Continuation, handler_call_details: Details) -> Handler:
        """Wrap the handler of one call, if it is a long-lived stream."""
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method not in self._long_lived:
            return handler

        def keep(behaviour: Unary) -> Unary:
            return behaviour

        def wrap_stream(behaviour: Stream) -> Stream:
            async def call(request: Any, context: Context) -> AsyncIterator[Any]:
                async for response in self._until_draining(behaviour(request, context)):
                    yield response
                if self._draining.is_set():
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "the server is going down; call again")

            return call

        return rewrap(handler, keep, wrap_stream)

    async def _until_draining(self, responses: AsyncIterator[Any]) -> AsyncIterator[Any]:
        end = asyncio.ensure_future(self._draining.wait())
        try:
            while True:
                following = asyncio.ensure_future(anext(responses, _END))
                try:
                    await asyncio.wait({following, end}, return_when=asyncio.FIRST_COMPLETED)
                    if not following.done():
                        return
                    response = following.result()
                finally:
                    following.cancel()
                if response is _END:
                    return
                yield response
        finally:
            end.cancel()


_END = object()
