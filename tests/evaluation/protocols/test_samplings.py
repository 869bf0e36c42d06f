"""Trainings of APES's samplings as files: what they make of tracklets, and which are refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from evaluation.cli import app
from evaluation.datasets.errors import DataError
from evaluation.datasets.store import write_search
from evaluation.datasets.tracklets import CastSearch, ModalityRows, Tracklets
from evaluation.fusers.fuser import Fuser
from evaluation.protocols.apes.samplings import (
    NAMES,
    Sampling,
    SamplingMaps,
    committed_samplings,
    read_sampling,
    write_sampling,
)
from evaluation.protocols.apes.table import run_apes
from packs.manifest import Pack
from packs.spec import Modality

MadeSearch = Callable[..., CastSearch]
FACE, VOICE = Modality.FACE, Modality.VOICE
DIGEST = "0" * 64
ROOT = Path(__file__).parents[3]


def maps(name: str = "Within", dim: int = 64) -> SamplingMaps:
    random = np.random.default_rng(NAMES.index(name))
    shapes = {"face": (8, dim), "voice": (8, dim), "both.face": (8, dim), "both.voice": (8, dim), "both.joint": (6, 16)}
    made = {key: random.normal(size=shape).astype(np.float16).astype(np.float32) for key, shape in shapes.items()}
    return SamplingMaps(name, DIGEST, ("a", "b"), made, {"steps": 3})


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    write_sampling(tmp_path / "within.npz", maps())
    found = read_sampling(tmp_path / "within.npz")
    assert (found.name, found.pack, found.films, found.recipe) == ("Within", DIGEST, ("a", "b"), {"steps": 3})
    for name, one in maps().maps.items():
        assert (found.maps[name] == one).all()
    assert [path.name for path in tmp_path.iterdir()] == ["within.npz"]


def test_embeddings_are_products_and_what_is_missing_adds_nothing() -> None:
    random = np.random.default_rng(1)
    faces, voices = random.normal(size=(3, 64)), random.normal(size=(3, 64))
    rows = {FACE: ModalityRows.of(faces, [True, True, False]), VOICE: ModalityRows.of(voices, [True, False, False])}
    learnt = maps()
    found = learnt.embed(Tracklets.of(["1", "2", "3"], [""] * 3, [None] * 3, rows))
    face, voice = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (faces, voices))
    alone = learnt.maps["face"] @ face[0]
    assert found.tracklets.rows[FACE].vectors[0] == pytest.approx(alone / np.linalg.norm(alone), abs=1e-5)
    assert found.tracklets.rows[FACE].present.tolist() == [True, True, False]
    sides = [learnt.maps["both.voice"] @ voice[0], learnt.maps["both.face"] @ face[0]]
    both = learnt.maps["both.joint"] @ np.concatenate(sides)
    assert found.joint is not None
    assert found.joint.vectors[0] == pytest.approx(both / np.linalg.norm(both), abs=1e-5)
    assert found.joint.present.tolist() == [True, True, False]
    faceless = learnt.embed(Tracklets.of(["1"], [""], [None], {VOICE: ModalityRows.of(voices[:1])}))
    assert FACE not in faceless.tracklets.rows


def test_other_lengths_are_told() -> None:
    rows = {FACE: ModalityRows.of(np.ones((1, 32)))}
    with pytest.raises(ValueError, match="length 32, Within takes 64"):
        maps().embed(Tracklets.of(["1"], [""], [None], rows))


@pytest.mark.parametrize("problem", ["missing", "garbage", "schema", "name"])
def test_bad_files_are_told(tmp_path: Path, problem: str) -> None:
    path = tmp_path / "x.npz"
    if problem == "garbage":
        path.write_bytes(b"PK no")
    if problem in ("schema", "name"):
        write_sampling(path, maps())
        with np.load(path) as held:
            arrays = dict(held)
        head = json.loads(str(arrays["head"])) | {problem: "other"}
        np.savez(path, **arrays | {"head": np.array(json.dumps(head))})
    told = {"missing": "is not there", "garbage": "is no training", "schema": "has the schema", "name": "one of Weak"}
    with pytest.raises(DataError, match=told[problem]):
        read_sampling(path)


def test_those_of_the_repository_are_of_the_demo_pack() -> None:
    pack = Pack.load(ROOT / "packs" / "demo")
    found = committed_samplings(pack.digest)
    assert [one.name for one in found] == list(NAMES)
    assert {name: one.shape[1] for name, one in found[0].maps.items()} == {
        "face": 256,
        "voice": 192,
        "both.face": 256,
        "both.voice": 192,
        "both.joint": 128,
    }
    assert committed_samplings(DIGEST) == []


def test_a_training_joins_by_its_own_embedding(made_search: MadeSearch, fusers: list[Fuser]) -> None:
    tracklets = made_search().tracklets
    asked = run_apes(
        "made", {"pack": Sampling(tracklets), "Within": maps().embed(tracklets)}, fusers, lambda line: None
    )
    heard = [(row.model, row.sampling) for row in asked.rows if row.task == "seen and heard"]
    assert heard == [
        ("random", "-"),
        ("face", "pack"),
        ("voice", "pack"),
        ("cross-modal, late fusion", "pack"),
        ("cross-modal, average", "pack"),
        ("face", "Within"),
        ("voice", "Within"),
        ("cross-modal", "Within"),
    ]
    values = {(row.model, row.sampling): row.figures["map"].value for row in asked.rows}
    # Eight directions of sixty-four still tell four people apart better than chance.
    assert values["random", "-"] < values["face", "Within"]
    people = next(row.per_identity for row in asked.rows if row.model == "face")
    assert set(people) == {name for name in tracklets.identities if name is not None}


def test_the_command_takes_trainings_of_the_same_pack_alone(made_search: MadeSearch, tmp_path: Path) -> None:
    facts = {"films": {}, "pack": {"name": "demo", "version": "0", "digest": DIGEST}}
    write_search(tmp_path / "kept.npz", made_search(), facts)
    for name in NAMES:
        write_sampling(tmp_path / f"{name}.npz", maps(name))

    def run(*samplings: Path) -> tuple[int, str]:
        chosen = [word for path in samplings for word in ("--sampling", str(path))]
        out = ["--appearances", str(tmp_path / "kept.npz"), "--json", str(tmp_path / "r.json")]
        done = CliRunner().invoke(app, ["run", "--protocol", "apes", *out, *chosen], env={"COLUMNS": "200"})
        return done.exit_code, done.output

    code, output = run(*(tmp_path / f"{name}.npz" for name in NAMES))
    assert code == 0, output
    report = json.loads((tmp_path / "r.json").read_text())
    assert [row["sampling"] for row in report["table"] if row["task"] == "seen" and row["model"] == "face"] == [
        "pack",
        *NAMES,
    ]
    assert [one["name"] for one in report["setting"]["samplings"]] == list(NAMES)
    assert report["by_group"]["seen"]["groups"]["sex"]["female"]["identities"] == 8
    code, output = run(ROOT / "evaluation" / "protocols" / "apes" / "networks" / "weak.npz")
    assert code == 1
    assert "learned from embeddings of the pack" in output
    assert run()[0] == 0


def test_the_repository_has_one_of_each_for_its_pack() -> None:
    demo = Pack.load(Path(__file__).parents[3] / "packs" / "demo")
    assert [one.name for one in committed_samplings(demo.digest)] == list(NAMES)
