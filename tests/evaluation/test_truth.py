import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.truth import load_film


def tracklet(name: str, frames: int, height: float = 100.0, visibility: float = 1.0) -> dict[str, object]:
    return {
        "tracklet_id": name,
        "identity_id": "c1-i0",
        "face_visible": True,
        "frames": {
            "index": list(range(10, 10 + frames)),
            "person": [[0.0, 0.0, 50.0, height]] * frames,
            "visibility": [visibility] * frames,
        },
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    truth = {
        "schema": "synthcast/1",
        "film": {"seed": 5, "cast_seed": 1, "width": 1280, "height": 720, "fps": 25, "duration_s": 8.0},
        "identities": [{"identity_id": "c1-i0", "attributes": {"sex": "female"}}],
        "tracklets": [
            tracklet("counts", 25),
            tracklet("short", 24),
            tracklet("small", 25, height=59.0),
            tracklet("hidden", 25, visibility=0.49),
        ],
        "queries": [{"kind": "portrait", "identity_id": "c1-i0", "path": "queries/a.jpg"}, {"kind": "voice"}],
    }
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "a.jpg").write_bytes(b"jpeg")
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    return tmp_path


def test_which_tracklets_count(folder: Path) -> None:
    film = load_film(folder)
    assert {one.key.split("/")[1]: one.counts for one in film.tracklets} == {
        "counts": True,
        "short": False,
        "small": False,
        "hidden": False,
    }


def test_identities_are_named_by_cast_and_portraits_are_found(folder: Path) -> None:
    film = load_film(folder)
    assert film.tracklets[0].identity == film.portraits[0].identity == "cast1/c1-i0"
    assert film.attributes["cast1/c1-i0"] == {"sex": "female"}
    assert [portrait.path.name for portrait in film.portraits] == ["a.jpg"]
    assert film.portraits[0].path.exists()


def test_frames_in_which_nobody_can_see_the_person_leave_the_tube(folder: Path) -> None:
    truth = json.loads((folder / "truth.json").read_text())
    truth["tracklets"][0]["frames"]["visibility"][3] = 0.09
    truth["tracklets"][0]["frames"]["person"][4] = None
    (folder / "truth.json").write_text(json.dumps(truth))
    tracklet = load_film(folder).tracklets[0]
    assert tracklet.hidden_frames.tolist() == [13, 14]
    assert np.array_equal(tracklet.tube.frames, [10, 11, 12, *range(15, 35)])


def test_another_schema_is_refused(folder: Path) -> None:
    (folder / "truth.json").write_text('{"schema": "synthcast/2"}')
    with pytest.raises(ValueError, match="synthcast/1"):
        load_film(folder)
