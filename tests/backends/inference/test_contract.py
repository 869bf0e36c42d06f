"""What every `InferenceBackend` keeps: the fake, OpenVINO in the process, and a real Triton."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from services.backends.inference.errors import InferenceInputError, InferenceTimeoutError
from services.backends.inference.fake import FakeInferenceBackend
from services.backends.inference.local import LocalInferenceBackend
from services.backends.inference.protocol import InferenceBackend
from services.backends.inference.triton import TritonInferenceBackend

REAL = ["local", pytest.param("triton", marks=pytest.mark.triton)]


@pytest.fixture
def make_backend(request: pytest.FixtureRequest, tiny: Any) -> Callable[[], InferenceBackend]:
    if request.param == "fake":
        return lambda: FakeInferenceBackend(tiny.pack.models)
    if request.param == "local":
        return lambda: LocalInferenceBackend(tiny.pack, threads=1)
    address = request.getfixturevalue("triton_address")
    return lambda: TritonInferenceBackend(address, tiny.pack.models)


@pytest.fixture
async def backend(make_backend: Callable[[], InferenceBackend]) -> AsyncIterator[InferenceBackend]:
    made = make_backend()
    yield made
    await made.aclose()
    await made.aclose()


every = pytest.mark.parametrize("make_backend", ["fake", *REAL], indirect=True)
real = pytest.mark.parametrize("make_backend", REAL, indirect=True)


def crops(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, (count, 8, 8, 3), dtype=np.uint8)


@every
async def test_outputs_are_as_declared(backend: InferenceBackend) -> None:
    answer = await backend.infer("person_detector", {"image": np.zeros((2, 16, 24, 3), np.uint8)})
    assert {name: array.shape for name, array in answer.items()} == {"boxes": (2, 5, 4), "scores": (2, 5, 3)}
    assert all(array.dtype == np.float32 for array in answer.values())


@every
@pytest.mark.parametrize("rows", [1, 4, 5, 11])
async def test_any_batch_size_gives_one_row_each_in_order(backend: InferenceBackend, rows: int) -> None:
    together = await backend.infer("face_encoder", {"crop": crops(rows)})
    singly = [await backend.infer("face_encoder", {"crop": crops(rows)[row : row + 1]}) for row in range(rows)]
    np.testing.assert_allclose(together["embedding"], np.concatenate([one["embedding"] for one in singly]), rtol=1e-5)


@real
async def test_the_numbers_are_the_networks(backend: InferenceBackend, tiny: Any) -> None:
    answer = await backend.infer("face_encoder", {"crop": crops(9)})
    np.testing.assert_allclose(answer["embedding"], tiny.embedding(crops(9)), atol=1e-4)
    images = np.random.default_rng(2).integers(0, 4, (3, 16, 24, 3), dtype=np.uint8)
    answer = await backend.infer("person_detector", {"image": images})
    np.testing.assert_allclose(answer["boxes"], tiny.boxes(images), atol=1e-4)


@every
async def test_calls_side_by_side_keep_their_answers_apart(backend: InferenceBackend) -> None:
    batches = [crops(1 + seed % 3, seed) for seed in range(24)]
    answers = await asyncio.gather(*(backend.infer("face_encoder", {"crop": batch}) for batch in batches))
    for batch, answer in zip(batches, answers, strict=True):
        alone = await backend.infer("face_encoder", {"crop": batch})
        np.testing.assert_allclose(answer["embedding"], alone["embedding"], rtol=1e-5)


@every
async def test_strided_input_is_taken(backend: InferenceBackend) -> None:
    wide = np.random.default_rng(4).integers(0, 4, (3, 8, 16, 3), dtype=np.uint8)
    answer = await backend.infer("face_encoder", {"crop": wide[:, :, ::2]})
    again = await backend.infer("face_encoder", {"crop": wide[:, :, ::2].copy()})
    np.testing.assert_array_equal(answer["embedding"], again["embedding"])


@every
@pytest.mark.parametrize(
    ("model", "inputs", "said"),
    [
        ("nose_encoder", {"crop": crops(1)}, "no model 'nose_encoder'"),
        ("face_encoder", {"image": crops(1)}, r"takes inputs \['crop'\]"),
        ("face_encoder", {"crop": crops(0)}, "at least 1 row"),
        ("face_encoder", {"crop": crops(1).astype(np.float32)}, "expected uint8"),
        ("face_encoder", {"crop": np.zeros((1, 8, 9, 3), np.uint8)}, r"expected uint8\[1, 8, 8, 3\]"),
    ],
)
async def test_wrong_inputs_are_refused(
    backend: InferenceBackend, model: str, inputs: dict[str, np.ndarray], said: str
) -> None:
    with pytest.raises(InferenceInputError, match=said):
        await backend.infer(model, inputs)


@every
async def test_a_deadline_that_has_passed_is_told(backend: InferenceBackend) -> None:
    with pytest.raises(InferenceTimeoutError, match="face_encoder"):
        await backend.infer("face_encoder", {"crop": crops(1)}, deadline_s=0.0)
    assert await backend.ready("face_encoder")


@every
async def test_ready_means_every_model_answers(backend: InferenceBackend, tiny: Any) -> None:
    assert {name: await backend.ready(name) for name in tiny.pack.models} == dict.fromkeys(tiny.pack.models, True)
