"""People stand where the camera sees them, and move inside the room."""

import numpy as np
import pytest

from synthetic.film.acting import CLOSED, MouthShape, gait_at, pose_at
from synthetic.film.blocking import block_shot
from synthetic.film.roles import Role, walk
from synthetic.film.script import FPS, FilmSpec, Script, write_script
from synthetic.identity import make_identity


@pytest.fixture(scope="module")
def script() -> Script:
    return write_script(FilmSpec(5, 5, 10, 3.0))


def _turned(role: Role, heading: float, eye: tuple[float, float, float]) -> float:
    toward = np.arctan2(eye[0] - role.x, eye[2] - role.z)
    return float(np.degrees(abs((heading - toward + np.pi) % (2 * np.pi) - np.pi)))


def test_cameras_and_people_stay_inside_the_room(script: Script) -> None:
    for shot in script.shots:
        take = block_shot(script, shot)
        assert [role.person for role in take.roles] == list(shot.people)
        for frame in (0, shot.end - shot.start - 1):
            eye = take.camera_at(frame).eye
            assert abs(eye[0]) < take.room.half_width
            assert abs(eye[2]) < take.room.half_depth
            for role in take.roles:
                gait = gait_at(role, script.cast[role.person], frame / FPS)
                assert abs(gait.x) < take.room.half_width
                assert abs(gait.z) < take.room.half_depth


def test_who_must_be_shown_faces_the_camera_and_stands(script: Script) -> None:
    shown = 0
    for shot in script.shots:
        take = block_shot(script, shot)
        for role in take.roles:
            if role.person in shot.shown:
                shown += 1
                assert not role.path
                assert _turned(role, role.heading, take.camera.eye) < 56
    assert shown == 10


def test_speakers_stay_in_the_frame_and_mostly_face_the_camera(script: Script) -> None:
    turned = []
    for shot in script.shots:
        if shot.kind == "behind":
            continue
        take = block_shot(script, shot, frozenset(shot.people))
        assert all(not role.path and role.chew_hz == 0 for role in take.roles)
        turned += [_turned(role, role.heading, take.camera.eye) for role in take.roles]
    assert 0.6 < np.mean(np.array(turned) < 60) < 0.98


def test_silent_people_chew_now_and_then_whatever_is_said(script: Script) -> None:
    roles = [role for shot in script.shots for role in block_shot(script, shot).roles]
    chewing = [role for role in roles if role.chew_hz > 0]
    assert 0.1 < len(chewing) / len(roles) < 0.35
    role, person = chewing[0], script.cast[chewing[0].person]
    jaws = np.array([pose_at(role, person, k / FPS, 5.0, CLOSED).mouth_open for k in range(5 * FPS)])
    assert jaws.max() > 0.05
    crossings = np.count_nonzero(np.diff(np.sign(jaws - jaws[jaws > 0].mean())))
    assert crossings / 2 / 5.0 > 1.0
    assert pose_at(role, person, 0.0, 5.0, MouthShape(jaw=0.8)).mouth_open == pytest.approx(0.8)


def test_about_a_third_of_the_shots_move_the_camera() -> None:
    takes = [block_shot(s, shot) for s in (write_script(FilmSpec(k, k, 12, 5.0)) for k in (1, 2)) for shot in s.shots]
    moving = [take for take in takes if not take.still]
    assert 0.22 < len(moving) / len(takes) < 0.45
    assert {take.move.kind for take in moving} == {"pan", "zoom", "hand", "dolly"}
    for take in moving:
        assert take.camera_at(0) != take.camera_at(take.shot.end - take.shot.start - 1)
    still = next(take for take in takes if take.still)
    assert still.camera_at(40) is still.camera


def test_a_path_is_walked_at_its_pace_and_ends_standing() -> None:
    person = make_identity(1, 0)
    role = walk(Role(0, 0.0, 0.0, 0.5, heading_to=1.0), [(0.0, 0.0), (0.0, -2.0)], 1.0, 1.0)
    before, middle, after = (gait_at(role, person, t) for t in (0.0, 2.0, 4.0))
    assert (before.z, before.stride, before.heading) == (0.0, 0.0, 0.5)
    assert middle.z == pytest.approx(-1.0)
    assert middle.stride > 0.5
    assert abs(abs(middle.heading) - np.pi) < 0.01
    assert (after.z, after.stride) == (-2.0, 0.0)
    assert (after.heading - 1.0) % (2 * np.pi) == pytest.approx(0.0, abs=1e-6)
