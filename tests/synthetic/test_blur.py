"""Motion blur keeps the light and smears along its line only."""

import numpy as np

from synthetic.blur import motion_blur


def dot() -> np.ndarray:
    picture = np.zeros((31, 31, 3), np.uint8)
    picture[15, 15] = 250
    return picture


def test_a_dot_becomes_a_stroke_of_that_length() -> None:
    along = motion_blur(dot(), 0.0, 9.0)[..., 0]
    columns = np.flatnonzero(along.sum(0) > 0)
    rows = np.flatnonzero(along.sum(1) > 0)
    assert 8 <= np.ptp(columns) <= 10
    assert np.ptp(rows) == 0
    upright = motion_blur(dot(), np.pi / 2, 9.0)[..., 0]
    np.testing.assert_allclose(upright.T.astype(int), along.astype(int), atol=2)
    assert abs(int(along.sum()) - 250) < 15


def test_a_short_stroke_changes_nothing() -> None:
    assert (motion_blur(dot(), 0.3, 1.0) == dot()).all()
