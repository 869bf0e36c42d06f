"""Faces with their points, by hand-made boxes."""

import numpy as np
import pytest

from packs.landmarks import decode_faces
from packs.preprocessing import letterbox

BOXES = np.array([[20, 20, 60, 60], [22, 22, 62, 62], [100, 20, 140, 60], [5, 5, 5, 40], [0, 100, 80, 140]], np.float32)
POINTS = np.arange(50, dtype=np.float32).reshape(5, 10)


def scores(*values: float) -> np.ndarray:
    table = np.zeros((len(values), 3), np.float32)
    table[:, 0] = values
    return table


def test_the_weaker_of_two_overlapping_goes_with_its_points() -> None:
    # An image of twice the network's size.
    fitted = letterbox(np.zeros((320, 320, 3), np.uint8), 160, 160)
    faces = decode_faces(BOXES, scores(0.7, 0.9, 0.6, 0.95, 0.2), POINTS, fitted, 0.5, 0.4)
    assert faces.scores.tolist() == pytest.approx([0.9, 0.6])
    np.testing.assert_allclose(faces.boxes, [[44, 44, 124, 124], [200, 40, 280, 120]])
    np.testing.assert_allclose(faces.points[0], 2.0 * POINTS[1].reshape(5, 2))
    np.testing.assert_allclose(faces.points[1], 2.0 * POINTS[2].reshape(5, 2))


def test_boxes_end_with_the_image_and_points_do_not() -> None:
    fitted = letterbox(np.zeros((120, 160, 3), np.uint8), 160, 160)
    points = np.full((1, 10), 150.0, np.float32)
    faces = decode_faces(BOXES[4:], scores(0.9), points, fitted, 0.5, 0.4)
    assert faces.boxes[0].tolist() == [0.0, 100.0, 80.0, 120.0]
    assert faces.points[0, 0].tolist() == [150.0, 150.0]


def test_nothing_is_found_in_nothing() -> None:
    fitted = letterbox(np.zeros((160, 160, 3), np.uint8), 160, 160)
    faces = decode_faces(BOXES, scores(0.1, 0.1, 0.1, 0.1, 0.1), POINTS, fitted, 0.5, 0.4)
    assert len(faces) == 0
    assert faces.points.shape == (0, 5, 2)


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    fitted = letterbox(np.zeros((160, 160, 3), np.uint8), 160, 160)
    with pytest.raises(ValueError, match=r"points \[N, 10\], got .*\[5, 8\]"):
        decode_faces(BOXES, scores(1, 1, 1, 1, 1), POINTS[:, :8], fitted, 0.5, 0.4)
