"""Faces set upright by five points."""

import numpy as np
import pytest

from packs.alignment import PLACES, align_face, similarity
from packs.preprocessing import prepare_crop
from packs.spec import Preprocessing


def test_the_places_themselves_stay_where_they_are() -> None:
    np.testing.assert_allclose(similarity(PLACES, PLACES), [[1, 0, 0], [0, 1, 0]], atol=1e-6)
    image = np.random.default_rng(0).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    np.testing.assert_array_equal(align_face(image, PLACES), image)


@pytest.mark.parametrize(("degrees", "scale"), [(0.0, 2.0), (35.0, 0.5), (-120.0, 1.3), (180.0, 4.0)])
def test_turning_scaling_and_moving_are_undone(degrees: float, scale: float) -> None:
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = PLACES @ turn.T + [30.0, -12.0]
    back = similarity(points, PLACES)
    np.testing.assert_allclose(points @ back[:, :2].T + back[:, 2], PLACES, atol=1e-4)


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    matrix = similarity(PLACES * [-1.0, 1.0] + [112.0, 0.0], PLACES)
    assert np.linalg.det(matrix[:, :2]) > 0.0


def test_it_is_the_best_that_turning_scaling_and_moving_can_do() -> None:
    rng = np.random.default_rng(3)
    points = PLACES + rng.normal(0.0, 4.0, PLACES.shape)
    matrix = similarity(points, PLACES)

    def error(a: float, b: float, x: float, y: float) -> float:
        return float(np.square(points @ np.array([[a, b], [-b, a]]) + [x, y] - PLACES).sum())

    best = (matrix[0, 0], matrix[1, 0], matrix[0, 2], matrix[1, 2])
    least = error(*best)
    for step in 1e-3 * rng.standard_normal((200, 4)):
        assert error(*(np.array(best) + step)) >= least


def test_a_larger_crop_has_larger_places() -> None:
    image = np.zeros((300, 300, 3), np.uint8)
    image[:, :] = 9
    crop = align_face(image, PLACES * 2.0, side=224)
    assert crop.shape == (224, 224, 3)
    assert (crop == 9).all()


@pytest.mark.parametrize(
    ("points", "told"),
    [
        (np.zeros((4, 2)), "expected finite points"),
        (np.full((5, 2), np.nan), "expected finite points"),
        (np.full((5, 2), 7.0), "all points of the face lie at one place"),
    ],
)
def test_what_is_no_face_is_refused(points: np.ndarray, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        align_face(np.zeros((8, 8, 3), np.uint8), points)


def test_an_aligned_network_takes_no_box() -> None:
    how = Preprocessing(kind="aligned", height=112, width=112)
    with pytest.raises(ValueError, match="five points, not its box"):
        prepare_crop(np.zeros((8, 8, 3), np.uint8), (0.0, 0.0, 4.0, 4.0), how)
    with pytest.raises(ValueError, match="kind aligned needs height == width"):
        Preprocessing(kind="aligned", height=112, width=96)
