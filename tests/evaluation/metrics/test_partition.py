"""Agreement of partitions against slow oracles written from the definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from evaluation.metrics.partition import (
    Agreement,
    b_cubed,
    b_cubed_f1,
    by_kind,
    chance_by_kind,
    chances,
    pairwise,
    pairwise_f1,
)


def slow_pairwise(found: dict[str, int], truth: dict[str, int]) -> tuple[float, float]:
    pairs = list(itertools.combinations(sorted(found), 2))
    put = [found[a] == found[b] for a, b in pairs]
    are = [truth[a] == truth[b] for a, b in pairs]
    right = sum(p and q for p, q in zip(put, are, strict=True))
    return right / sum(put), right / sum(are)


def slow_b_cubed(found: dict[str, int], truth: dict[str, int]) -> tuple[float, float]:
    precisions, recalls = [], []
    for one in found:
        cluster = {other for other in found if found[other] == found[one]}
        kind = {other for other in found if truth[other] == truth[one]}
        precisions.append(len(cluster & kind) / len(cluster))
        recalls.append(len(cluster & kind) / len(kind))
    return float(np.mean(precisions)), float(np.mean(recalls))


@pytest.mark.parametrize("seed", range(8))
def test_equals_the_definitions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = [f"{number:02d}" for number in range(30)]
    found = dict(zip(names, rng.integers(5, size=30).tolist(), strict=True))
    truth = dict(zip(names, rng.integers(4, size=30).tolist(), strict=True))
    pairs, cubed = pairwise(found, truth), b_cubed(found, truth)
    assert (pairs.precision, pairs.recall) == pytest.approx(slow_pairwise(found, truth))
    assert (cubed.precision, cubed.recall) == pytest.approx(slow_b_cubed(found, truth))


def made(seed: int, count: int = 30) -> tuple[dict[str, int], dict[str, int]]:
    rng = np.random.default_rng(seed)
    names = [f"{number:02d}" for number in range(count)]
    found, truth = (dict(zip(names, rng.integers(kinds, size=count).tolist(), strict=True)) for kinds in (5, 4))
    return found, truth


@pytest.mark.parametrize("seed", range(4))
def test_f1_with_an_interval_over_people_is_the_same_f1(seed: int) -> None:
    found, truth = made(seed)
    for estimate, agreement in ((pairwise_f1, pairwise), (b_cubed_f1, b_cubed)):
        figure = estimate(found, truth)
        assert figure.value == pytest.approx(agreement(found, truth).f1)
        assert figure.interval[0] <= figure.value <= figure.interval[1]
        assert (figure.count, figure.unit) == (4, "identities")


def test_kinds_weigh_by_their_size() -> None:
    found, truth = made(5)
    sizes = {kind: list(truth.values()).count(kind) for kind in range(4)}
    whole = b_cubed(found, truth)
    parts = dict(by_kind(found, truth))
    assert sum(sizes[kind] * parts[kind].precision for kind in parts) / 30 == pytest.approx(whole.precision)
    assert sum(sizes[kind] * parts[kind].recall for kind in parts) / 30 == pytest.approx(whole.recall)


def test_chance_is_the_mean_over_random_partitions_of_the_same_sizes() -> None:
    found, truth = made(6)
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(3000):
        mixed = dict(zip(found, rng.permutation(list(found.values())).tolist(), strict=True))
        pairs, cubed = pairwise(mixed, truth), b_cubed(mixed, truth)
        first = dict(by_kind(mixed, truth))[0]
        seen.append((pairs.precision, pairs.recall, cubed.precision, cubed.recall, first.precision, first.recall))
    pairs, cubed = chances(found, truth)
    first = dict(chance_by_kind(found, truth))[0]
    expected = (pairs.precision, pairs.recall, cubed.precision, cubed.recall, first.precision, first.recall)
    assert np.mean(seen, axis=0) == pytest.approx(expected, abs=0.01)


def test_nobody_put_together_and_nobody_belonging_together_is_right() -> None:
    found, truth = {"a": 0, "b": 1}, {"a": 0, "b": 1}
    assert pairwise_f1(found, truth).value == 1.0 == pairwise(found, truth).f1
    assert pairwise_f1({}, {}).value == b_cubed_f1({}, {}).value == 1.0


def test_the_example_of_the_paper() -> None:
    """Truth {1-5}, {6, 7}, {8-C}; one response puts {8-C} together with {1-5}, another with {6, 7}."""
    truth = dict(zip("12345678ABCD", [0] * 5 + [1] * 2 + [2] * 5, strict=True))
    merged = {one: min(kind, 1) if kind != 2 else 0 for one, kind in truth.items()}
    assert b_cubed(merged, truth).precision == pytest.approx((10 * 0.5 + 2 * 1.0) / 12)
    assert b_cubed(merged, truth).recall == 1.0
    other = {one: min(kind, 1) for one, kind in truth.items()}
    assert b_cubed(other, truth).precision == pytest.approx((5 + 2 * 2 / 7 + 5 * 5 / 7) / 12)


def test_names_of_clusters_and_things_of_one_side_do_not_count() -> None:
    truth = {"a": "x", "b": "x", "c": "y", "unseen": "y"}
    found = {"a": 7, "b": 7, "c": 3, "other": 3}
    assert pairwise(found, truth) == b_cubed(found, truth) == Agreement(1.0, 1.0)


def test_nothing_wrong_is_one_and_everything_wrong_is_low() -> None:
    assert pairwise({}, {}).f1 == b_cubed({}, {}).f1 == 1.0
    apart = {"a": 1, "b": 2}
    together = {"a": 1, "b": 1}
    assert pairwise(apart, together) == Agreement(1.0, 0.0)
    assert pairwise(apart, together).f1 == 0.0
    assert b_cubed(together, apart) == Agreement(0.5, 1.0)
