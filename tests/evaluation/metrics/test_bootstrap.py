import numpy as np
import pytest

from evaluation.metrics.bootstrap import bootstrap_interval, estimate_mean, estimate_ratio


def test_the_interval_holds_the_mean_and_repeats() -> None:
    values = np.random.default_rng(0).random(40).tolist()
    low, high = bootstrap_interval(values)
    assert low < np.mean(values) < high
    assert bootstrap_interval(values) == (low, high)


def test_it_has_the_width_of_theory() -> None:
    values = np.random.default_rng(1).normal(size=400)
    low, high = bootstrap_interval(values.tolist(), draws=4000)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(len(values)), rel=0.05)


def test_equal_values_have_no_width() -> None:
    assert bootstrap_interval([0.5, 0.5]) == (0.5, 0.5)
    with pytest.raises(ValueError, match="no values"):
        bootstrap_interval([])


def test_a_ratio_is_that_of_the_sums_and_its_interval_that_of_the_drawn_sums() -> None:
    counted, possible = [9.0, 1.0, 4.0], [10.0, 2.0, 8.0]
    estimate = estimate_ratio([*counted, 0.0], [*possible, 0.0])
    draws = np.random.default_rng(0).integers(3, size=(2000, 3))
    ratios = [sum(counted[i] for i in draw) / sum(possible[i] for i in draw) for draw in draws.tolist()]
    assert estimate.value == pytest.approx(14 / 20)
    assert estimate.interval == pytest.approx(tuple(np.percentile(ratios, (2.5, 97.5))))
    assert (estimate.count, estimate.unit) == (3, "films")
    with pytest.raises(ValueError, match="no values"):
        estimate_ratio([0.0], [0.0])


def test_a_mean_has_the_interval_of_its_values() -> None:
    estimate = estimate_mean([0.0, 0.5, 1.0])
    assert estimate.value == 0.5
    assert estimate.interval == bootstrap_interval([0.0, 0.5, 1.0])
