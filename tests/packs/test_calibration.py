from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from packs.calibration import Calibration, fit_platt


def test_fit_recovers_the_log_likelihood_ratio_of_two_gaussians() -> None:
    # Equal variances s^2 and means m1, m0 give slope (m1 - m0) / s^2, whatever the share of each class is.
    random = np.random.default_rng(7)
    same = random.normal(0.6, 0.15, 4000)
    different = random.normal(0.1, 0.15, 40000)
    fitted = fit_platt(np.concatenate([same, different]), np.repeat([True, False], [4000, 40000]))
    assert fitted.slope == pytest.approx(0.5 / 0.15**2, rel=0.05)
    assert fitted.probability(0.35) == pytest.approx(0.5, abs=0.03)


def test_fit_of_separable_pairs_is_finite() -> None:
    fitted = fit_platt([0.9, 0.8, 0.1, 0.0], [True, True, False, False])
    assert np.isfinite(fitted.slope)
    assert fitted.probability(0.85) > 0.6 > 0.4 > fitted.probability(0.05)


@pytest.mark.parametrize(
    ("cosines", "same", "said"),
    [
        ([0.1, 0.2], [True, True], "both classes"),
        ([0.1, 0.2], [True, False], "slope"),
        ([0.1], [True, False], "one length"),
    ],
)
def test_fit_refuses_what_cannot_be_fitted(cosines: list[float], same: list[bool], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fit_platt(cosines, same)


def test_cosine_at_inverts_probability() -> None:
    calibration = Calibration(slope=12.0, intercept=-5.0)
    assert calibration.probability(calibration.cosine_at(0.9)) == pytest.approx(0.9)
    assert calibration.probability(0.3) == pytest.approx(float(expit(12.0 * 0.3 - 5.0)))


def test_what_a_cosine_says_depends_on_quality() -> None:
    line = Calibration(slope=10.0, intercept=-4.0, slope_by_quality=8.0, intercept_by_quality=-3.5)
    assert line.logit(0.8) == pytest.approx(4.0)
    assert line.logit(0.8, 0.0) == pytest.approx(2.0 * 0.8 - 0.5)
    assert line.logit(0.8, 0.5) == pytest.approx((line.logit(0.8) + line.logit(0.8, 0.0)) / 2.0)
    # An unclear face that looks like nobody says little; a clear one says that it is somebody else.
    assert line.logit(0.1, 0.0) > -0.5 > -2.5 > line.logit(0.1, 1.0)
    cosines, qualities = np.array([[0.1, 0.8]], np.float32), np.array([[0.0, 0.5]])
    expected = [[line.logit(0.1, 0.0), line.logit(0.8, 0.5)]]
    np.testing.assert_allclose(line.logit_of(cosines, qualities), expected, rtol=1e-6)
    assert line.probability(0.8, 0.0) < line.probability(0.8)


def test_from_some_quality_on_it_says_no_more() -> None:
    line = Calibration(slope=10.0, intercept=-4.0, slope_by_quality=8.0, intercept_by_quality=-3.5)
    level = line.model_copy(update={"clear_from": 0.8})
    assert level.logit(0.6, 0.8) == level.logit(0.6, 0.9) == level.logit(0.6) == line.logit(0.6)
    assert level.logit(0.6, 0.4) == pytest.approx(line.logit(0.6, 0.5))
    assert level.logit(0.6, 0.0) == line.logit(0.6, 0.0)
    qualities = np.array([0.0, 0.4, 0.8, 1.0])
    expected = [level.logit(0.6, quality) for quality in qualities]
    np.testing.assert_allclose(level.logit_of(np.full(4, 0.6), qualities), expected, rtol=1e-9)
    with pytest.raises(ValueError, match="clear_from"):
        Calibration(slope=5.0, intercept=-1.0, clear_from=0.0)


def test_quality_never_turns_likeness_into_a_reason_against() -> None:
    with pytest.raises(ValueError, match="slope_by_quality"):
        Calibration(slope=5.0, intercept=-1.0, slope_by_quality=5.5)
