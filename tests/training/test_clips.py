"""Networks that name clips: what they learn of made-up people, and what is written beside them."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from evaluation.datasets.iqiyi import ClipIdentification
from evaluation.datasets.store import write_search
from evaluation.datasets.tracklets import CastSearch, ModalityRows, Tracklets
from evaluation.metrics.clip_identification import identity_precisions
from evaluation.protocols.iqiyi.cards import ClipCard, clip_inputs, digest_of_clips
from evaluation.protocols.iqiyi.split import split_cast
from models.fusion import FrameMean, NetVlad
from packs.spec import Modality
from training.__main__ import main
from training.clips import ROWS, ClipRecipe, clips_of, make_clip_networks, train_row
from training.data.shards import DataError

FACE, VOICE = Modality.FACE, Modality.VOICE
FAST = ClipRecipe(epochs=25, common_dim=24, comparison_dim=8, clusters=3)


@pytest.fixture(scope="module")
def search() -> CastSearch:
    """Two casts of five people, twenty clips each; a third lacks the face, half the voice."""
    random = np.random.default_rng(3)
    people = [f"cast{cast}/p{person}" for cast in (1, 2) for person in range(5)]
    names = [name for name in people for _ in range(20)]
    who = np.repeat(np.arange(10), 20)
    rows = {}
    for modality, dim in ((FACE, 24), (VOICE, 16)):
        own = random.normal(size=(10, dim))
        there = random.random(200) < (0.67 if modality is FACE else 0.5)
        rows[modality] = ModalityRows.of(own[who] + 0.6 * random.normal(size=(200, dim)), there)
    ids = [f"c{row}" for row in range(200)]
    tracklets = Tracklets.of(ids, ["f"] * 200, names, rows)
    return CastSearch("made", tracklets, tracklets.take(np.arange(2)))


@pytest.fixture(scope="module")
def clips(search: CastSearch) -> ClipIdentification:
    return split_cast(search)


@pytest.fixture(scope="module")
def made(clips: ClipIdentification, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("networks")
    make_clip_networks(clips, out, recipe=FAST, say=lambda line: None)
    return out


def test_each_row_adds_what_the_paper_adds(clips: ClipIdentification) -> None:
    people = sorted({str(name) for name in clips.train.identities})
    parts = [(FACE, 24), (VOICE, 16)]
    quick = ClipRecipe(epochs=1, common_dim=8, comparison_dim=4, clusters=2)
    for row in ROWS:
        averaged = train_row(clips.train, people, parts, row, quick, lambda line: None)
        assert len(averaged.networks) == 3
        first, second = averaged.networks[0].streams
        assert isinstance(first, NetVlad) == row.vlad
        assert isinstance(second, FrameMean)
        assert averaged.networks[0].attention.gamma == {"+ MMA": 0.05}.get(row.name, 0.0)


def test_files_name_clips_that_were_not_learned_from(made: Path, clips: ClipIdentification) -> None:
    people = sorted({str(name) for name in clips.train.identities})
    for row in ROWS:
        card = ClipCard.model_validate_json((made / f"{row.file}.json").read_text())
        assert (card.name, card.people, card.clips) == (row.name, tuple(people), digest_of_clips(clips.train))
        present, vectors = clip_inputs(clips.test, [(part.modality, part.dim) for part in card.parts])
        session = onnxruntime.InferenceSession(made / f"{row.file}.onnx", providers=["CPUExecutionProvider"])
        (found,) = session.run(None, {"present": present} | {str(name): one for name, one in vectors.items()})
        assert found.sum(axis=1) == pytest.approx(np.ones(len(clips.test)), abs=1e-5)
        values = identity_precisions(found.T, people, clips.test.identities)
        blind = identity_precisions(np.zeros(found.T.shape), people, clips.test.identities)
        assert np.mean(list(values.values())) > np.mean(list(blind.values())) + 0.2


def test_the_same_seed_gives_the_same_networks(made: Path, clips: ClipIdentification, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    shuffled = clips.train.take(np.random.default_rng(0).permutation(len(clips.train)))
    again = ClipIdentification(clips.name, shuffled, clips.test)
    make_clip_networks(again, tmp_path, recipe=FAST, say=lambda line: None)
    for row in ROWS:
        assert (tmp_path / f"{row.file}.onnx").read_bytes() == (made / f"{row.file}.onnx").read_bytes()


def test_the_command_takes_the_read_back_of_the_protocol(
    search: CastSearch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {"films": {}, "pack": {"name": "demo", "version": "0", "digest": "0" * 64}}
    write_search(tmp_path / "kept.npz", search, facts)
    # The whole recipe is for the real thing; two epochs show that the command works.
    monkeypatch.setattr("training.clips.ClipRecipe", lambda: ClipRecipe(epochs=2, common_dim=8))
    assert main(["clips", "--appearances", str(tmp_path / "kept.npz"), "--out", str(tmp_path / "out")]) == 0
    names = {json.loads(path.read_text())["name"] for path in (tmp_path / "out").glob("*.json")}
    assert names == {row.name for row in ROWS}


@pytest.mark.parametrize("problem", ["missing", "too few", "no data set", "nothing"])
def test_bad_data_is_told(problem: str, search: CastSearch, tmp_path: Path) -> None:
    if problem == "nothing":
        with pytest.raises(DataError, match="nothing to learn from"):
            clips_of(None, None)
        return
    if problem == "no data set":
        with pytest.raises(DataError, match=r"has no train_gt\.txt"):
            clips_of(None, tmp_path)
        return
    path = tmp_path / "kept.npz"
    if problem == "too few":
        few = search.tracklets.take(np.arange(3))
        facts = {"films": {}, "pack": {"name": "demo", "version": "0", "digest": "0" * 64}}
        write_search(path, CastSearch("few", few, few), facts)
    told = "is not there" if problem == "missing" else "nobody has 4 clips"
    with pytest.raises(DataError, match=told):
        clips_of(path, None)
