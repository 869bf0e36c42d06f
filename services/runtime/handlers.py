"""Wrapping of gRPC method handlers, so that an interceptor sees the call itself and not only its start."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

# gRPC's own stubs cannot say what a handler is without its request and response types, which differ per method.
Handler = Any
Context = grpc.aio.ServicerContext[Any, Any]
Unary = Callable[[Any, Context], Awaitable[Any]]
Stream = Callable[[Any, Context], AsyncIterator[Any]]


def rewrap(handler: Handler, wrap_unary: Callable[[Unary], Unary], wrap_stream: Callable[[Stream], Stream]) -> Handler:
    """A copy of ``handler`` whose behaviour is wrapped.

    ``wrap_stream`` is used for handlers that are async generators; one that writes to its context is awaited like a
    unary one, and is wrapped by ``wrap_unary``.
    """
    name = _behaviour_name(handler)
    behaviour = getattr(handler, name)
    wrapped = wrap_stream(behaviour) if inspect.isasyncgenfunction(behaviour) else wrap_unary(behaviour)
    factory = getattr(grpc, f"{name}_rpc_method_handler")
    return factory(wrapped, handler.request_deserializer, handler.response_serializer)


def streams_requests(handler: Handler) -> bool:
    """Whether the client sends a stream."""
    return bool(handler.request_streaming)


def _behaviour_name(handler: Handler) -> str:
    incoming = "stream" if handler.request_streaming else "unary"
    outgoing = "stream" if handler.response_streaming else "unary"
    return f"{incoming}_{outgoing}"
