import numpy as np
import pytest

from evaluation.metrics.bootstrap import bootstrap_interval


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
