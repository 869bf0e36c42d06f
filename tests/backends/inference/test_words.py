"""Reading with a pack: words, what is known of them, and embeddings beside those of bodies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from packs.errors import PackError
from packs.spec import Modality
from packs.testing import BODY_CROP, TinyPack, write_tiny_pack
from services.backends.inference.errors import InferenceOutputError
from services.backends.inference.fake import FakeInferenceBackend
from services.backends.inference.local import LocalInferenceBackend
from services.backends.inference.protocol import InferenceBackend
from services.backends.inference.triton import TritonInferenceBackend
from services.backends.vision import VisionModels
from services.backends.words import WordModels

REAL = ["local", pytest.param("triton", marks=pytest.mark.triton)]


@pytest.fixture
def words(tiny: TinyPack) -> WordModels:
    return WordModels(FakeInferenceBackend(tiny.pack.models), tiny.pack)


def test_words_are_told_apart(words: WordModels) -> None:
    assert words.can_read
    found = words.words("A Crimson woman, in RED")
    assert [(word.text, word.known) for word in found] == [
        ("a", True), ("crimson", False), ("woman", True), (",", False), ("in", True), ("red", True),
    ]  # fmt: skip
    assert {word.tokens for word in found} == {1}
    assert words.most_tokens == 6
    assert words.known_words() == ["a", "woman", "in", "the", "jacket", "red", "green", "blue"]
    assert words.words(" \t") == []


async def test_embeddings_have_length_one(words: WordModels) -> None:
    embedded = await words.embed(["a woman in red", "the blue jacket", "red"] * 3)
    assert embedded.vectors.shape == (9, 4)
    np.testing.assert_allclose(np.linalg.norm(embedded.vectors, axis=1), 1.0, rtol=1e-6)
    assert (embedded.norms > 0.0).all()
    assert (await words.embed([])).vectors.shape == (0, 4)


async def test_an_embedding_of_nothing_is_an_error(tiny: TinyPack) -> None:
    broken = FakeInferenceBackend(
        tiny.pack.models, {"text_encoder": lambda inputs: {"embedding": np.zeros((1, 4), np.float32)}}
    )
    with pytest.raises(InferenceOutputError, match="length 0"):
        await WordModels(broken, tiny.pack).embed(["red"])


async def test_a_pack_without_a_pair_says_so(tmp_path: Path) -> None:
    pack = write_tiny_pack(tmp_path).pack
    mute = WordModels(FakeInferenceBackend(pack.models), pack)
    assert not mute.can_read
    for ask in (lambda: mute.words("red"), mute.known_words, lambda: mute.most_tokens):
        with pytest.raises(PackError, match="reads no sentences"):
            ask()
    with pytest.raises(PackError, match="reads no sentences"):
        await mute.embed(["red"])


def test_a_damaged_vocabulary_stops_the_start(tmp_path: Path) -> None:
    pack = write_tiny_pack(tmp_path, text=True).pack
    (tmp_path / "vocabulary.json").unlink()
    with pytest.raises(PackError, match="no vocabulary at"):
        WordModels(FakeInferenceBackend(pack.models), pack)


def test_the_text_space_shares_crops_with_bodies_alone(tiny: TinyPack) -> None:
    vision = VisionModels(FakeInferenceBackend(tiny.pack.models), tiny.pack)
    assert vision.alike(Modality.BODY, Modality.TEXT)
    assert not vision.alike(Modality.FACE, Modality.TEXT)


@pytest.fixture
async def backend(request: pytest.FixtureRequest, tiny: TinyPack) -> AsyncIterator[InferenceBackend]:
    if request.param == "local":
        made: InferenceBackend = LocalInferenceBackend(tiny.pack, threads=1)
    else:
        made = TritonInferenceBackend(request.getfixturevalue("triton_address"), tiny.pack.models)
    yield made
    await made.aclose()


@pytest.mark.parametrize("backend", REAL, indirect=True)
async def test_sentences_meet_the_bodies_that_they_describe(tiny: TinyPack, backend: InferenceBackend) -> None:
    """Both halves served by real engines: each colour is nearest to its name."""
    crops = np.zeros((3, *BODY_CROP), np.uint8)
    for place in range(3):
        crops[place, :, :, place] = 200
    looks = await VisionModels(backend, tiny.pack).embed(Modality.TEXT, crops)
    said = await WordModels(backend, tiny.pack).embed(["a woman in red", "a green jacket", "blue"])
    cosines = said.vectors @ looks.vectors.T
    assert cosines.argmax(axis=1).tolist() == [0, 1, 2]
    assert np.diag(cosines).min() > 0.9
