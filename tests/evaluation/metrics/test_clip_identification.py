import numpy as np
import pytest

from evaluation.metrics.clip_identification import identity_precisions, listed_precisions


def slow(scores: np.ndarray, identities: list[str], labels: list[str | None], kept: int) -> dict[str, float]:
    found = {}
    for row, identity in enumerate(identities):
        ranked = sorted(range(len(labels)), key=lambda column: -scores[row, column])[:kept]
        seen, total = 0, 0.0
        for rank, column in enumerate(ranked, start=1):
            if labels[column] == identity:
                seen += 1
                total += seen / rank
        if identity in labels:
            found[identity] = total / labels.count(identity)
    return found


def test_it_is_equation_4() -> None:
    random = np.random.default_rng(0)
    identities = ["a", "b", "c", "absent"]
    for _ in range(10):
        labels = [None if draw == 3 else identities[draw] for draw in random.integers(0, 4, size=60)]
        scores = random.random((4, 60))
        for kept in (5, 100):
            assert identity_precisions(scores, identities, labels, kept) == pytest.approx(
                slow(scores, identities, labels, kept)
            )


def test_more_than_a_hundred_clips_cannot_reach_one() -> None:
    labels: list[str | None] = ["a"] * 150
    assert identity_precisions(np.ones((1, 150)), ["a"], labels) == {"a": pytest.approx(100 / 150)}


def test_distractors_count_as_wrong() -> None:
    found = identity_precisions(np.array([[0.9, 0.5]]), ["a"], [None, "a"])
    assert found == {"a": 0.5}


def test_result_lists_have_the_vector_of_the_notes() -> None:
    found = listed_precisions({"a": ["x", "d", "y", "e", "f"]}, {"a": ["x", "y", "z"], "b": ["q"], "none": []})
    assert found == {"a": pytest.approx(0.555556, abs=1e-6), "b": 0.0}


def test_a_clip_named_twice_counts_once() -> None:
    assert listed_precisions({"a": ["x", "x"]}, {"a": ["x", "y"]}) == {"a": 0.5}
