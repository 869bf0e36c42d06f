import numpy as np
import pytest

from packs.partial import (
    BEYOND,
    best_candidates,
    fpr_distance,
    gallery_half,
    pyramid_size,
    reranked,
    residuals,
    unit_columns,
)

GALLERY = np.array([[1, 0], [0, 1], [0, 0]], np.float32)
QUERY = np.array([[1, 0, 0.6], [0, 0, 0.8], [0, 1, 0]], np.float32)
WEIGHTS = np.array([0.2, 0.5, 0.3], np.float32)


def vectors(columns: int, seed: int, channels: int = 12) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(channels, columns)).astype(np.float32)


def slow_distance(query: np.ndarray, weights: np.ndarray, gallery: np.ndarray, ridge: float) -> float:
    """Methods.md 2.3, step 4, one query vector at a time: the ridge regression is solved as a least-squares problem."""
    g = np.stack([column / np.linalg.norm(column) for column in gallery.T], axis=1).astype(np.float64)
    total = 0.0
    for weight, column in zip(weights, query.T, strict=True):
        q = column.astype(np.float64) / np.linalg.norm(column)
        stacked = np.concatenate([g, np.sqrt(ridge) * np.eye(g.shape[1])])
        w = np.linalg.lstsq(stacked, np.concatenate([q, np.zeros(g.shape[1])]), rcond=None)[0]
        total += float(weight) * float(np.linalg.norm(g @ w - q))
    return total


def test_the_vector_of_the_paper() -> None:
    item = gallery_half(GALLERY)
    np.testing.assert_allclose(residuals(QUERY, item), [0.000999, 1.0, 0.000999], atol=1e-6)
    assert fpr_distance(QUERY, WEIGHTS, item) == pytest.approx(0.5004995, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_matching_is_the_slow_formula(seed: int) -> None:
    gallery, query = vectors(7, seed), vectors(5, seed + 50)
    weights = np.random.default_rng(seed).dirichlet(np.ones(5)).astype(np.float32)
    found = fpr_distance(query, weights, gallery_half(gallery))
    assert found == pytest.approx(slow_distance(query, weights, gallery, 0.001), abs=1e-5)


def test_a_body_is_near_itself_and_far_from_what_it_has_nothing_of() -> None:
    gallery = vectors(5, 0)
    weights = np.full(5, 0.2, np.float32)
    assert fpr_distance(gallery, weights, gallery_half(gallery)) < 0.01
    basis = np.linalg.qr(vectors(12, 1))[0].astype(np.float32)
    assert fpr_distance(basis[:, :5], weights, gallery_half(basis[:, 5:])) == pytest.approx(1.0, abs=1e-5)


def test_a_part_is_found_in_the_whole_but_the_whole_not_in_a_part() -> None:
    whole = vectors(8, 3)
    part = whole[:, :3]
    from_part = fpr_distance(part, np.full(3, 1 / 3, np.float32), gallery_half(whole))
    from_whole = fpr_distance(whole, np.full(8, 1 / 8, np.float32), gallery_half(part))
    assert from_part < 0.01 < 0.3 < from_whole


def test_length_says_nothing() -> None:
    gallery, query = vectors(4, 1), vectors(4, 2)
    weights = np.full(4, 0.25, np.float32)
    one = fpr_distance(query, weights, gallery_half(gallery))
    other = fpr_distance(query * 7, weights, gallery_half(gallery * np.array([1, 2, 3, 4], np.float32)))
    assert one == pytest.approx(other, abs=1e-6)
    np.testing.assert_array_equal(unit_columns(np.zeros((3, 2), np.float32)), 0.0)


def test_candidates_go_before_the_rest() -> None:
    cosines = np.array([0.9, 0.1, 0.95, 0.8], np.float32)
    rows = best_candidates(cosines, most=2)
    assert rows.tolist() == [2, 0]
    final = reranked(cosines, np.array([0.9, 0.1], np.float32), rows)
    np.testing.assert_allclose(final, [0.1, 0.45 + 0.5 * BEYOND, 0.475, 0.1 + 0.5 * BEYOND], atol=1e-5)
    assert np.argsort(final).tolist() == [0, 2, 3, 1]
    np.testing.assert_allclose(reranked(cosines, np.zeros(2, np.float32), rows, weight=0.0), 1 - cosines)
    with pytest.raises(ValueError, match=r"0\.\.1, got 2"):
        reranked(cosines, np.zeros(2, np.float32), rows, weight=2.0)


@pytest.mark.parametrize(
    ("size", "kernels", "count"),
    [((24, 8), (2, 4, 6, 8), 110), ((14, 14), (2, 4, 6, 8), 126), ((7, 7), (2, 4, 6), 14), ((7, 7), (2, 4, 6, 8), 14)],
)
def test_pyramids_have_the_published_sizes(size: tuple[int, int], kernels: tuple[int, ...], count: int) -> None:
    assert pyramid_size(*size, kernels) == count
