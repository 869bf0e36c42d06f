"""Beta calibration: keeps the order, leaves what is certain, and finds the map that made some labels."""

import numpy as np
import pytest

from packs.beta import BetaCalibration, fit_beta


def test_the_neutral_map_changes_nothing() -> None:
    scores = np.array([0.0, 0.01, 0.3, 0.5, 0.99, 1.0])
    assert BetaCalibration().of(scores) == pytest.approx(scores)


def test_the_formula_of_the_paper() -> None:
    line = BetaCalibration(a=2.0, b=0.5, c=0.25)
    logit = 2.0 * np.log(0.3) - 0.5 * np.log(0.7) + 0.25
    assert line.of(0.3) == pytest.approx(1.0 / (1.0 + np.exp(-logit)))


@pytest.mark.parametrize("line", [BetaCalibration(a=2.2, b=0.6, c=0.7), BetaCalibration(a=0.0, b=0.5, c=1.0)])
def test_it_keeps_the_order_and_what_is_certain(line: BetaCalibration) -> None:
    mapped = line.of(np.linspace(0.0, 1.0, 101))
    assert (np.diff(mapped) >= 0.0).all()
    assert (mapped[0], mapped[-1]) == (0.0, 1.0)


def test_a_fit_finds_the_map_that_made_the_labels() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.02, 0.98, 40_000)
    made = BetaCalibration(a=1.8, b=0.7, c=-0.4)
    right = rng.random(len(scores)) < made.of(scores)
    found = fit_beta(scores, right)
    probes = np.linspace(0.05, 0.95, 19)
    assert found.of(probes) == pytest.approx(made.of(probes), abs=0.02)


def test_a_fit_does_not_turn_the_order_round() -> None:
    rng = np.random.default_rng(1)
    scores = rng.uniform(0.05, 0.95, 4000)
    found = fit_beta(scores, rng.random(4000) < 1.0 - scores)
    assert found.a == found.b == 0.0
    assert found.of(0.2) == pytest.approx(float(found.of(0.8)))


def test_what_counts_twice_is_as_if_it_were_there_twice() -> None:
    scores, right = np.array([0.2, 0.4, 0.6, 0.8]), np.array([False, True, False, True])
    twice = fit_beta([*scores, 0.6], [*right, False])
    assert fit_beta(scores, right, [1, 1, 2, 1]).of(scores) == pytest.approx(twice.of(scores), abs=1e-6)


@pytest.mark.parametrize(("scores", "right"), [([0.5], [True]), ([0.1, 0.2], [False, False]), ([0.1], [True, False])])
def test_what_cannot_be_fitted_is_refused(scores: list[float], right: list[bool]) -> None:
    with pytest.raises(ValueError, match="expected both"):
        fit_beta(scores, right)


def test_a_fit_of_few_scores_that_is_held_has_no_large_numbers() -> None:
    scores, right = [0.2, 0.3, 0.7, 0.8], [False, False, True, True]
    free, held = fit_beta(scores, right), fit_beta(scores, right, hold=0.01)
    assert free.a + free.b > 5.0 * (held.a + held.b)
    assert held.of(0.8) > 0.6
