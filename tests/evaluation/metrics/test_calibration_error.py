import pytest

from evaluation.metrics.calibration_error import calibration_error


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
