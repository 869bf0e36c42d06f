"""The Triton client against a stand-in that misbehaves as servers do: empty answers, full queues, restarts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from services.backends.inference.errors import (
    InferenceInputError,
    InferenceOutputError,
    InferenceTimeoutError,
    InferenceUnavailableError,
)
from services.backends.inference.triton import TritonInferenceBackend
from services.runtime.errors import OverloadedError
from services.runtime.ports import free_ports

Answer = Callable[[Any, Any, int], Awaitable[Any]]
CROPS = np.ones((2, 8, 8, 3), np.uint8)


class StandIn(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]
    def __init__(self, answer: Answer) -> None:
        self.calls = 0
        self._answer = answer

    async def ModelInfer(self, request: Any, context: Any) -> Any:
        self.calls += 1
        return await self._answer(request, context, self.calls)


def response(array: np.ndarray | None, *, shape: tuple[int, ...] | None = None) -> Any:
    made = service_pb2.ModelInferResponse(model_name="face_encoder")
    if array is not None:
        made.outputs.add(name="embedding", datatype="FP32", shape=shape or array.shape)
        made.raw_output_contents.append(array.tobytes())
    return made


def refusing(code: grpc.StatusCode, message: str) -> Answer:
    async def answer(request: Any, context: Any, call: int) -> Any:
        await context.abort(code, message)

    return answer


def answering(made: Any) -> Answer:
    async def answer(request: Any, context: Any, call: int) -> Any:
        return made

    return answer


@asynccontextmanager
async def standing_in(tiny: Any, answer: Answer) -> AsyncIterator[tuple[TritonInferenceBackend, StandIn]]:
    servicer = StandIn(answer)
    server = grpc.aio.server()
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    backend = TritonInferenceBackend(f"127.0.0.1:{port}", tiny.pack.models, deadline_s=5.0)
    try:
        yield backend, servicer
    finally:
        await backend.aclose()
        await server.stop(0)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (response(None), "without output 'embedding'"),
        (response(np.zeros((0,), np.float32), shape=(2, 4)), "does not fit its shape"),
        (response(np.zeros((3, 4), np.float32)), r"float32\[3, 4\], expected float32\[2, 4\]"),
        (response(np.full((2, 4), np.nan, np.float32)), "not finite"),
    ],
    ids=["no output", "empty output", "a row too many", "not a number"],
)
async def test_ok_is_not_believed_without_its_outputs(tiny: Any, made: Any, said: str) -> None:
    async with standing_in(tiny, answering(made)) as (backend, _):
        with pytest.raises(InferenceOutputError, match=said):
            await backend.infer("face_encoder", {"crop": CROPS})
        assert not await backend.ready("face_encoder")


@pytest.mark.parametrize("message", ["[request id: 1] Exceeds maximum queue size", "Request timeout expired"])
async def test_a_full_queue_is_an_overload_and_is_not_retried(tiny: Any, message: str) -> None:
    async with standing_in(tiny, refusing(grpc.StatusCode.UNAVAILABLE, message)) as (backend, server):
        with pytest.raises(OverloadedError, match="face_encoder is busy"):
            await backend.infer("face_encoder", {"crop": CROPS})
        assert server.calls == 1


async def test_a_server_that_goes_and_comes_back_is_asked_again(tiny: Any) -> None:
    async def answer(request: Any, context: Any, call: int) -> Any:
        if call < 3:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        return response(np.ones((2, 4), np.float32))

    async with standing_in(tiny, answer) as (backend, server):
        outputs = await backend.infer("face_encoder", {"crop": CROPS})
        np.testing.assert_array_equal(outputs["embedding"], np.ones((2, 4), np.float32))
        assert server.calls == 3


async def test_a_server_that_stays_away_is_told(tiny: Any) -> None:
    backend = TritonInferenceBackend(f"127.0.0.1:{free_ports(1)[0]}", tiny.pack.models, deadline_s=5.0)
    with pytest.raises(InferenceUnavailableError, match="UNAVAILABLE"):
        await backend.infer("face_encoder", {"crop": CROPS})
    assert not await backend.ready("face_encoder")
    await backend.aclose()


async def test_a_slow_server_meets_the_deadline(tiny: Any) -> None:
    async def answer(request: Any, context: Any, call: int) -> Any:
        while not context.cancelled():
            await grpc.aio.insecure_channel("127.0.0.1:1").channel_ready()

    async with standing_in(tiny, answer) as (backend, _):
        with pytest.raises(InferenceTimeoutError, match=r"within 0\.3 s"):
            await backend.infer("face_encoder", {"crop": CROPS}, deadline_s=0.3)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.NOT_FOUND, InferenceUnavailableError),
        (grpc.StatusCode.INTERNAL, InferenceUnavailableError),
        (grpc.StatusCode.INVALID_ARGUMENT, InferenceInputError),
    ],
)
async def test_other_refusals_keep_only_their_first_line(
    tiny: Any, code: grpc.StatusCode, kind: type[Exception]
) -> None:
    async with standing_in(tiny, refusing(code, "no\n  File secret.py, line 1")) as (backend, server):
        with pytest.raises(kind) as caught:
            await backend.infer("face_encoder", {"crop": CROPS})
        assert server.calls == 1
        if kind is InferenceUnavailableError:
            assert "secret.py" not in str(caught.value)


async def test_one_failing_part_of_a_split_batch_fails_the_call(tiny: Any) -> None:
    async def answer(request: Any, context: Any, call: int) -> Any:
        if call == 2:
            await context.abort(grpc.StatusCode.INTERNAL, "broken")
        return response(np.ones((4, 4), np.float32))

    async with standing_in(tiny, answer) as (backend, _):
        with pytest.raises(InferenceUnavailableError, match="broken"):
            await backend.infer("face_encoder", {"crop": np.ones((12, 8, 8, 3), np.uint8)})
