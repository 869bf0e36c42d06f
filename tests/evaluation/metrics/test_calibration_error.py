import numpy as np
import pytest

from evaluation.metrics.calibration_error import calibration_error, calibration_estimate


def test_perfect_scores_have_no_error() -> None:
    assert calibration_error([1.0, 1.0, 0.0], [True, True, False]) == 0.0
    assert calibration_error([0.25] * 4, [True, False, False, False]) == pytest.approx(0.0)


def test_hand_made_error() -> None:
    # Bin [0.9, 1]: mean 0.95, half right, 2 of 4 hits; bin [0, 0.1): mean 0.05, none right.
    assert calibration_error([0.95, 0.95, 0.05, 0.05], [True, False, False, False]) == pytest.approx(0.25)


def test_no_hits_no_error_and_uneven_input_is_refused() -> None:
    assert calibration_error([], []) == 0.0
    with pytest.raises(ValueError, match="labels"):
        calibration_error([0.5], [])


def test_an_interval_over_people_lies_around_the_same_figure() -> None:
    random = np.random.default_rng(0)
    scores = random.random(400)
    right = random.random(400) < scores**2
    people = random.integers(20, size=400).astype(str)
    found = calibration_estimate(scores.tolist(), right.tolist(), people.tolist())
    assert found is not None
    assert found.value == pytest.approx(calibration_error(scores.tolist(), right.tolist()))
    assert 0.0 < found.interval[0] < found.interval[1] < 1.0
    assert found.count == 20
    alone = calibration_estimate([0.95, 0.95, 0.05, 0.05], [True, False, False, False], ["a"] * 4)
    assert alone is not None
    assert alone.interval == (pytest.approx(0.25), pytest.approx(0.25))
    assert calibration_estimate([], [], []) is None
