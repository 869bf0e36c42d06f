"""Networks that name clips, from their files: whom they name, what they refuse, and the rows they make."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.parser import parse_model
from typer.testing import CliRunner

from evaluation.cli import app
from evaluation.datasets.errors import DataError
from evaluation.datasets.iqiyi import ClipIdentification
from evaluation.datasets.store import write_search
from evaluation.datasets.tracklets import CastSearch, ModalityRows, Tracklets
from evaluation.protocols.iqiyi.cards import ClipCard, clip_inputs, digest_of_clips
from evaluation.protocols.iqiyi.networks import read_clip_network
from evaluation.protocols.iqiyi.split import split_cast
from packs.fuser import FuserPart
from packs.spec import Modality

MadeSearch = Callable[..., CastSearch]
FACE, VOICE = Modality.FACE, Modality.VOICE
# Six people, each named by a coordinate of the face.
GRAPH = """
<ir_version: 8, opset_import: ["" : 18]>
name (float[N,2] present, float[N,1,64] face, float[N,1,64] voice) => (float[N,6] probabilities)
<int64[1] start = {0}, int64[1] end = {6}, int64[1] last = {2}, int64[1] middle = {1}> {
    cut = Slice(face, start, end, last)
    scores = Squeeze(cut, middle)
    first = Slice(present, start, middle, middle)
    kept = Mul(scores, first)
    probabilities = Softmax<axis = 1>(kept)
}
"""


@pytest.fixture
def search(made_search: MadeSearch) -> CastSearch:
    return made_search(people=6, each=20)


@pytest.fixture
def data(search: CastSearch) -> ClipIdentification:
    return split_cast(search)


@pytest.fixture
def written(tmp_path: Path, data: ClipIdentification) -> Path:
    path = tmp_path / "mma.onnx"
    onnx.save(parse_model(GRAPH), str(path))
    parts = tuple(FuserPart(modality=modality, dim=64) for modality in (FACE, VOICE))
    people = tuple(sorted({str(name) for name in data.train.identities}))
    card = ClipCard(name="+ MMA", people=people, clips=digest_of_clips(data.train), parts=parts, recipe={"epochs": 1})
    path.with_suffix(".json").write_text(card.model_dump_json())
    return path


def test_it_names_the_clips_of_its_split(written: Path, data: ClipIdentification) -> None:
    people = sorted({str(name) for name in data.train.identities})
    found = read_clip_network(written).probabilities(data.train, data.test, people)
    assert found.shape == (6, len(data.test))
    there = data.test.present(FACE)
    expected = np.exp(data.test.rows[FACE].vectors[there][:, :6].T)
    expected /= expected.sum(axis=0)
    assert found[:, there] == pytest.approx(expected, abs=1e-5)
    heard = data.test.present(VOICE) & ~there
    assert found[:, heard] == pytest.approx(np.full((6, int(heard.sum())), 1 / 6))
    neither = ~there & ~data.test.present(VOICE)
    assert neither.any()
    assert (found[:, neither] == 0).all()


def test_the_order_of_clips_does_not_matter_and_their_content_does(data: ClipIdentification) -> None:
    train = data.train
    assert digest_of_clips(train.take(np.arange(len(train))[::-1])) == digest_of_clips(train)
    assert digest_of_clips(train.take(np.arange(len(train)) > 0)) != digest_of_clips(train)
    vectors = train.rows[FACE].vectors.copy()
    vectors[np.flatnonzero(train.present(FACE))[0]] *= -1
    rows = dict(train.rows) | {FACE: ModalityRows(vectors, train.rows[FACE].present, train.rows[FACE].quality)}
    other = Tracklets.of(train.ids, train.movies, train.identities, rows)
    assert digest_of_clips(other) != digest_of_clips(train)


def test_other_clips_are_refused(written: Path, data: ClipIdentification) -> None:
    people = sorted({str(name) for name in data.train.identities})
    with pytest.raises(DataError, match="learned from other clips"):
        read_clip_network(written).probabilities(data.test, data.test, people)
    with pytest.raises(DataError, match="learned from other clips"):
        read_clip_network(written).probabilities(data.train, data.test, people[::-1])


def test_what_a_network_takes() -> None:
    rows = {FACE: ModalityRows.of([[3.0, 4.0], [1.0, 0.0]], [True, False])}
    present, vectors = clip_inputs(Tracklets.of(["1", "2"], ["", ""], ["a", "b"], rows), [(FACE, 2), (VOICE, 3)])
    assert present.tolist() == [[1, 0], [0, 0]]
    assert vectors[FACE].tolist() == [[[pytest.approx(0.6), pytest.approx(0.8)]], [[0, 0]]]
    assert vectors[VOICE].shape == (2, 1, 3)
    with pytest.raises(ValueError, match="length 2, expected 5"):
        clip_inputs(Tracklets.of(["1", "2"], ["", ""], ["a", "b"], rows), [(FACE, 5)])


@pytest.mark.parametrize("problem", ["no card", "other card", "no network"])
def test_bad_files_are_told(written: Path, problem: str) -> None:
    if problem == "no card":
        written.with_suffix(".json").unlink()
    if problem == "other card":
        written.with_suffix(".json").write_text("{}")
    if problem == "no network":
        written.write_bytes(b"no")
    told = {"no card": "is not there", "other card": "is no card", "no network": "is no network"}
    with pytest.raises(DataError, match=told[problem]):
        read_clip_network(written)


def test_the_command_makes_a_row_of_it(written: Path, search: CastSearch, tmp_path: Path) -> None:
    facts = {"films": {}, "pack": {"name": "demo", "version": "0", "digest": "0" * 64}}
    kept, out = tmp_path / "kept.npz", tmp_path / "r.json"
    write_search(kept, search, facts)
    words = ["run", "--protocol", "iqiyi", "--appearances", kept, "--network", written, "--json", out]
    done = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text())
    assert [(row["name"], row["fuser"]) for row in report["table"]][-1] == ("+ MMA", "network")
    assert report["not_given"] == ["+ NetVLAD"]
    assert "No network was given for the rows + NetVLAD." in done.output
