"""Requests are held against the rules in their schema before a servicer sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import protovalidate
from google.protobuf.message import Message

from services.runtime.errors import FieldViolation, InvalidFieldError
from services.runtime.handlers import Context, Handler, Stream, Unary, rewrap, streams_requests
from services.runtime.interceptors import Continuation, Details


class RequestValidator:
    """Checks messages by their ``buf.validate`` rules."""

    def __init__(self) -> None:
        self._validator = protovalidate.Validator()

    def check(self, message: Message) -> None:
        """Raise `InvalidFieldError`, naming every violation, unless ``message`` keeps its rules."""
        found = [_violation(violation) for violation in self._validator.collect_violations(message)]
        if found:
            raise InvalidFieldError(found)


class ValidationInterceptor(grpc.aio.ServerInterceptor):
    """Validates each request message; it stands inside the `ErrorInterceptor`, which maps what it raises."""

    def __init__(self, validator: RequestValidator) -> None:
        self._validator = validator

    async def intercept_service(self, continuation: Continuation, handler_call_details: Details) -> Handler:
        """Wrap the handler of one call."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        checked = self._checked_stream if streams_requests(handler) else self._checked

        def wrap_unary(behaviour: Unary) -> Unary:
            async def call(request: Any, context: Context) -> Any:
                return await behaviour(checked(request), context)

            return call

        def wrap_stream(behaviour: Stream) -> Stream:
            async def call(request: Any, context: Context) -> AsyncIterator[Any]:
                async for response in behaviour(checked(request), context):
                    yield response

            return call

        return rewrap(handler, wrap_unary, wrap_stream)

    def _checked(self, request: Any) -> Any:
        self._validator.check(request)
        return request

    async def _checked_stream(self, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for request in requests:
            yield self._checked(request)


def _violation(violation: Any) -> FieldViolation:
    path = ""
    for element in violation.proto.field.elements:
        path += ("." if path else "") + element.field_name + _subscript(element)
    return FieldViolation(path or "(message)", violation.proto.message or violation.proto.rule_id)


def _subscript(element: Any) -> str:
    chosen = element.subscript
    return "" if chosen is None else f"[{chosen.value}]"
