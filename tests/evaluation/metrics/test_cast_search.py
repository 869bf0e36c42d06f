import numpy as np
import pytest

from evaluation.metrics.cast_search import Pool, across, transposed_hits, within


def slow_top(pool: Pool, k: int) -> float:
    """The published loop: of each labelled tracklet, the ranked cast."""
    hits = []
    for column, label in enumerate(pool.labels):
        if label in pool.cast:
            ranked = sorted(range(len(pool.cast)), key=lambda row: -pool.scores[row, column])
            hits.append(label in [pool.cast[row] for row in ranked[:k]])
    return sum(hits) / len(hits)


def pool(seed: int, cast: int = 6, tracklets: int = 40) -> Pool:
    random = np.random.default_rng(seed)
    people = [f"p{number}" for number in range(cast)]
    labels = [None if random.random() < 0.3 else people[random.integers(cast)] for _ in range(tracklets)]
    return Pool(random.random((cast, tracklets)), people, labels)


def test_average_precision_ranks_the_tracklets_and_top_k_the_cast() -> None:
    scores = np.array([[0.9, 0.2, 0.8], [0.1, 0.3, 0.95]])
    one = Pool(scores, ["a", "b"], ["a", "b", None])
    assert one.average_precisions() == {"a": 1.0, "b": pytest.approx(1 / 2)}
    # `others`, ranked before b's own, is not asked who it is.
    assert one.top(1) == 1.0
    expected = {"map": 0.75, "map_published": 0.5, "top_1": 1.0, "top_3": 1.0, "top_5": 1.0}
    assert across(one) == pytest.approx(expected)


def test_top_k_is_the_published_loop() -> None:
    for seed in range(20):
        one = pool(seed)
        for k in (1, 3, 5):
            assert one.top(k) == pytest.approx(slow_top(one, k))


def test_within_weighs_queries_for_the_map_and_movies_for_top_k() -> None:
    many, few = pool(1, cast=6), pool(2, cast=2, tracklets=10)
    found = within({"many": many, "few": few})
    values = [*many.average_precisions().values(), *few.average_precisions().values()]
    assert found["map"] == pytest.approx(np.mean(values))
    assert found["top_1"] == pytest.approx((slow_top(many, 1) + slow_top(few, 1)) / 2)
    # A movie with a cast of two has a top-3 of 1.
    assert found["top_3"] == pytest.approx((slow_top(many, 3) + 1.0) / 2)


def test_equal_cast_members_are_drawn() -> None:
    columns = np.array([[0.5, 0.5, 0.5, 0.9], [0.1, 0.2, 0.3, 0.4]]).T
    true = np.array([0, 2])
    assert transposed_hits(columns, true, 1).tolist() == [0.0, 0.0]
    assert transposed_hits(columns, true, 2) == pytest.approx([1 / 3, 1.0])
    assert transposed_hits(columns, true, 4).tolist() == [1.0, 1.0]


def test_a_random_ranking_finds_k_of_the_cast() -> None:
    one = pool(5)
    blind = Pool(np.zeros_like(one.scores), one.cast, one.labels)
    assert blind.top(1) == pytest.approx(1 / 6)
    assert blind.top(3) == pytest.approx(1 / 2)


def test_a_query_with_nobody_to_find_is_left_out() -> None:
    one = Pool(np.zeros((2, 2)), ["a", "b"], ["a", None])
    assert set(one.average_precisions()) == {"a"}
    with pytest.raises(ValueError, match="nothing can be measured"):
        across(Pool(np.zeros((1, 1)), ["a"], [None]))


def test_shapes_and_twins_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        Pool(np.zeros((2, 2)), ["a"], ["a", None])
    with pytest.raises(ValueError, match="different people"):
        Pool(np.zeros((2, 1)), ["a", "a"], ["a"])


def test_the_published_mean_takes_others_for_a_query_that_finds_nobody() -> None:
    others = Pool(np.array([[0.9, 0.1]]), ["a"], ["a", None])
    alone = Pool(np.array([[0.9, 0.1], [0.1, 0.9], [0.0, 0.0]]), ["a", "b", "c"], ["a", "b"])
    assert others.published_map() == pytest.approx(1 / 2)
    assert alone.published_map() == pytest.approx(1.0)
    found = within({"with others": others, "without": alone})
    assert found["map"] == 1.0
    # Weighed by the cast, 1 and 3, whoever of it is to be found.
    assert found["map_published"] == pytest.approx((1 * 0.5 + 3 * 1.0) / 4)
