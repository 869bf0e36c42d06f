"""A contact sheet shows every kind of shot of the films it is given."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from synthetic.film.sheet import choose, read_frame, write_sheet
from synthetic.film.shoot import VideoWriter

KINDS = ("talk", "wide", "talk", "small")


def _truth() -> dict[str, Any]:
    shots = [
        {
            "shot_id": f"s{k:03d}",
            "scene_id": f"scene{k // 2:02d}",
            "kind": kind,
            "start_frame": 5 * k,
            "end_frame": 5 * k + 5,
            "transition": "dissolve" if k == 3 else "cut",
        }
        for k, kind in enumerate(KINDS)
    ]
    frames = {
        "index": [7],
        "person": [[400.0, 200.0, 600.0, 700.0]],
        "head": [[450.0, 200.0, 550.0, 320.0]],
        "face": [None],
        "visibility": [1.0],
    }
    return {
        "scenes": [{"scene_id": "scene00", "dark": True}, {"scene_id": "scene01", "dark": False}],
        "shots": shots,
        "tracklets": [{"shot_id": "s001", "frames": frames}],
        "queries": [{"kind": "portrait", "path": "queries/a.jpg"}, {"kind": "text", "path": None}],
    }


@pytest.fixture
def film(tmp_path: Path) -> Path:
    (tmp_path / "queries").mkdir()
    cv2.imwrite(str(tmp_path / "queries" / "a.jpg"), np.full((64, 64, 3), 90, np.uint8))
    (tmp_path / "truth.json").write_text(json.dumps(_truth()))
    with VideoWriter(tmp_path / "film.mp4") as writer:
        for k in range(20):
            writer.add(np.full((720, 1280, 3), 10 * k, np.uint8))
    return tmp_path


def test_a_frame_is_found_by_its_number(film: Path) -> None:
    assert [round(float(read_frame(film / "film.mp4", k).mean()) / 10) for k in (0, 7, 19)] == [0, 7, 19]
    with pytest.raises(IndexError, match="ends before frame 40"):
        read_frame(film / "film.mp4", 40)


def test_all_kinds_the_dark_and_a_dissolve_are_chosen(film: Path) -> None:
    picks = choose({film: _truth()}, per_kind=2)
    assert {pick.label for pick in picks} == {"talk", "wide", "small", "dark", "dissolve"}
    assert [pick.frame for pick in picks if pick.label == "dissolve"] == [15]
    assert any(pick.boxes for pick in picks)


def test_the_sheet_is_small_enough_for_the_docs(film: Path, tmp_path: Path) -> None:
    out = tmp_path / "media" / "sheet.jpg"
    picks = write_sheet([film], out)
    picture = cv2.imread(str(out))
    assert picture is not None
    assert picture.shape[1] == 1920
    assert out.stat().st_size <= 500_000
    assert len(picks) == 6
    assert picture.shape[0] == 2 * 270 + 240


def test_a_folder_without_a_finished_film_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="run `python -m synthetic render` first"):
        write_sheet([tmp_path], tmp_path / "sheet.jpg")
    with pytest.raises(ValueError, match="got no film folder"):
        write_sheet([], tmp_path / "sheet.jpg")
