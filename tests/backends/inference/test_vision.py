"""`VisionModels` over the fake and over OpenVINO."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from packs.detections import DetectionClass
from packs.errors import PackError
from packs.manifest import Pack
from packs.spec import Modality
from services.backends.inference.errors import InferenceOutputError, InferenceUnavailableError
from services.backends.inference.factory import backend_from_settings
from services.backends.inference.fake import FakeInferenceBackend
from services.backends.inference.local import LocalInferenceBackend
from services.backends.inference.triton import TritonInferenceBackend
from services.backends.vision import VisionModels
from services.runtime.settings import InferenceSettings

IMAGE = np.random.default_rng(8).integers(0, 256, (32, 48, 3), dtype=np.uint8)


def one_person(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A detector that sees one person at (2, 4, 10, 12) of its input, and nothing else."""
    rows = len(inputs["image"])
    boxes = np.zeros((rows, 5, 4), np.float32)
    scores = np.zeros((rows, 5, 3), np.float32)
    boxes[:, 3] = (2, 4, 10, 12)
    scores[:, 3, DetectionClass.PERSON] = 0.9
    return {"boxes": boxes, "scores": scores}


async def test_detections_are_in_pixels_of_each_image(tiny: Any) -> None:
    backend = FakeInferenceBackend(tiny.pack.models, {"person_detector": one_person})
    found = await VisionModels(backend, tiny.pack).detect([IMAGE, np.zeros((16, 24, 3), np.uint8), IMAGE])
    assert [list(one.boxes[0]) for one in found] == [[4, 8, 20, 24], [2, 4, 10, 12], [4, 8, 20, 24]]
    assert [int(one.classes[0]) for one in found] == [DetectionClass.PERSON] * 3
    assert backend.batches == [("person_detector", 2), ("person_detector", 1)]


async def test_embeddings_have_length_one_and_tell_their_norm(tiny: Any) -> None:
    backend = LocalInferenceBackend(tiny.pack, threads=1)
    vision = VisionModels(backend, tiny.pack)
    crops = np.stack([vision.crop(Modality.FACE, IMAGE, (x, 4, x + 12, 18)) for x in range(6)])
    embedded = await vision.embed(Modality.FACE, crops)
    expected = tiny.embedding(crops)
    np.testing.assert_allclose(embedded.norms, np.linalg.norm(expected, axis=1), rtol=1e-2)
    np.testing.assert_allclose(np.linalg.norm(embedded.vectors, axis=1), 1.0, atol=1e-6)
    await vision.check_ready()
    await backend.aclose()


async def test_similar_crops_have_similar_fake_embeddings(tiny: Any) -> None:
    vision = VisionModels(FakeInferenceBackend(tiny.pack.models), tiny.pack)
    crop = np.random.default_rng(1).integers(0, 250, (8, 8, 3), dtype=np.uint8)
    other = np.random.default_rng(2).integers(0, 250, (8, 8, 3), dtype=np.uint8)
    vectors = (await vision.embed(Modality.FACE, np.stack([crop, crop + 2, other]))).vectors
    assert vectors[0] @ vectors[1] > 0.99 > vectors[0] @ vectors[2]


async def test_nothing_in_gives_nothing_out(tiny: Any) -> None:
    vision = VisionModels(FakeInferenceBackend(tiny.pack.models), tiny.pack)
    assert await vision.detect([]) == []
    empty = await vision.embed(Modality.FACE, np.zeros((0, 8, 8, 3), np.uint8))
    assert empty.vectors.shape == (0, 4)


async def test_an_embedding_of_length_zero_is_an_error(tiny: Any) -> None:
    broken = FakeInferenceBackend(
        tiny.pack.models, {"face_encoder": lambda inputs: {"embedding": np.zeros((len(inputs["crop"]), 4), np.float32)}}
    )
    with pytest.raises(InferenceOutputError, match="length 0"):
        await VisionModels(broken, tiny.pack).embed(Modality.FACE, np.zeros((1, 8, 8, 3), np.uint8))


async def test_a_model_that_fails_is_named_by_the_probe(tiny: Any) -> None:
    backend = FakeInferenceBackend(tiny.pack.models, unavailable=frozenset({"face_encoder"}))
    with pytest.raises(InferenceUnavailableError, match="not ready: face_encoder"):
        await VisionModels(backend, tiny.pack).check_ready()


def test_what_a_pack_lacks_is_told(tiny: Any) -> None:
    backend = FakeInferenceBackend(tiny.pack.models)
    with pytest.raises(PackError, match="cannot embed head"):
        VisionModels(backend, tiny.pack).crop(Modality.HEAD, IMAGE, (0, 0, 4, 4))
    blind = Pack.of(tiny.pack.directory, tiny.pack.manifest.model_copy(update={"detection": None}))
    with pytest.raises(PackError, match="no detector"):
        VisionModels(backend, blind)


def test_settings_choose_the_backend(tiny: Any) -> None:
    local = backend_from_settings(InferenceSettings(), tiny.pack)
    assert isinstance(local, LocalInferenceBackend)
    for kind in ("auto", "triton"):
        settings = InferenceSettings.model_validate({"kind": kind, "address": "127.0.0.1:8001"})
        assert isinstance(backend_from_settings(settings, tiny.pack), TritonInferenceBackend)
    with pytest.raises(ValueError, match="PERSONSEARCH_INFERENCE__ADDRESS"):
        backend_from_settings(InferenceSettings(kind="triton"), tiny.pack)
