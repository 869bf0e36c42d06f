import itertools

import numpy as np
import pytest

from evaluation.metrics.average_precision import average_precision, chance_average_precision
from evaluation.metrics.scored import Scored


def slow(order: list[int], right: list[bool], relevant: int, cut_off: int) -> float:
    """Equation of the papers, one order."""
    total, seen = 0.0, 0
    for rank, thing in enumerate(order[:cut_off], start=1):
        if right[thing]:
            seen += 1
            total += seen / rank
    return total / relevant


def orders(scores: list[float]) -> list[list[int]]:
    """Every order that the scores allow."""
    values = sorted(set(scores), reverse=True)
    runs = [[i for i, score in enumerate(scores) if score == value] for value in values]
    choices = itertools.product(*(itertools.permutations(run) for run in runs))
    return [[i for run in choice for i in run] for choice in choices]


def test_the_vectors_of_the_notes() -> None:
    ranking = Scored.of([5, 4, 3, 2, 1], [True, False, True, False, False])
    assert ranking.average_precision(2) == pytest.approx(0.833333, abs=1e-6)
    assert ranking.average_precision(3) == pytest.approx(0.555556, abs=1e-6)


def test_equal_scores_are_the_mean_over_all_their_orders() -> None:
    random = np.random.default_rng(3)
    for _ in range(60):
        count = int(random.integers(1, 7))
        scores = random.integers(0, 3, size=count).astype(float).tolist()
        right = (random.random(count) < 0.5).tolist()
        relevant, cut_off = sum(right) + int(random.integers(0, 3)), int(random.integers(1, count + 1))
        if relevant == 0:
            continue
        ranking = Scored.of(scores, right)
        all_orders = orders(scores)
        expected = np.mean([slow(order, right, relevant, cut_off) for order in all_orders])
        assert ranking.average_precision(relevant, cut_off) == pytest.approx(expected)
        hits = np.mean([sum(right[i] for i in order[:cut_off]) for order in all_orders])
        assert ranking.hits(cut_off) == pytest.approx(hits)
        assert ranking.precision_at(cut_off) == pytest.approx(hits / cut_off)
        assert ranking.recall_at(cut_off, relevant) == pytest.approx(hits / relevant)


def test_without_equal_scores_it_is_the_plain_figure() -> None:
    random = np.random.default_rng(4)
    for _ in range(50):
        right = random.random(30) < 0.3
        scores = random.permutation(30).astype(float)
        if right.any():
            flags = right[np.argsort(-scores)].tolist()
            expected = average_precision(flags, int(right.sum()))
            assert Scored.of(scores, right).average_precision(int(right.sum())) == pytest.approx(expected)


@pytest.mark.parametrize(("relevant", "pool"), [(1, 1), (1, 9), (3, 7), (8, 200)])
def test_all_equal_is_a_random_ranking(relevant: int, pool: int) -> None:
    ranking = Scored.of(np.zeros(pool), np.arange(pool) < relevant)
    assert ranking.average_precision(relevant) == pytest.approx(chance_average_precision(relevant, pool))


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="no number"):
        Scored.of([1.0, float("nan")], [True, False])
    with pytest.raises(ValueError, match="one of each"):
        Scored.of([1.0], [True, False])
    with pytest.raises(ValueError, match="relevant"):
        Scored.of([1.0, 2.0], [True, True]).average_precision(1)
    with pytest.raises(ValueError, match="at least 1"):
        Scored.of([1.0], [True]).hits(0)


def test_minus_infinity_ranks_last_and_is_drawn_like_any_equal_score() -> None:
    ranking = Scored.of([-np.inf, 0.5, -np.inf], [True, False, False])
    assert ranking.average_precision(1) == pytest.approx((1 / 2 + 1 / 3) / 2)
