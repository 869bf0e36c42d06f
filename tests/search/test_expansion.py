"""Chains of associations: best, bounded, and the same whatever the order of the edges."""

from __future__ import annotations

import asyncio
import itertools
import math
import random

import pytest

from packs.spec import Modality
from services.search.expansion import Bounds, Expander
from services.search.fakes import FakeAssociations

BOUNDS = Bounds(max_hops=3, max_nodes=100, min_edge_probability=0.5, stop_probability=0.1, timeout_s=5.0)
ALL = (Modality.FACE, Modality.BODY)


@pytest.fixture
def associations() -> FakeAssociations:
    return FakeAssociations()


def chain(associations: FakeAssociations, names: str, probability: float = 0.9) -> None:
    for one, other in itertools.pairwise(names):
        associations.add("town", one, other, Modality.BODY, probability)


async def test_probabilities_multiply_along_the_path(associations: FakeAssociations) -> None:
    chain(associations, "abc")
    expanded = await Expander(associations, BOUNDS).expand("town", {"a": 0.8}, ALL)
    assert expanded.complete
    path = expanded.paths["c"]
    assert path.probability == pytest.approx(0.8 * 0.9 * 0.9)
    assert [(step.source, step.target) for step in path.steps] == [("a", "b"), ("b", "c")]


async def test_the_best_path_wins_even_if_it_is_longer(associations: FakeAssociations) -> None:
    associations.add("town", "a", "c", Modality.FACE, 0.6)
    chain(associations, "abc", 0.95)
    expanded = await Expander(associations, BOUNDS).expand("town", {"a": 1.0}, ALL)
    assert [step.target for step in expanded.paths["c"].steps] == ["b", "c"]


async def test_a_seed_may_be_reached_better_than_it_was_matched(associations: FakeAssociations) -> None:
    chain(associations, "ab", 0.9)
    expanded = await Expander(associations, BOUNDS).expand("town", {"a": 0.9, "b": 0.5}, ALL)
    assert expanded.paths["b"].seed == "a"
    assert expanded.paths["b"].probability == pytest.approx(0.81)
    assert expanded.paths["a"].steps == ()


async def test_cycles_end(associations: FakeAssociations) -> None:
    chain(associations, "abca", 0.999)
    expanded = await Expander(associations, BOUNDS).expand("town", {"a": 0.9}, ALL)
    for path in expanded.paths.values():
        targets = [step.target for step in path.steps]
        assert len(set(targets)) == len(targets)
        assert path.seed not in targets


async def test_hops_are_bounded(associations: FakeAssociations) -> None:
    chain(associations, "abcdefg", 0.99)
    expanded = await Expander(associations, BOUNDS).expand("town", {"a": 1.0}, ALL)
    assert sorted(expanded.paths) == ["a", "b", "c", "d"]
    # Three hops, and what else is linked with what the last one reached.
    assert len(associations.asked) == 4


async def test_weak_edges_are_left_out_where_that_is_asked(associations: FakeAssociations) -> None:
    associations.add("town", "a", "strong", Modality.FACE, 0.8)
    associations.add("town", "a", "weak", Modality.FACE, 0.55)
    expanded = await Expander(associations, BOUNDS).expand("town", {"a": 1.0}, ALL, least=0.6)
    assert sorted(expanded.paths) == ["a", "strong"]
    expanded = await Expander(associations, BOUNDS).expand("town", {"a": 1.0}, ALL, most=2)
    assert sorted(expanded.paths) == ["a", "strong"]


async def test_nodes_are_bounded_and_the_strongest_stay(associations: FakeAssociations) -> None:
    for rank in range(50):
        associations.add("town", "hub", f"leaf{rank:02}", Modality.FACE, 0.95 - rank / 1000)
    bounds = Bounds(3, 11, 0.5, 0.1, 5.0)
    expanded = await Expander(associations, bounds).expand("town", {"hub": 1.0}, ALL)
    assert sorted(expanded.paths) == ["hub", *(f"leaf{rank:02}" for rank in range(10))]


async def test_weak_chains_are_given_up(associations: FakeAssociations) -> None:
    chain(associations, "abcd", 0.5)
    expanded = await Expander(associations, BOUNDS).expand("town", {"a": 0.5}, ALL)
    assert sorted(expanded.paths) == ["a", "b", "c"]


async def test_only_the_asked_modalities_and_probabilities(associations: FakeAssociations) -> None:
    associations.add("town", "a", "b", Modality.FACE, 0.9)
    associations.add("town", "a", "c", Modality.BODY, 0.9)
    associations.add("town", "a", "d", Modality.FACE, 0.4)
    expanded = await Expander(associations, BOUNDS).expand("town", {"a": 1.0}, (Modality.FACE,))
    assert sorted(expanded.paths) == ["a", "b"]


async def test_nothing_passes_through_what_is_blocked(associations: FakeAssociations) -> None:
    chain(associations, "abc")
    expanded = await Expander(associations, BOUNDS).expand("town", {"a": 1.0}, ALL, blocked={"b"})
    assert sorted(expanded.paths) == ["a"]


async def test_no_seeds_ask_nothing(associations: FakeAssociations) -> None:
    expanded = await Expander(associations, BOUNDS).expand("town", {}, ALL)
    assert expanded.paths == {}
    assert expanded.complete
    assert associations.asked == []


async def test_a_service_that_fails_leaves_the_seeds(associations: FakeAssociations) -> None:
    associations.failing = True
    expanded = await Expander(associations, BOUNDS).expand("town", {"a": 0.7}, ALL)
    assert sorted(expanded.paths) == ["a"]
    assert not expanded.complete


async def test_a_service_that_hangs_is_left(associations: FakeAssociations) -> None:
    associations.released = asyncio.Event()
    bounds = Bounds(3, 100, 0.5, 0.1, 0.02)
    expanded = await Expander(associations, bounds).expand("town", {"a": 0.7}, ALL)
    assert not expanded.complete


async def test_any_order_of_edges_gives_the_same_and_the_best(associations: FakeAssociations) -> None:
    """Against an oracle that tries every walk of at most three edges."""
    dice = random.Random(5)
    names = [f"n{number}" for number in range(12)]
    edges = {
        (one, other): round(dice.uniform(0.5, 1.0), 2)
        for one in names
        for other in names
        if one < other and dice.random() < 0.3
    }
    seeds = {"n0": 0.9, "n5": 0.7}

    best: dict[str, float] = dict(seeds)

    def walk(node: str, probability: float, left: int) -> None:
        best[node] = max(best.get(node, 0.0), probability)
        for (one, other), edge in edges.items():
            if left and node in (one, other):
                walk(other if node == one else one, probability * edge, left - 1)

    for seed, probability in seeds.items():
        walk(seed, probability, 3)
    expected = {node: value for node, value in best.items() if value >= BOUNDS.stop_probability}

    answers = []
    for _ in range(5):
        shuffled = FakeAssociations()
        for (one, other), edge in dice.sample(sorted(edges.items()), len(edges)):
            shuffled.add("town", one, other, Modality.FACE, edge)
        answers.append((await Expander(shuffled, BOUNDS).expand("town", seeds, ALL)).paths)
    assert all(answer == answers[0] for answer in answers)
    assert {node: path.probability for node, path in answers[0].items()} == pytest.approx(expected)
    for node, path in answers[0].items():
        assert path.probability == pytest.approx(seeds[path.seed] * math.prod(step.probability for step in path.steps))
        if path.steps:
            assert path.steps[-1].target == node
