"""The one thing that services ask of whatever runs the networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from packs.arrays import AnyArray


class InferenceBackend(Protocol):
    """Runs the networks of one pack. Inference has no side effects, so an adapter may repeat it."""

    async def infer(
        self, model: str, inputs: Mapping[str, AnyArray], *, deadline_s: float | None = None
    ) -> dict[str, AnyArray]:
        """Run a batch.

        Args:
            model: Name of the network in the pack.
            inputs: Every declared input, of its dtype and [N, *shape]; one N >= 1 for all, however large.
            deadline_s: Longest wait for the whole batch; None takes the backend's own.

        Returns:
            Every declared output, [N, *shape] of its dtype, rows in the order of the inputs.

        Raises:
            InferenceInputError: The inputs are not what the model declares.
            InferenceTimeoutError: No answer in time.
            InferenceUnavailableError: The model cannot be reached or failed.
            InferenceOutputError: The answer is not what the model declares.
            OverloadedError: The model's queue is full.
        """
        ...

    async def ready(self, model: str) -> bool:
        """Whether a real inference of one row succeeds now."""
        ...

    async def aclose(self) -> None:
        """Let go of connections and threads. Idempotent; nothing may be called afterwards."""
        ...
