"""The command line: kept read-backs, data sets, and what it says of the wrong ones."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from evaluation.cli import app
from evaluation.datasets.store import write_search
from evaluation.datasets.tracklets import CastSearch

MadeSearch = Callable[..., CastSearch]
FACTS = {"films": {}, "pack": {"name": "demo", "version": "0", "digest": "0" * 64}}


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["run", *(str(one) for one in arguments)], env={"COLUMNS": "200"})


@pytest.fixture
def kept(made_search: MadeSearch, tmp_path: Path) -> Path:
    path = tmp_path / "kept.npz"
    write_search(path, made_search(people=3, each=8), FACTS)
    return path


@pytest.mark.parametrize("protocol", ["csm", "apes", "iqiyi"])
def test_a_kept_read_back_runs_without_a_stack(kept: Path, tmp_path: Path, protocol: str) -> None:
    out = tmp_path / "deep" / "result.json"
    page = tmp_path / "page.md"
    done = run(
        "--protocol", protocol, "--appearances", kept, "--json", out, "--markdown", page, "--plots", tmp_path / "p"
    )
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text())
    assert (report["protocol"], report["schema"]) == (protocol, "personsearch-protocols/1")
    assert report["setting"]["pack"]["digest"] == "0" * 64
    assert report["setting"]["calibration_of"]["name"] == "demo"
    assert page.read_text().startswith(f"# Protocol `{protocol}`")
    assert "(p/" in page.read_text()


def test_films_that_a_kept_file_does_not_hold_are_told(kept: Path, tmp_path: Path) -> None:
    film = tmp_path / "s1"
    film.mkdir()
    (film / "truth.json").write_text("{}")
    done = run("--protocol", "csm", "--appearances", kept, "--films", film, "--json", tmp_path / "r.json")
    assert done.exit_code == 1
    assert "holds other films than ['s1']" in done.output


def test_nothing_to_measure_is_told(tmp_path: Path) -> None:
    done = run("--protocol", "csm", "--json", tmp_path / "r.json")
    assert done.exit_code == 1
    assert "give --films, --data, or --appearances" in done.output
    assert run("--json", tmp_path / "r.json").exit_code == 2
    assert run("--protocol", "other", "--json", tmp_path / "r.json").exit_code == 2


def test_a_data_set_without_embeddings_says_what_to_embed(tmp_path: Path) -> None:
    data = tmp_path / "wider"
    data.mkdir()
    cast = [{"id": "m_a", "img": "a.jpg", "label": "a"}, {"id": "m_b", "img": "b.jpg", "label": "b"}]
    candidates = [
        {"id": f"m_{number}", "img": f"{number}.jpg", "bbox": [0, 0, 1, 2], "label": "ab"[number % 2]}
        for number in range(6)
    ]
    (data / "val.json").write_text(json.dumps({"m": {"cast": cast, "candidates": candidates}}))
    out = tmp_path / "r.json"
    done = run("--protocol", "csm", "--data", data, "--json", out)
    assert done.exit_code == 1
    assert "embed 6 tracklets and 2 queries" in done.output
    ids = [one["id"] for one in [*cast, *candidates]]
    faces = np.eye(2)[[0, 1, 0, 1, 0, 1, 0, 1]]
    np.savez(tmp_path / "made.npz", ids=np.array(ids), **{"face.vectors": faces})
    done = run("--protocol", "csm", "--data", data, "--embeddings", tmp_path / "made.npz", "--json", out)
    assert done.exit_code == 0, done.output
    assert json.loads(out.read_text())["map_all"]["face_only"] == 1.0


def test_apes_takes_several_trainings(tmp_path: Path) -> None:
    data = tmp_path / "apes"
    data.mkdir()
    names = [f"v1_{number}" for number in range(6)]
    rows = [f"{name},v1,{number % 2}" for number, name in enumerate(names)]
    (data / "APES-val.csv").write_text("\n".join(["entity_id,video_id,identity", *rows]))
    ava = [f"v1,{number}.0,0,0,1,1,SPEAKING_AUDIBLE,v1:{number}" for number in range(6)]
    (data / "ava_activespeaker_val.csv").write_text("\n".join(ava))
    ids = np.array([f"v1:{number}" for number in range(6)])
    for name, vectors in (("weak", np.ones((6, 2))), ("within", np.eye(2)[[0, 1] * 3])):
        np.savez(tmp_path / f"{name}.npz", ids=ids, **{"face.vectors": vectors, "voice.vectors": vectors})
    made = ("--embeddings", tmp_path / "weak.npz", "--embeddings", tmp_path / "within.npz")
    done = run("--protocol", "apes", "--data", data, *made, "--json", tmp_path / "r.json")
    assert done.exit_code == 0, done.output
    table = json.loads((tmp_path / "r.json").read_text())["table"]
    maps = {(row["task"], row["model"], row["sampling"]): row["map"] for row in table}
    assert maps["seen and heard", "voice", "Within"] == 1.0
    assert maps["seen", "face", "Weak"] == maps["seen", "random", "-"]


def test_iqiyi_runs_on_its_features(tmp_path: Path) -> None:
    data = tmp_path / "iqiyi"
    data.mkdir()
    (data / "train_gt.txt").write_text("t1 7\nt2 8\n")
    (data / "val_gt.txt").write_text("7 v1\n8 v2\n0 v3\n")
    for split, vectors in (("train", {"t1": [1, 0, 0], "t2": [0, 1, 0]}),):
        (data / f"audio_{split}.pickle").write_bytes(pickle.dumps(arrays(vectors), protocol=2))
    val = {"v1": [1, 0.1, 0], "v2": [0, 1, 0.1], "v3": [0, 0, 1]}
    (data / "audio_val.pickle").write_bytes(pickle.dumps(arrays(val), protocol=2))
    done = run("--protocol", "iqiyi", "--data", data, "--json", tmp_path / "r.json")
    assert done.exit_code == 0, done.output
    rows = {row["name"]: row["map"] for row in json.loads((tmp_path / "r.json").read_text())["table"]}
    assert rows["voice alone"] == 1.0
    (data / "audio_val.pickle").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    done = run("--protocol", "iqiyi", "--data", data, "--json", tmp_path / "r.json")
    assert done.exit_code == 1
    assert "it asks for posix.system" in done.output
    assert run("--protocol", "iqiyi", "--data", tmp_path, "--json", tmp_path / "r.json").exit_code == 1


def arrays(vectors: dict[str, list[float]]) -> dict[str, np.ndarray]:
    return {name: np.array(vector, np.float16) for name, vector in vectors.items()}


def test_data_and_films_are_not_mixed(kept: Path, tmp_path: Path) -> None:
    film = tmp_path / "s1"
    film.mkdir()
    done = run("--protocol", "csm", "--data", tmp_path, "--films", film, "--json", tmp_path / "r.json")
    assert done.exit_code == 2
