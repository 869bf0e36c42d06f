"""Fixed cameras: people walk from one to the next, the clocks differ, the clothes do not."""

import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from synthetic.film.acting import gait_at
from synthetic.film.script import FilmSpec
from synthetic.film.site import MOST_AT_ONCE, plan_site, plan_visits
from synthetic.film.surveil import render_site

SPEC = FilmSpec(7, 7, 10, 4.0)


def test_nobody_is_in_two_places_and_gaps_lie_between() -> None:
    visits = plan_visits(SPEC, 4)
    cameras = []
    for person in range(10):
        mine = [visit for visit in visits if visit.person == person]
        cameras.append(len({visit.camera for visit in mine}))
        for a, b in pairwise(mine):
            assert b.start_s - a.end_s >= 2.9
    assert min(cameras) >= 2
    for visit in visits:
        together = [v for v in visits if v.camera == visit.camera and v.start_s <= visit.start_s < v.end_s]
        assert len(together) <= MOST_AT_ONCE


def test_the_cameras_share_site_and_clothes_but_neither_room_nor_clock() -> None:
    films = plan_site(SPEC, 4)
    assert [film.where.camera_id for film in films] == ["cam0", "cam1", "cam2", "cam3"]
    assert len({film.where.site for film in films}) == 1
    assert all(film.script.scenes[0].outfits == films[0].script.scenes[0].outfits for film in films)
    assert len({film.take.room.half_width for film in films}) == 4
    offsets = [film.where.clock_offset_s or 0.0 for film in films]
    assert len(set(offsets)) == 4
    assert max(map(abs, offsets)) <= 2
    clocks = [datetime.fromisoformat(str(film.where.recorded_at)) for film in films]
    for clock, offset in zip(clocks, offsets, strict=True):
        assert (clock - clocks[0]).total_seconds() == pytest.approx(offset - offsets[0], abs=0.002)


def test_people_of_a_site_come_from_outside_the_frame_and_stay_in_the_room() -> None:
    for film in plan_site(SPEC, 4):
        take = film.take
        for role in take.roles:
            person = film.script.cast[role.person]
            for t in np.linspace(*role.present, 30):
                gait = gait_at(role, person, float(t))
                assert abs(gait.x) < take.room.half_width
                assert abs(gait.z) < take.room.half_depth
            at = take.camera.project(np.array([[role.x, 1.0, role.z]], np.float32))[0]
            assert not 0 <= at[0] <= 1280


def test_a_site_without_cameras_is_refused() -> None:
    with pytest.raises(ValueError, match="got 0 cameras, need at least 1"):
        plan_site(SPEC, 0)


def test_each_camera_gives_a_film_folder_that_is_left_alone_when_done(drawable: None, tmp_path: Path) -> None:
    spec = FilmSpec(2, 2, 2, 1.0 / 60)
    truths = render_site(spec, 2, tmp_path, portraits=1)
    facts = [json.loads(path.read_text())["film"] for path in truths]
    assert [fact["camera_id"] for fact in facts] == ["cam0", "cam1"]
    written = [path.stat().st_mtime_ns for path in truths]
    seen: list[tuple[int, int]] = []
    render_site(spec, 2, tmp_path, portraits=1, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(25, 50), (50, 50)]
    assert [path.stat().st_mtime_ns for path in truths] == written
