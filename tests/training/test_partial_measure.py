import numpy as np
import pytest

from training.measure.partial import WEIGHTS, Bodies, choose_weight, match, mean_precision


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def bodies(parts: list[list[int]], keys: list[int], seed: int) -> Bodies:
    """Bodies that are made of some of eight parts; their embeddings say nothing."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(np.random.default_rng(9).normal(size=(12, 12)))[0][:, :8]
    vectors = np.stack([axes[:, part] for part in parts]).astype(np.float32)
    weights = np.full(vectors.shape[::2], 1.0 / vectors.shape[2], np.float32)
    return Bodies(unit(rng.normal(size=(len(parts), 6))), vectors, weights, np.array(keys, np.int64))


WHOLE = bodies([[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7], [6, 7, 0, 1]], [0, 1, 2, 3], 0)
# The upper half of each, under another embedding.
HALF = bodies([[0, 2], [3, 5], [4, 6], [7, 1]], [0, 1, 2, 3], 1)


def test_parts_are_found_in_the_whole_where_embeddings_say_nothing() -> None:
    matched = match(HALF, WHOLE)
    assert mean_precision(matched, 1.0) == 1.0
    assert mean_precision(matched, 0.0) < 0.9


def test_only_the_best_are_matched() -> None:
    matched = match(HALF, WHOLE, most=2)
    assert [len(one.candidates) for one in matched] == [2] * 4
    for one in matched:
        assert one.candidates.tolist() == np.argsort(-one.cosines)[:2].tolist()


def test_who_has_nobody_to_find_does_not_ask() -> None:
    strangers = bodies([[0, 2], [1, 3]], [0, 77], 2)
    assert len(match(strangers, WHOLE)) == 1
    with pytest.raises(ValueError, match="no query"):
        mean_precision([], 0.5)


def test_the_weight_is_chosen_by_precision_and_the_smallest_of_equals_wins() -> None:
    matched = match(HALF, WHOLE)
    figures = [mean_precision(matched, weight) for weight in WEIGHTS]
    assert choose_weight(matched) == WEIGHTS[figures.index(max(figures))]
    assert choose_weight(matched, (1.0, 0.9)) == 1.0
    assert choose_weight(matched, (0.9, 1.0)) == 0.9
