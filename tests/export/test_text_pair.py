"""Two networks of one: a text pair into a pack, with the words that it knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from export.__main__ import main
from export.pack import write_pack
from export.runners import openvino_runner
from models.checkpoints import Checkpoint, write_checkpoint
from models.text import SMALL_VOCABULARY, ivt_body_small
from packs.errors import PackError
from packs.manifest import Pack
from packs.spec import Modality, WordPreprocessing
from packs.words import build_vocabulary, tokenizer_of, write_vocabulary


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The weights of a run, and the words beside them."""
    torch.manual_seed(4)
    folder = tmp_path / "run"
    folder.mkdir()
    weights = Checkpoint(preset="ivt_body_small", step=0, weights=ivt_body_small().state_dict())
    write_checkpoint(folder / "weights.pt", weights)
    write_vocabulary(folder / "vocabulary.json", build_vocabulary(["a woman in a red jacket"], most=50))
    return folder / "weights.pt"


def test_a_checkpoint_becomes_two_networks_and_a_vocabulary(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "pack"
    assert main(["onnx", "--pack", str(out), "--checkpoint", str(run), "--version", "1.0"]) == 0
    pack = Pack.load(out)
    pack.verify()
    assert set(pack.models) == {"text_image_encoder", "text_encoder"}
    assert sorted(path.name for path in out.iterdir()) == sorted([*pack.files, "pack.json"])
    assert pack.modalities == (Modality.TEXT,)
    assert Modality.TEXT in pack.calibration
    looks, reads = pack.model_for(Modality.TEXT), pack.text_model
    assert reads is not None
    assert isinstance(reads.preprocessing, WordPreprocessing)
    assert (looks.inputs[0].shape, reads.inputs[0].shape, reads.embedding_dim) == ((128, 64, 3), (32,), 160)
    # What is served of a sentence is what the network that was trained says of it.
    tokens = tokenizer_of(pack)(["A woman in a RED jacket", "red"])
    served = openvino_runner(pack.file_of(reads), "f32")({"tokens": tokens})["embedding"]
    network = ivt_body_small()
    network.load_state_dict(torch.load(run, weights_only=True)["weights"])
    with torch.inference_mode():
        expected = network.eval().embed_text(torch.from_numpy(tokens)).numpy()
    np.testing.assert_allclose(served, expected, atol=0.01)
    assert main(["verify", "--pack", str(out), "--checkpoint", str(run)]) == 0


def test_words_that_do_not_fit_are_refused(run: Path, tmp_path: Path) -> None:
    network = {"ivt_body_small": ivt_body_small().eval()}
    with pytest.raises(PackError, match=r"give the vocabulary\.json that lies beside its weights"):
        write_pack(tmp_path / "none", network, {}, version="1")
    many = tmp_path / "many.json"
    words = [f"word{number}" for number in range(SMALL_VOCABULARY)]
    write_vocabulary(many, build_vocabulary(words, most=SMALL_VOCABULARY + 10))
    with pytest.raises(PackError, match=f"has {SMALL_VOCABULARY + 4} words, text_encoder has numbers for"):
        write_pack(tmp_path / "large", network, {}, version="1", vocabulary=many)
    (run.parent / "vocabulary.json").unlink()
    assert main(["onnx", "--pack", str(tmp_path / "absent"), "--checkpoint", str(run)]) == 2
    assert not (tmp_path / "absent" / "pack.json").exists()
