"""A deterministic stand-in for tests of what lies above: right names, dtypes and shapes, no network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import numpy as np

from packs.arrays import AnyArray
from packs.spec import ModelSpec, TensorSpec
from services.backends.inference.checks import check_inputs, check_outputs, join, model_spec, split
from services.backends.inference.errors import InferenceTimeoutError, InferenceUnavailableError

Behaviour = Callable[[Mapping[str, AnyArray]], dict[str, AnyArray]]


class FakeInferenceBackend:
    """Answers from the inputs alone: equal rows give equal outputs, in every process.

    An embedding is a fixed random projection of the row's coarse content, so that similar crops have similar
    embeddings; any other output is noise in [0, 1) seeded by the row.

    Args:
        models: Specs by name.
        behaviours: For some models, what to answer instead (checked like any answer).
        unavailable: Models that fail.
    """

    def __init__(
        self,
        models: Mapping[str, ModelSpec],
        behaviours: Mapping[str, Behaviour] | None = None,
        unavailable: frozenset[str] = frozenset(),
    ) -> None:
        self._models = models
        self._behaviours = dict(behaviours or {})
        self.unavailable = unavailable
        self.batches: list[tuple[str, int]] = []

    async def infer(
        self, model: str, inputs: Mapping[str, AnyArray], *, deadline_s: float | None = None
    ) -> dict[str, AnyArray]:
        """See `InferenceBackend.infer`; ``batches`` notes the (model, rows) of each execution."""
        spec = model_spec(self._models, model)
        rows = check_inputs(spec, inputs)
        if deadline_s is not None and deadline_s <= 0.0:
            raise InferenceTimeoutError(model, deadline_s)
        if model in self.unavailable:
            raise InferenceUnavailableError(f"the fake was told that {model} fails")
        chunks = []
        for chunk, count in split(inputs, rows, spec.max_batch):
            self.batches.append((model, count))
            answer = self._behaviours[model](chunk) if model in self._behaviours else _answer(spec, chunk)
            chunks.append(check_outputs(spec, answer, count))
        return join(chunks)

    async def ready(self, model: str) -> bool:
        """See `InferenceBackend.ready`."""
        model_spec(self._models, model)
        return model not in self.unavailable

    async def aclose(self) -> None:
        """See `InferenceBackend.aclose`."""


def _answer(spec: ModelSpec, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    batch = inputs[spec.inputs[0].name]
    answer: dict[str, AnyArray] = {}
    for tensor in spec.outputs:
        one_row = _projected if spec.embedding_dim == tensor.shape[-1] else _noise
        answer[tensor.name] = np.stack([one_row(spec, tensor, row) for row in batch])
    return answer


def _projected(spec: ModelSpec, tensor: TensorSpec, row: AnyArray) -> AnyArray:
    flat = row.astype(np.float32).ravel()
    content = np.array([part.mean() for part in np.array_split(flat, min(192, flat.shape[0]))], dtype=np.float32)
    content = (content - content.mean()) / (content.std() + 1.0)
    # A constant row has no content: the added coordinate keeps its embedding away from zero.
    content = np.append(content, np.float32(1.0))
    matrix = _generator(spec.name.encode()).standard_normal((*tensor.shape, content.shape[0]), dtype=np.float32)
    return np.asarray(matrix @ content, dtype=np.float32)


def _noise(spec: ModelSpec, tensor: TensorSpec, row: AnyArray) -> AnyArray:
    seed = spec.name.encode() + tensor.name.encode() + row.tobytes()
    return _generator(seed).random(tensor.shape, dtype=np.float32)


def _generator(seed: bytes) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(seed).digest()[:8], "little"))
