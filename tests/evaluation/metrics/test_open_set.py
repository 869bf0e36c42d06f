import numpy as np
import pytest

from evaluation.metrics.open_set import Searches, open_set, open_set_of


def slow(own: np.ndarray, impostors: np.ndarray, allowed: float) -> tuple[float, float]:
    """Try every threshold."""
    best = 0.0
    for threshold in sorted({*own, *impostors, *np.nextafter(impostors, np.inf)}):
        if np.mean(impostors >= threshold) <= allowed:
            best = max(best, float(np.mean((own > impostors) & (own >= threshold))))
    return best, float(np.mean(own > impostors))


def test_it_is_the_best_threshold_of_all() -> None:
    random = np.random.default_rng(0)
    for allowed in (0.01, 0.1):
        for _ in range(20):
            own, impostors = random.random(50), 0.8 * random.random(50)
            # One column of everybody's own, one of somebody else.
            labels = [*(f"p{i}" for i in range(50)), "stranger"]
            scores = np.full((50, 51), -np.inf)
            scores[np.arange(50), np.arange(50)] = own
            scores[:, 50] = impostors
            found = open_set(scores, labels[:50], labels, allowed)
            expected, rank_1 = slow(own, impostors, allowed)
            assert found.found.value == pytest.approx(expected)
            assert found.rank_1.value == pytest.approx(rank_1)
            assert found.share == pytest.approx(expected / rank_1)
            assert found.share_interval is not None
            assert found.share_interval[0] <= found.share <= found.share_interval[1]
            # One tracklet of each person among 51.
            assert found.chance == pytest.approx(1 / 51)


def test_a_gallery_without_the_person_may_be_given() -> None:
    scores = np.array([[0.5, 0.1, 0.4], [0.2, 0.95, 0.94]])
    strangers = np.array([0.3, 0.45])
    found = open_set(scores, ["a", "b"], ["a", "b", None], impostors=strangers)
    assert 0.45 < found.threshold < 0.5
    assert found.found.value == 1.0


def test_with_few_searches_no_impostor_at_all_may_pass() -> None:
    scores = np.array([[0.9, 0.6], [0.7, 0.8]])
    found = open_set(scores, ["a", "b"], ["a", "b"])
    # Strangers score 0.6 and 0.7; only what lies above both is believed.
    assert found.threshold > 0.7
    assert found.found.value == 1.0


def test_a_person_found_first_below_the_threshold_is_not_found() -> None:
    scores = np.array([[0.5, 0.1, 0.4], [0.2, 0.95, 0.94]])
    found = open_set(scores, ["a", "b"], ["a", "b", None])
    assert found.rank_1.value == 1.0
    assert found.found.value == 0.5
    assert found.share == 0.5


def test_searches_without_a_mate_or_without_strangers_are_left_out() -> None:
    with pytest.raises(ValueError, match="nothing can be measured"):
        open_set(np.ones((1, 1)), ["a"], ["a"])
    with pytest.raises(ValueError, match="nothing can be measured"):
        open_set(np.ones((1, 1)), ["a"], ["b"])


def test_ties_broken_at_random_count_by_how_likely_they_are_right() -> None:
    # On average over draws of the ties, it is what is found in each of them.
    random = np.random.default_rng(1)
    own, strange, people = random.random(40), 0.7 * random.random(40), tuple(f"p{i % 9}" for i in range(40))
    likely = random.choice([1.0, 0.5, 0.25], size=40)
    draws = [(random.random(40) < likely).astype(float) for _ in range(400)]
    found = open_set_of(Searches(own, likely, strange, people, 0.1), 0.1)
    drawn = [open_set_of(Searches(own, one, strange, people, 0.1), 0.1) for one in draws]
    assert found.found.value == pytest.approx(np.mean([one.found.value for one in drawn]), abs=0.02)
    assert found.rank_1.value == pytest.approx(likely.mean())
    assert found.share == pytest.approx(found.found.value / found.rank_1.value)
