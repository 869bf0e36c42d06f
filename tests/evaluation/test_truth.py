import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.truth import load_film


def tracklet(name: str, frames: int, height: float = 100.0, visibility: float = 1.0) -> dict[str, object]:
    return {
        "tracklet_id": name,
        "identity_id": "c1-i0",
        "shot_id": "s0",
        "face_visible": True,
        "frames": {
            "index": list(range(10, 10 + frames)),
            "person": [[0.0, 0.0, 50.0, height]] * frames,
            "face": [[10.0, 0.0, 34.0, 30.0]] * frames,
            "visibility": [visibility] * frames,
            "face_visibility": [1.0] * frames,
            "yaw_deg": [0.0] * frames,
        },
    }


def spoken(start_s: float, tracklet_id: str | None, **more: object) -> dict[str, object]:
    row = {"start_s": start_s, "end_s": start_s + 1.0, "identity_id": "c1-i0", "tracklet_id": tracklet_id}
    return row | {"on_screen": tracklet_id is not None, "dubbed": False} | more


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    truth = {
        "schema": "synthcast/2",
        "film": {"seed": 5, "cast_seed": 1, "width": 1280, "height": 720, "fps": 25, "duration_s": 8.0},
        "identities": [{"identity_id": "c1-i0", "attributes": {"sex": "female"}}],
        "shots": [{"shot_id": "s0", "scene_id": "scene0", "start_frame": 0, "end_frame": 50}],
        "tracklets": [
            tracklet("counts", 25),
            tracklet("short", 24),
            tracklet("small", 25, height=59.0),
            tracklet("hidden", 25, visibility=0.49),
        ],
        "speech": [spoken(0.5, "counts"), spoken(2.0, None), spoken(4.0, None, dubbed=True)],
        "queries": [
            {"kind": "portrait", "identity_id": "c1-i0", "path": "queries/a.jpg"},
            {"kind": "voice", "identity_id": "c1-i0", "path": "queries/a.wav"},
            {"kind": "text", "identity_id": "c1-i0", "path": None, "text": "a woman"},
        ],
    }
    (tmp_path / "queries").mkdir()
    for name in ("a.jpg", "a.wav"):
        (tmp_path / "queries" / name).write_bytes(b"bytes")
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    return tmp_path


def edit(folder: Path, **columns: dict[int, object]) -> None:
    truth = json.loads((folder / "truth.json").read_text())
    for name, changes in columns.items():
        for row, value in changes.items():
            truth["tracklets"][0]["frames"][name][row] = value
    (folder / "truth.json").write_text(json.dumps(truth))


def test_which_tracklets_count(folder: Path) -> None:
    film = load_film(folder)
    assert {one.key.split("/")[1]: one.counts for one in film.tracklets} == {
        "counts": True,
        "short": False,
        "small": False,
        "hidden": False,
    }


def test_identities_are_named_by_cast_and_query_files_are_found(folder: Path) -> None:
    film = load_film(folder)
    assert film.tracklets[0].identity == film.portraits[0].identity == film.voices[0].identity == "cast1/c1-i0"
    assert film.attributes["cast1/c1-i0"] == {"sex": "female"}
    assert [file.path.name for file in (*film.portraits, *film.voices)] == ["a.jpg", "a.wav"]
    assert film.voices[0].path.exists()


def test_lines_stand_alone_unless_a_tracklet_speaks_them(folder: Path) -> None:
    film = load_film(folder)
    assert film.tracklets[0].scene == f"{film.name}/scene0"
    on_screen, off_screen, dubbed = film.speech
    assert on_screen.tracklet == on_screen.appearance == film.tracklets[0].key
    assert off_screen.tracklet is None
    assert off_screen.appearance == off_screen.key == f"{film.name}/speech1"
    assert (dubbed.dubbed, dubbed.identity, dubbed.span_s) == (True, "cast1/c1-i0", (4.0, 5.0))


def test_frames_in_which_nobody_can_see_the_person_leave_the_tube(folder: Path) -> None:
    edit(folder, visibility={3: 0.09, 5: 0.4}, person={4: None})
    tracklet = load_film(folder).tracklets[0]
    assert tracklet.hidden_frames.tolist() == [13, 14]
    assert np.array_equal(tracklet.tube.frames, [10, 11, 12, *range(15, 35)])
    assert np.array_equal(tracklet.clear_frames, [10, 11, 12, *range(16, 35)])


def test_a_face_is_there_where_it_is_wide_seen_and_turned_to_the_camera(folder: Path) -> None:
    edit(folder, face={0: None, 1: [10.0, 0.0, 33.9, 30.0]}, face_visibility={2: 0.69}, yaw_deg={3: -60.0, 4: 59.0})
    faces = load_film(folder).tracklets[0].faces
    assert faces.frames.tolist() == list(range(14, 35))
    assert faces.boxes[0].tolist() == [10.0, 0.0, 34.0, 30.0]


def test_another_schema_is_refused(folder: Path) -> None:
    (folder / "truth.json").write_text('{"schema": "synthcast/3"}')
    with pytest.raises(ValueError, match="synthcast/1 or synthcast/2"):
        load_film(folder)
