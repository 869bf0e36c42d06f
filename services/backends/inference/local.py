"""OpenVINO inside the process: where Triton cannot run, in unit tests, and as the measure of what Triton costs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packs.arrays import AnyArray
from packs.engine import Engine
from packs.manifest import Pack
from packs.spec import ModelSpec
from services.backends.inference.checks import check_inputs, check_outputs, join, model_spec, split, zeros
from services.backends.inference.errors import InferenceTimeoutError, InferenceUnavailableError
from services.runtime.errors import BackendUnavailableError


class LocalInferenceBackend:
    """Each model is compiled at its first use and runs in a thread of its own, one batch at a time.

    Args:
        pack: Whose networks are run.
        threads: CPU threads of one run; None lets OpenVINO use every core.
        deadline_s: Longest wait when a call gives none.
    """

    def __init__(self, pack: Pack, *, threads: int | None = None, deadline_s: float = 30.0) -> None:
        self._deadline_s = deadline_s
        self._runners = {name: _Runner(spec, pack.file_of(spec), threads) for name, spec in pack.models.items()}
        self._specs: Mapping[str, ModelSpec] = pack.models

    async def infer(
        self, model: str, inputs: Mapping[str, AnyArray], *, deadline_s: float | None = None
    ) -> dict[str, AnyArray]:
        """See `InferenceBackend.infer`. A deadline does not break off a run that has begun, it stops waiting for it."""
        spec = model_spec(self._specs, model)
        rows = check_inputs(spec, inputs)
        limit_s = self._deadline_s if deadline_s is None else deadline_s
        try:
            async with asyncio.timeout(limit_s):
                chunks = [
                    check_outputs(spec, await self._runners[model].run(chunk), count)
                    for chunk, count in split(inputs, rows, spec.max_batch)
                ]
        except TimeoutError:
            raise InferenceTimeoutError(model, limit_s) from None
        return join(chunks)

    async def ready(self, model: str) -> bool:
        """See `InferenceBackend.ready`."""
        try:
            await self.infer(model, zeros(model_spec(self._specs, model)))
        except BackendUnavailableError:
            return False
        return True

    async def aclose(self) -> None:
        """See `InferenceBackend.aclose`."""
        for runner in self._runners.values():
            await asyncio.to_thread(runner.close)


class _Runner:
    """One model and its thread."""

    def __init__(self, spec: ModelSpec, path: Path, threads: int | None) -> None:
        self._name = spec.name
        self._arithmetic = spec.arithmetic
        self._path = path
        self._threads = threads
        self._engine: Engine | None = None
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"infer-{spec.name}")

    async def run(self, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._run, inputs)

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._engine = None

    def _run(self, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        try:
            if self._engine is None:
                self._engine = Engine(self._path, threads=self._threads, precision=self._arithmetic)
            return dict(self._engine.run(inputs))
        except RuntimeError as error:
            raise InferenceUnavailableError(f"OpenVINO failed on {self._name} ({self._path}): {error}") from error
