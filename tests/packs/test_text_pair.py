"""Packs with a text pair: what their manifest says, what is refused, and what is served."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from packs.engine import Engine
from packs.errors import PackError
from packs.manifest import MANIFEST_FILE, Pack, PackManifest, file_sha256
from packs.repository import write_configs
from packs.spec import Modality, ModelSpec, WordPreprocessing
from packs.testing import BODY_CROP, write_tiny_pack
from packs.testing_text import LENGTH, text_of_tokens
from packs.triton_config import ServingOptions, Target, render_config
from packs.words import WordPieceTokenizer, WordTokenizer, tokenizer_of
from packs.words.vocabulary import SPECIAL


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return write_tiny_pack(tmp_path, text=True).pack


def changed(pack: Pack, **changes: object) -> PackManifest:
    """The manifest with other values; `looks` and `reads` change the two halves."""
    content = pack.manifest.model_dump()
    for model in content["models"]:
        half = {"text_image_encoder": "looks", "text_encoder": "reads"}.get(model["name"], "")
        model.update(changes.pop(half, {}))
    return PackManifest.model_validate(content | changes)


def test_a_pair_is_declared_and_found(pack: Pack) -> None:
    assert pack.modalities == (Modality.FACE, Modality.BODY, Modality.VOICE, Modality.TEXT)
    assert pack.model_for(Modality.TEXT).name == "text_image_encoder"
    assert pack.text_model is pack.models["text_encoder"]
    assert pack.text_model.modality is None
    assert pack.text_model.embedding_dim == pack.model_for(Modality.TEXT).embedding_dim
    assert set(pack.calibration) == set(pack.modalities)
    again = Pack.load(pack.directory)
    assert (again.manifest, again.digest) == (pack.manifest, pack.digest)


def test_a_pack_without_a_pair_keeps_its_digest(tmp_path: Path) -> None:
    """Packs of before have no `text` in their manifest; what they made stays theirs."""
    pack = write_tiny_pack(tmp_path).pack
    content = json.loads((tmp_path / MANIFEST_FILE).read_text())
    assert content.pop("text") is None
    (tmp_path / MANIFEST_FILE).write_text(json.dumps(content))
    assert Pack.load(tmp_path).digest == pack.digest
    assert '"text"' not in pack.manifest.canonical_json()
    assert pack.text_model is None


def test_a_pair_must_be_whole(pack: Pack) -> None:
    models = [model.model_dump() for model in pack.manifest.models]
    without_bodies = [model for model in models if model["name"] != "text_image_encoder"]
    with pytest.raises(ValidationError, match="got the one for sentences without the one for bodies"):
        changed(pack, models=without_bodies)
    with pytest.raises(ValidationError, match="got the one for bodies without the one for sentences"):
        changed(pack, text=None)
    with pytest.raises(ValidationError, match="text names 'nobody'"):
        changed(pack, text={"model": "nobody"})


def test_a_pair_has_one_space_and_reads_words(pack: Pack) -> None:
    wide = {"embedding_dim": 5, "outputs": [{"name": "embedding", "dtype": "FP32", "shape": [5]}]}
    with pytest.raises(ValidationError, match="one space: text_image_encoder has 4 dimensions, text_encoder has 5"):
        changed(pack, reads=wide)
    with pytest.raises(ValidationError, match="looks at crops and reads words"):
        changed(pack, reads={"preprocessing": None})
    with pytest.raises(ValidationError, match="looks at crops and reads words"):
        changed(pack, text={"model": "face_encoder"})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"inputs": [{"name": "tokens", "dtype": "INT32", "shape": [9]}]}, r"INT32\[8\], got"),
        ({"inputs": [{"name": "tokens", "dtype": "INT64", "shape": [8]}]}, r"INT32\[8\], got"),
        ({"embedding_dim": 7}, "embedding_dim is 7"),
    ],
)
def test_a_network_of_words_takes_rows_of_numbers(pack: Pack, changes: dict[str, object], said: str) -> None:
    content = pack.models["text_encoder"].model_dump() | changes
    with pytest.raises(ValidationError, match=said):
        ModelSpec.model_validate(content)


@pytest.mark.parametrize(
    "changes", [{"vocabulary": "../words.json"}, {"length": 2}, {"kind": "letters"}, {"vocabulary_sha256": "ab"}]
)
def test_preprocessing_of_words_is_checked(changes: dict[str, object]) -> None:
    good = {"kind": "words", "length": 8, "vocabulary": "v.json", "vocabulary_sha256": "0" * 64}
    WordPreprocessing.model_validate(good)
    with pytest.raises(ValidationError):
        WordPreprocessing.model_validate(good | changes)


def test_the_vocabulary_is_a_file_of_the_pack(pack: Pack) -> None:
    assert set(pack.files) == {path.name for path in pack.directory.iterdir()} - {MANIFEST_FILE}
    pack.verify()
    path = pack.directory / "vocabulary.json"
    content = path.read_text()
    path.write_text(content.replace('"woman"', '"women"'))
    with pytest.raises(PackError, match=r"vocabulary\.json has SHA-256"):
        pack.verify()
    with pytest.raises(PackError, match="mean nothing to text_encoder; restore"):
        tokenizer_of(pack)
    path.unlink()
    with pytest.raises(PackError, match=r"vocabulary\.json is absent"):
        pack.verify()
    with pytest.raises(PackError, match="no vocabulary at"):
        tokenizer_of(pack)


def test_the_tokenizer_is_the_one_that_is_named(pack: Pack, tmp_path: Path) -> None:
    tokenizer = tokenizer_of(pack)
    assert isinstance(tokenizer, WordTokenizer)
    rows = tokenizer(["A woman in a RED jacket", "grmpf"])
    assert (rows.shape, rows.dtype) == ((2, LENGTH), np.dtype(np.int32))
    assert rows[1].tolist() == [SPECIAL.index("[CLS]"), SPECIAL.index("[UNK]"), SPECIAL.index("[SEP]"), *[0] * 5]
    pieces = pack.directory / "vocab.txt"
    pieces.write_text("\n".join([*SPECIAL, "jack", "##et", "red"]) + "\n")
    how = {"kind": "wordpieces", "length": 8, "vocabulary": "vocab.txt", "vocabulary_sha256": file_sha256(pieces)}
    other = Pack.of(pack.directory, changed(pack, reads={"preprocessing": how}))
    wordpieces = tokenizer_of(other)
    assert isinstance(wordpieces, WordPieceTokenizer)
    assert wordpieces.tokens("red jacket") == ["red", "jack", "##et"]
    deaf = tmp_path / "deaf"
    deaf.mkdir()
    with pytest.raises(PackError, match="reads no sentences"):
        tokenizer_of(write_tiny_pack(deaf).pack)


def test_triton_is_told_of_both_halves(pack: Pack, tmp_path: Path) -> None:
    out = tmp_path / "repository"
    out.mkdir()
    written = {path.parent.name for path in write_configs(pack, out)}
    assert {"text_encoder", "text_image_encoder"} <= written
    reads = (out / "text_encoder" / "config.pbtxt").read_text()
    assert 'input [{ name: "tokens" data_type: TYPE_INT32 dims: [8] }]' in reads
    looks = (out / "text_image_encoder" / "config.pbtxt").read_text()
    assert f"dims: [{', '.join(map(str, BODY_CROP))}]" in looks
    plan = render_config(pack.models["text_encoder"], ServingOptions(), Target.TENSORRT)
    assert 'default_model_filename: "model.plan"' in plan


def test_the_tiny_networks_are_what_numpy_says(pack: Pack) -> None:
    tokens = tokenizer_of(pack)(["a woman in red", "the blue jacket"])
    answer = Engine(pack.file_of(pack.models["text_encoder"]), precision="f32").run({"tokens": tokens})["embedding"]
    np.testing.assert_array_equal(answer, text_of_tokens(tokens))
    crops = np.zeros((2, *BODY_CROP), np.uint8)
    crops[0, :, :, 0], crops[1, :, :, 2] = 200, 100
    engine = Engine(pack.file_of(pack.models["text_image_encoder"]), precision="f32")
    looks = engine.run({"crop": crops})["embedding"]
    np.testing.assert_allclose(looks, [[200, 0, 0, 50], [0, 0, 100, 25]], atol=1e-3)
    assert (answer @ looks.T).argmax(axis=1).tolist() == [0, 1]
