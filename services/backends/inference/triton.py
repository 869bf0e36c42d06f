"""An asyncio client of NVIDIA Triton that believes an answer only after checking it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import tritonclient.grpc as blocking
import tritonclient.grpc.aio as triton
from tritonclient.utils import InferenceServerException

from packs.arrays import AnyArray
from packs.spec import ModelSpec
from services.backends.inference.checks import check_inputs, check_outputs, join, model_spec, split, zeros
from services.backends.inference.errors import (
    InferenceInputError,
    InferenceOutputError,
    InferenceTimeoutError,
    InferenceUnavailableError,
)
from services.runtime.errors import BackendUnavailableError, OverloadedError

# `channel_args` replaces every default of the client, so what is wanted of them stands here again.
CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_send_message_length", 2**31 - 1),
    ("grpc.max_receive_message_length", 2**31 - 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)
# Triton says UNAVAILABLE for "too busy" and for "gone"; only its message tells them apart.
BUSY = ("Exceeds maximum queue size", "Request timeout expired")
ATTEMPTS = 3
FIRST_PAUSE_S = 0.1


class TritonInferenceBackend:
    """The models of one pack, served by Triton under their own names.

    A call that finds the server gone is repeated, which is safe because inference changes nothing; one that finds it
    busy is not, because that would make it busier.

    Args:
        address: ``host:port`` of Triton's gRPC endpoint.
        models: Specs by name.
        deadline_s: Longest wait when a call gives none.
    """

    def __init__(self, address: str, models: Mapping[str, ModelSpec], *, deadline_s: float = 30.0) -> None:
        self._address = address
        self._models = models
        self._deadline_s = deadline_s
        # Made at first use, since a channel belongs to the event loop that runs when it is made.
        self._client: triton.InferenceServerClient | None = None

    async def infer(
        self, model: str, inputs: Mapping[str, AnyArray], *, deadline_s: float | None = None
    ) -> dict[str, AnyArray]:
        """See `InferenceBackend.infer`. Parts of a split batch are sent side by side."""
        spec = model_spec(self._models, model)
        rows = check_inputs(spec, inputs)
        limit_s = self._deadline_s if deadline_s is None else deadline_s
        ends_at = time.monotonic() + limit_s
        parts = list(split(inputs, rows, spec.max_batch))
        if len(parts) == 1:
            return await self._part(spec, inputs, rows, ends_at, limit_s)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._part(spec, *part, ends_at, limit_s)) for part in parts]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return join([task.result() for task in tasks])

    async def ready(self, model: str) -> bool:
        """See `InferenceBackend.ready`."""
        spec = model_spec(self._models, model)
        try:
            await self.infer(model, zeros(spec), deadline_s=min(5.0, self._deadline_s))
        except (BackendUnavailableError, OverloadedError):
            return False
        return True

    async def aclose(self) -> None:
        """See `InferenceBackend.aclose`."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _part(
        self, spec: ModelSpec, inputs: Mapping[str, AnyArray], rows: int, ends_at: float, limit_s: float
    ) -> dict[str, AnyArray]:
        pause_s = FIRST_PAUSE_S
        for attempt in range(1, ATTEMPTS + 1):
            left_s = ends_at - time.monotonic()
            if left_s <= 0.0:
                raise InferenceTimeoutError(spec.name, limit_s)
            try:
                return check_outputs(spec, await self._once(spec, inputs, left_s), rows)
            except InferenceServerException as error:
                if attempt == ATTEMPTS or not _is_gone(error) or pause_s >= ends_at - time.monotonic():
                    raise self._translated(spec, error, limit_s) from error
            await asyncio.sleep(pause_s)
            pause_s *= 3.0
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _once(self, spec: ModelSpec, inputs: Mapping[str, AnyArray], left_s: float) -> dict[str, AnyArray | None]:
        result = await self._connected().infer(
            spec.name,
            [_request_tensor(name, array, spec) for name, array in inputs.items()],
            outputs=[blocking.InferRequestedOutput(tensor.name) for tensor in spec.outputs],
            client_timeout=left_s,
        )
        return {tensor.name: _answer_tensor(result, spec, tensor.name) for tensor in spec.outputs}

    def _connected(self) -> triton.InferenceServerClient:
        if self._client is None:
            self._client = triton.InferenceServerClient(self._address, channel_args=list(CHANNEL_OPTIONS))
        return self._client

    def _translated(self, spec: ModelSpec, error: InferenceServerException, limit_s: float) -> Exception:
        status, message = _status(error), error.message() or "no message"
        if status == "DEADLINE_EXCEEDED":
            return InferenceTimeoutError(spec.name, limit_s)
        if status == "UNAVAILABLE" and any(sign in message for sign in BUSY):
            return OverloadedError(f"model {spec.name}")
        if status == "INVALID_ARGUMENT":
            return InferenceInputError(f"Triton refused the inputs of {spec.name}: {message}")
        # Only the first line may travel to a caller: behind it Triton puts the trace of a failing model.
        return InferenceUnavailableError(f"Triton, model {spec.name}: {status}: {message.splitlines()[0][:200]}")


def _request_tensor(name: str, array: AnyArray, spec: ModelSpec) -> Any:
    dtype = next(tensor.dtype for tensor in spec.inputs if tensor.name == name)
    tensor = blocking.InferInput(name, list(array.shape), dtype)
    tensor.set_data_from_numpy(array)
    return tensor


def _answer_tensor(result: Any, spec: ModelSpec, name: str) -> AnyArray | None:
    try:
        array: AnyArray | None = result.as_numpy(name)
    except ValueError as error:
        # The declared shape does not fit the bytes, as when numpy 2 lies in the server's environment.
        raise InferenceOutputError(f"{spec.name} output {name!r} does not fit its shape: {error}") from error
    return array


def _status(error: InferenceServerException) -> str:
    # The client gives the code as a string, "StatusCode.UNAVAILABLE", and None for its own errors.
    return str(error.status() or "UNKNOWN").removeprefix("StatusCode.")


def _is_gone(error: InferenceServerException) -> bool:
    return _status(error) == "UNAVAILABLE" and not any(sign in (error.message() or "") for sign in BUSY)
