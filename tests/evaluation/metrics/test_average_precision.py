import itertools

import numpy as np
import pytest

from evaluation.metrics.average_precision import average_precision, chance_average_precision


def oracle(right: list[bool], relevant_count: int) -> float:
    total = 0.0
    for rank, flag in enumerate(right, start=1):
        if flag:
            total += sum(right[:rank]) / rank
    return total / relevant_count


def test_hand_made_values() -> None:
    assert average_precision([True, False, True, False, False], 2) == pytest.approx(0.8333333)
    assert average_precision([], 3) == 0.0
    assert average_precision([False, False], 1) == 0.0
    assert average_precision([True], 4) == 0.25


def test_it_is_the_sum_of_its_definition() -> None:
    random = np.random.default_rng(1)
    for _ in range(100):
        right = (random.random(random.integers(1, 30)) < 0.4).tolist()
        relevant = sum(right) + int(random.integers(1, 5))
        assert average_precision(right, relevant) == pytest.approx(oracle(right, relevant))


@pytest.mark.parametrize(("relevant", "pool"), [(1, 1), (1, 4), (2, 5), (3, 6), (5, 5)])
def test_chance_is_the_mean_over_all_orders(relevant: int, pool: int) -> None:
    orders = itertools.combinations(range(pool), relevant)
    values = [oracle([rank in chosen for rank in range(pool)], relevant) for chosen in orders]
    assert chance_average_precision(relevant, pool) == pytest.approx(np.mean(values))


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="relevant"):
        average_precision([True, True], 1)
    with pytest.raises(ValueError, match="relevant"):
        average_precision([], 0)
    with pytest.raises(ValueError, match="pool"):
        chance_average_precision(3, 2)
