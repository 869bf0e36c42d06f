"""Heads, poses and the camera, without drawing."""

import dataclasses

import numpy as np
import pytest

from synthetic.body import plain
from synthetic.camera import Camera
from synthetic.head_asset import COARSE, build_head
from synthetic.identity import make_identity
from synthetic.mesh_batch import VERTEX_FLOATS, MeshBatch
from synthetic.pose import Pose, head_height_m, rotation, solve


def test_a_head_is_closed_and_its_normals_point_outwards() -> None:
    head = build_head(make_identity(1, 0), COARSE)
    np.testing.assert_allclose(head.surface[:, 0], head.surface[:, -1], atol=1e-5)
    points, normals = head.vertices[:, :3], head.vertices[:, 3:6]
    assert np.mean((points * normals).sum(1) > 0) > 0.97
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-3)


def test_shape_parameters_move_the_face() -> None:
    person = make_identity(1, 0)
    wide = dataclasses.replace(person, shape=dataclasses.replace(person.shape, head_width=2.0))
    narrow = dataclasses.replace(person, shape=dataclasses.replace(person.shape, head_width=-2.0))
    assert np.ptp(build_head(wide, COARSE).surface[..., 0]) > np.ptp(build_head(narrow, COARSE).surface[..., 0]) * 1.05


def test_the_nose_is_in_front() -> None:
    head = build_head(make_identity(1, 3), COARSE)
    tip = head.surface.reshape(-1, 3)[head.surface[..., 2].argmax()]
    assert abs(tip[0]) < 0.1
    assert -0.5 < tip[1] < 0.1


def test_standing_feet_are_on_the_floor_and_the_head_at_its_height() -> None:
    person = make_identity(1, 2)
    bones = solve(person, Pose(1.0, -2.0, 0.4))
    assert bones.head[1, 3] == pytest.approx(head_height_m(person), abs=0.02)
    assert all(0.02 < ankle[1] < 0.12 for ankle in bones.ankles)
    assert np.hypot(bones.pelvis[0] - 1, bones.pelvis[2] + 2) < 0.01


def test_heading_turns_the_face() -> None:
    bones = solve(make_identity(1, 2), Pose(0, 0, heading=np.pi / 2))
    np.testing.assert_allclose(bones.head[:3, 2] / np.linalg.norm(bones.head[:3, 2]), [1, 0, 0], atol=1e-2)


def test_a_rotation_keeps_lengths() -> None:
    turn = rotation(0.3, -0.2, 0.7)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-5)


def test_the_target_falls_in_the_middle_and_up_is_up() -> None:
    camera = Camera((0, 1.5, 4), (0, 1.0, 0), 900)
    at = camera.project(np.array([[0, 1.0, 0], [0, 1.5, 0], [0.5, 1.0, 0]], np.float32))
    np.testing.assert_allclose(at[0, :2], [640, 360], atol=0.01)
    assert at[1, 1] < 360 < 640 < at[2, 0]


def test_shapes_of_a_batch_are_collected_with_valid_triangles() -> None:
    batch = MeshBatch()
    cloth = plain((0.5, 0.5, 0.5))
    batch.tube((0, 0, 0), (0, 1, 0), 0.1, 0.05, cloth, 0.1)
    batch.box((1, 0, 0), (0.1, 0.2, 0.3), cloth, np.eye(3, dtype=np.float32))
    vertices, index = batch.arrays()
    assert vertices.shape[1] == VERTEX_FLOATS
    assert index.min() == 0
    assert index.max() == len(vertices) - 1
    assert np.isfinite(vertices).all()


def test_an_empty_batch_is_empty() -> None:
    vertices, index = MeshBatch().arrays()
    assert len(vertices) == len(index) == 0
