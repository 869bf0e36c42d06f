"""What every `Representer` keeps: the fake, the networks in this process, and a real Triton."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest

from packs.fuser import FusionMethod
from packs.fusers import FUSERS_DIR, FuserPack
from packs.spec import Modality
from services.backends.fusers import FakeRepresenter, Held, NetworkRepresenter, Representer
from services.backends.inference.errors import InferenceUnavailableError
from services.backends.inference.fake import FakeInferenceBackend
from services.backends.inference.local import LocalInferenceBackend
from services.backends.inference.protocol import InferenceBackend
from services.backends.inference.triton import TritonInferenceBackend

FACE, HEAD, BODY, VOICE = Modality.FACE, Modality.HEAD, Modality.BODY, Modality.VOICE
FOUND = FuserPack.load(FUSERS_DIR)
METHODS = (FusionMethod.ASSOCIATIVE, FusionMethod.ATTENTION)


KINDS = ["fake", "local", pytest.param("triton", marks=pytest.mark.triton)]


@pytest.fixture(params=KINDS)
def backend(request: pytest.FixtureRequest) -> InferenceBackend | None:
    """What runs the networks; None for the fake, which has none."""
    if request.param == "fake":
        return None
    if request.param == "local":
        return LocalInferenceBackend(FOUND.pack, threads=1)
    return TritonInferenceBackend(request.getfixturevalue("triton_address"), FOUND.pack.models)


@pytest.fixture(params=METHODS, ids=str)
async def representer(request: pytest.FixtureRequest, backend: InferenceBackend | None) -> AsyncIterator[Representer]:
    fuser = FOUND.fusers[request.param]
    yield FakeRepresenter(fuser.card) if backend is None else NetworkRepresenter(backend, fuser)
    if backend is not None:
        await backend.aclose()


def somebody(seed: int, *modalities: Modality, quality: float = 0.7) -> dict[Modality, Held]:
    rng = np.random.default_rng(seed)
    dims = FOUND.fusers[FusionMethod.ASSOCIATIVE].card.dims
    found = {}
    for modality in modalities:
        vector = rng.standard_normal(dims[modality]).astype(np.float32)
        found[modality] = Held(vector / np.linalg.norm(vector), quality)
    return found


async def test_the_contract(representer: Representer) -> None:
    one = representer
    people = [
        somebody(1, FACE),
        somebody(2, FACE, HEAD, BODY, VOICE),
        somebody(3, BODY, VOICE),
        somebody(2, BODY, VOICE, HEAD, FACE),
        somebody(4, FACE, quality=0.0),
    ]
    together = await one.represent(people)
    assert together.vectors.dtype == np.float32
    assert together.weights.shape == (5, 4)
    np.testing.assert_allclose(np.linalg.norm(together.vectors, axis=1), 1.0, atol=1e-4)
    np.testing.assert_allclose(together.weights.sum(axis=1), 1.0, atol=1e-4)
    held = np.array([[modality in person for modality in one.card.modalities] for person in people])
    assert (together.weights[~held] == 0.0).all()
    assert (together.weights[held] > 0.0).all()
    np.testing.assert_allclose(together.quality, [0.7, 0.7, 0.7, 0.7, 0.0], atol=1e-4)
    for row, person in enumerate(people):
        alone = await one.represent([person])
        np.testing.assert_allclose(alone.vectors[0], together.vectors[row], atol=1e-4)
    faces = [somebody(seed, FACE)[FACE] for seed in (5, 6)]
    near = (faces[0].vector + faces[1].vector) / np.linalg.norm(faces[0].vector + faces[1].vector)
    pair = await one.represent([{FACE: Held(near)}, {FACE: faces[1]}])
    assert float(pair.vectors[0] @ pair.vectors[1]) == pytest.approx(float(near @ faces[1].vector), abs=2e-3)


async def test_a_face_of_less_quality_has_less_weight() -> None:
    backend = LocalInferenceBackend(FOUND.pack, threads=1)
    one = NetworkRepresenter(backend, FOUND.fusers[FusionMethod.ASSOCIATIVE])
    person = somebody(8, FACE, BODY, VOICE)
    qualities = np.linspace(1.0, 0.0, 6)
    made = await one.represent([person | {FACE: Held(person[FACE].vector, float(quality))} for quality in qualities])
    assert (np.diff(made.weights[:, 0]) < -0.01).all()
    await backend.aclose()


async def test_what_cannot_be_represented_is_told(representer: Representer) -> None:
    with pytest.raises(ValueError, match="none of face, head, body, voice"):
        await representer.represent([{Modality.TEXT: Held(np.ones(3, np.float32))}])
    with pytest.raises(ValueError, match=r"got a face of shape \(3,\), expected \[256\]"):
        await representer.represent([{FACE: Held(np.ones(3, np.float32))}])


async def test_a_network_that_is_gone_is_told() -> None:
    fuser = FOUND.fusers[FusionMethod.ASSOCIATIVE]
    backend = FakeInferenceBackend(FOUND.pack.models, unavailable=frozenset({fuser.spec.name}))
    with pytest.raises(InferenceUnavailableError):
        await NetworkRepresenter(backend, fuser).represent([somebody(1, FACE)])
