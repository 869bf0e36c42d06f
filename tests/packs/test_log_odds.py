"""A map of scores by its values at log-odds: keeps the order, leaves what is certain, follows what no curve does."""

import numpy as np
import pytest

from packs.log_odds import KNOTS, LogOddsMap, fit_log_odds


def test_the_neutral_map_changes_nothing() -> None:
    scores = np.array([0.0, 1e-5, 0.01, 0.3, 0.5, 0.99, 0.9999, 1.0])
    assert LogOddsMap().of(scores) == pytest.approx(scores)


def test_its_values_are_what_it_says_at_its_knots() -> None:
    line = LogOddsMap(values=tuple(2.0 * knot - 1.0 for knot in KNOTS))
    at = 1.0 / (1.0 + np.exp(-np.array(KNOTS)))
    assert np.log(line.of(at) / (1.0 - line.of(at))) == pytest.approx(2.0 * np.array(KNOTS) - 1.0)


def test_values_that_do_not_rise_are_refused() -> None:
    with pytest.raises(ValueError, match="rise"):
        LogOddsMap(values=(0.0,) * len(KNOTS))


def test_a_fit_follows_a_step_and_keeps_the_order() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.02, 0.98, 40_000)
    # Below 0.6 nearly nothing is right, above 0.8 nearly everything.
    right = rng.random(len(scores)) < np.interp(scores, [0.6, 0.8], [0.1, 0.9])
    found = fit_log_odds(scores, right)
    assert found.of([0.2, 0.35]) == pytest.approx([0.1, 0.1], abs=0.05)
    assert found.of([0.85, 0.95]) == pytest.approx([0.9, 0.9], abs=0.06)
    assert (np.diff(found.of(np.linspace(0.0, 1.0, 201))) > 0.0).all()


def test_a_fit_of_what_is_right_as_often_as_it_says_is_neutral() -> None:
    rng = np.random.default_rng(1)
    scores = rng.uniform(0.01, 0.99, 40_000)
    found = fit_log_odds(scores, rng.random(len(scores)) < scores)
    probes = np.linspace(0.05, 0.95, 19)
    assert found.of(probes) == pytest.approx(probes, abs=0.02)


@pytest.mark.parametrize(("scores", "right"), [([0.5], [True]), ([0.1, 0.2], [False, False]), ([0.1], [True, False])])
def test_what_cannot_be_fitted_is_refused(scores: list[float], right: list[bool]) -> None:
    with pytest.raises(ValueError, match="expected both"):
        fit_log_odds(scores, right)
