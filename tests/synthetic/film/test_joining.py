"""Pieces of a film follow each other without a gap, and dissolves blend the pictures of two shots."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from synthetic.film.joining import blend_dissolves, dissolve_file, pieces
from synthetic.film.script import FilmSpec, Script, write_script
from synthetic.film.sheet import read_frame
from synthetic.film.shoot import span_of, still_file


@pytest.fixture
def script() -> Script:
    plain = write_script(FilmSpec(3, 3, 2, 4.8 / 60))
    return replace(plain, shots=(plain.shots[0], replace(plain.shots[1], transition="dissolve", transition_frames=8)))


def test_pieces_cover_every_frame_once(script: Script, tmp_path: Path) -> None:
    parts = pieces(script, tmp_path)
    assert [start for _, start, _ in parts] == [0, 56, 64]
    assert [end for _, _, end in parts] == [56, 64, 120]


def test_both_shots_draw_the_frames_of_their_dissolve(script: Script) -> None:
    first, second = (span_of(script, shot) for shot in script.shots)
    assert (first.first, first.start, first.end, first.last) == (0, 0, 56, 64)
    assert (second.first, second.start, second.end, second.last) == (56, 64, 120, 120)


def test_a_dissolve_goes_from_one_picture_to_the_other(script: Script, tmp_path: Path) -> None:
    for shot, grey in zip(script.shots, (40, 200), strict=True):
        for frame in range(56, 64):
            cv2.imwrite(str(still_file(tmp_path, shot, frame)), np.full((720, 1280, 3), grey, np.uint8))
    blend_dissolves(script, tmp_path)
    video = dissolve_file(tmp_path, script.shots[1])
    levels = [float(read_frame(video, k).mean()) for k in range(8)]
    assert levels == pytest.approx([40 + 160 * (k + 0.5) / 8 for k in range(8)], abs=3)


def test_a_lost_picture_is_named(script: Script, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"s000-000056\.jpg is missing"):
        blend_dissolves(script, tmp_path)
