"""What is drawn agrees with what the truth says of it."""

import dataclasses

import numpy as np
import pytest

from synthetic.body import PART_BODY, PART_FACE, Actor
from synthetic.camera import Camera
from synthetic.identity import make_identity
from synthetic.outfit import make_outfit
from synthetic.pose import Pose
from synthetic.renderer import MAX_ACTORS, Drawn, Renderer
from synthetic.room import make_light, make_room
from synthetic.truth import Box, observe
from synthetic.types import generator

CAMERA = Camera((0, 1.6, 4.0), (0, 1.0, 0), 420, 640, 360)


def actor(index: int, x: float, z: float, heading: float = 0.0, **more: float) -> Actor:
    person = make_identity(21, index)
    return Actor(person, make_outfit(person, 0, index % 4), Pose(x, z, heading, **more))


def draw(renderer: Renderer, *actors: Actor, still: bool = False) -> Drawn:
    rng = generator(1, 2)
    return renderer.draw(CAMERA, make_room(rng, 4, 4), make_light(rng), list(actors), still=still)


def holds(box: Box | None, mask: np.ndarray, slack: float = 3.0) -> bool:
    """Whether the pixels of a half-resolution mask lie inside a box of the frame."""
    rows, columns = np.nonzero(mask)
    assert box is not None
    inside_x = box[0] - slack <= 2 * columns.min() and 2 * columns.max() <= box[2] + slack
    return bool(inside_x and box[1] - slack <= 2 * rows.min() and 2 * rows.max() <= box[3] + slack)


def test_boxes_hold_the_drawn_pixels_and_no_more(renderer: Renderer) -> None:
    crowd = [actor(k, -1.2 + 0.8 * k, -0.3 * k, heading=1.1 * k, stride=0.5 * (k % 2), phase=1.0) for k in range(4)]
    drawn = draw(renderer, *crowd)
    for slot, seen in enumerate(observe(CAMERA, drawn)):
        mine = (drawn.ids >> 2 == slot) & (drawn.ids > 0)
        assert holds(seen.person, mine)
        assert holds(seen.head, mine & (drawn.ids % 4 != PART_BODY))
        assert drawn.cover is not None
        rows, columns = np.nonzero(drawn.cover[..., slot])
        np.testing.assert_allclose(
            seen.person, [2 * columns.min(), 2 * rows.min(), 2 * columns.max() + 2, 2 * rows.max() + 2], atol=5
        )
        if seen.face is not None and (drawn.ids == slot * 4 + PART_FACE).any():
            assert holds(seen.face, drawn.ids == slot * 4 + PART_FACE)


def test_alone_is_fully_visible_and_hidden_is_not(renderer: Renderer) -> None:
    alone = observe(CAMERA, draw(renderer, actor(0, 0, 0)))[0]
    assert alone.visibility > 0.97
    assert alone.face_visibility > 0.9
    front, back = observe(CAMERA, draw(renderer, actor(1, 0, 1.0), actor(0, 0, -0.5)))
    assert front.visibility > 0.97
    assert back.visibility < 0.5


@pytest.mark.parametrize(
    ("heading", "yaw", "has_face"), [(0.0, 0, True), (0.6, 34, True), (np.pi, 180, False), (1.5, 86, False)]
)
def test_yaw_is_told_and_a_face_turned_away_has_no_box(
    renderer: Renderer, heading: float, yaw: float, has_face: bool
) -> None:
    seen = observe(CAMERA, draw(renderer, actor(0, 0, 0, heading=heading)))[0]
    assert abs(seen.yaw_deg) == pytest.approx(yaw, abs=4)
    assert (seen.face is not None) == has_face


def test_who_is_outside_the_frame_has_no_boxes(renderer: Renderer) -> None:
    seen = observe(CAMERA, draw(renderer, actor(0, 9.0, 0), actor(1, 0, 0)))[0]
    assert seen.person is None
    assert seen.face is None


def test_two_people_look_different_and_one_looks_the_same_twice(renderer: Renderer) -> None:
    first, again, other = (draw(renderer, actor(k, 0, 2.6)).image.astype(int) for k in (0, 0, 1))
    assert np.array_equal(first, again)
    assert np.abs(first - other).mean() > 3


def test_a_still_camera_draws_the_same_people(renderer: Renderer) -> None:
    moving, still = (draw(renderer, actor(0, 0, 0), still=flag) for flag in (False, True))
    assert np.array_equal(moving.ids, still.ids)
    assert np.abs(moving.image.astype(int) - still.image).mean() < 2


def test_nobody_stays_behind_when_people_move_before_a_still_camera(renderer: Renderer) -> None:
    room, light = make_room(generator(1, 2), 4, 4), make_light(generator(1, 3))
    before, after = (renderer.draw(CAMERA, room, light, [actor(0, x, 0)], still=True) for x in (-1.0, 1.0))
    afresh = renderer.draw(CAMERA, room, light, [actor(0, 1.0, 0)])
    assert np.array_equal(after.ids, afresh.ids)
    left = np.repeat(np.repeat(before.ids > 0, 2, 0), 2, 1)
    assert left.sum() > 5000
    assert np.abs(after.image.astype(int) - afresh.image)[left].max() <= 2
    assert after.cover is not None
    assert afresh.cover is not None
    assert np.array_equal(after.cover, afresh.cover)


def test_a_seated_person_has_a_chair_that_is_nobody(renderer: Renderer) -> None:
    seated = actor(0, 0, 0, sit=1.0)
    drawn = draw(renderer, dataclasses.replace(seated, chair=True))
    assert set(np.unique(drawn.ids)) <= {0, 1, 2, 3}
    assert observe(CAMERA, drawn)[0].person == observe(CAMERA, draw(renderer, seated))[0].person


def test_an_empty_room_can_be_drawn(renderer: Renderer) -> None:
    drawn = draw(renderer)
    assert drawn.ids.max() == 0
    assert drawn.image.std() > 5


def test_too_many_people_are_refused(renderer: Renderer) -> None:
    with pytest.raises(ValueError, match=f"holds {MAX_ACTORS}"):
        draw(renderer, *[actor(k, 0, 0) for k in range(MAX_ACTORS + 1)])


def test_a_full_frame_tells_all_its_people_apart(renderer: Renderer) -> None:
    drawn = draw(renderer, *[actor(k, -2.2 + 0.4 * k, -0.5 * (k % 3)) for k in range(MAX_ACTORS)])
    assert drawn.cover is not None
    assert drawn.cover.shape == (180, 320, MAX_ACTORS)
    assert all(seen.visibility > 0.1 for seen in observe(CAMERA, drawn))
    rows, columns = np.nonzero(drawn.ids)
    owners = drawn.ids[rows, columns] >> 2
    assert set(owners.tolist()) == set(range(MAX_ACTORS))
    # Ids and coverage are sampled half a pixel apart, so outlines differ by a few samples.
    assert np.mean(drawn.cover[rows, columns, owners] > 0) > 0.98


@pytest.mark.parametrize(
    ("jaw", "wide", "press"), [(0.8, 0.0, 0.0), (0.4, 1.0, 0.0), (0.4, -1.0, 0.0), (0.0, 0.0, 1.0)]
)
def test_a_viseme_changes_the_mouth_of_a_small_face_and_only_it(
    renderer: Renderer, jaw: float, wide: float, press: float
) -> None:
    """At a face of 40 px; spread and rounded lips are told from an open mouth, pressed ones from a closed one."""
    poses = ({"mouth_open": jaw if wide else 0.0}, {"mouth_open": jaw, "mouth_wide": wide, "mouth_press": press})
    rest, moved = (draw(renderer, actor(3, 0, 2.3, **pose)) for pose in poses)
    change = np.abs(rest.image.astype(int) - moved.image).max(-1)
    face = observe(CAMERA, rest)[0].face
    assert face is not None
    x0, y0, x1, y1 = (round(v) for v in face)
    assert 34 <= x1 - x0 <= 46
    middle = y0 + (y1 - y0) // 2
    assert np.count_nonzero(change[middle:y1, x0:x1] > 12) >= 12
    assert change[:middle].max() <= 2
