"""The person asked for against everybody else, against a slow look at each appearance."""

from __future__ import annotations

import itertools
import random

import pytest

from packs.spec import Modality
from services.backends.associations.blocks import EdgeBlock
from services.backends.schemas import Association
from services.search.contest import Opinion, Opinions, contested

BODY = Modality.BODY


def edge(one: str, other: str, probability: float, modality: Modality = BODY) -> Association:
    return Association(min(one, other), max(one, other), modality, probability)


def ask(edges, seeds, opinions=None, others=(), hops=3, stop=0.01):
    block = EdgeBlock.of(edges, seeds)
    return contested(block, seeds, Opinions.of(block.names, opinions or {}), others, hops=hops, stop=stop)


def test_without_others_it_is_the_best_chain() -> None:
    paths = ask([edge("a", "b", 0.9), edge("b", "c", 0.8), edge("a", "c", 0.5)], {"a": 0.9})
    assert paths["c"].probability == pytest.approx(0.9 * 0.9 * 0.8)
    assert [(step.source, step.target) for step in paths["c"].steps] == [("a", "b"), ("b", "c")]
    assert paths["a"].steps == ()


def test_a_tie_with_somebody_else_is_no_find() -> None:
    edges = [edge("own", "back", 0.9), edge("stranger", "back", 0.9)]
    paths = ask(edges, {"own": 1.0}, {"stranger": Opinion(0.0, 1.0)})
    assert paths["back"].probability == pytest.approx(0.9 * 0.1 / (1 - 0.81))
    unclear = ask(edges, {"own": 1.0}, {"stranger": Opinion(0.0, 0.0)})
    assert unclear["back"].probability == pytest.approx(0.9)


def test_what_somebody_else_claims_is_not_followed_on() -> None:
    edges = [edge("own", "between", 0.6), edge("stranger", "between", 0.99), edge("between", "end", 0.95)]
    paths = ask(edges, {"own": 1.0}, {"stranger": Opinion(0.0, 1.0)})
    assert paths["between"].probability < 0.02
    assert paths.get("end") is None or paths["end"].probability < 0.02


def test_a_denial_goes_as_far_as_a_belief() -> None:
    edges = [edge("stranger", "first", 0.95), edge("first", "second", 0.95), edge("own", "second", 0.9)]
    denied = ask(edges, {"own": 1.0}, {"stranger": Opinion(0.0, 1.0)})
    # Of the first both say as much: what is left of each goes on.
    left = 0.95 * (1 - 0.855) / (1 - 0.95 * 0.855)
    assert denied["second"].probability == pytest.approx(0.9 * (1 - 0.95 * left) / (1 - 0.9 * 0.95 * left), rel=0.05)
    assert ask(edges[1:], {"own": 1.0})["second"].probability == pytest.approx(0.9)


def test_a_clear_face_gives_nothing_on_that_its_neighbours_say() -> None:
    edges = [edge("own", "face", 0.9), edge("face", "end", 0.9)]
    paths = ask(edges, {"own": 1.0}, {"face": Opinion(0.0, 1.0)})
    assert "end" not in paths
    assert ask(edges, {"own": 1.0})["end"].probability == pytest.approx(0.81)


def test_what_was_rejected_is_somebody_else_and_never_an_answer() -> None:
    edges = [edge("own", "no", 0.9), edge("no", "end", 0.9), edge("own", "end", 0.5)]
    paths = ask(edges, {"own": 1.0}, others=["no"])
    assert "no" not in paths
    assert paths["end"].probability == pytest.approx(0.5 * 0.1 / (1 - 0.45))


def test_a_seed_is_beaten_only_by_a_stronger_chain() -> None:
    edges = [edge("strong", "weak", 0.95)]
    paths = ask(edges, {"strong": 0.99, "weak": 0.6})
    assert paths["weak"].seed == "strong"
    assert paths["strong"].steps == ()
    assert ask(edges, {"strong": 0.6, "weak": 0.6})["weak"].steps == ()


def slowly(edges, seeds, opinions, hops: int, stop: float) -> dict[str, float]:
    names = {end for one in edges for end in (one.first, one.second)} | seeds.keys()
    own = {name: seeds.get(name, 0.0) for name in names}
    clear = {name: opinions[name].clear if name in opinions else 0.0 for name in names}
    denied = {
        name: 0.0 if name in seeds or name not in opinions else clear[name] * (1 - opinions[name].belief)
        for name in names
    }
    given, denies, left = dict(own), dict(denied), dict.fromkeys(names, 0.0)
    for _ in range(hops):
        said, against = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
        for one in edges:
            for source, target in ((one.first, one.second), (one.second, one.first)):
                if given[source] >= stop:
                    said[target] = max(said[target], one.probability * given[source])
                against[target] = max(against[target], one.probability * denies[source])
        left = {name: said[name] * (1 - against[name]) / (1 - said[name] * against[name]) for name in names}
        for name in names:
            other = against[name] * (1 - said[name]) / (1 - said[name] * against[name])
            given[name] = max(own[name], (1 - clear[name]) * left[name])
            denies[name] = max(denied[name], 0.0 if own[name] else (1 - clear[name]) * other)
    return {name: left[name] for name in names if left[name] >= stop and left[name] > own[name]}


@pytest.mark.parametrize("seed", range(8))
def test_it_is_what_a_slow_look_gives_in_any_order_of_edges(seed: int) -> None:
    chance = random.Random(seed)
    names = [f"n{number:02}" for number in range(24)]
    pairs = [pair for pair in itertools.combinations(names, 2) if chance.random() < 0.15]
    edges = [edge(*pair, round(chance.uniform(0.05, 0.98), 3)) for pair in pairs]
    seeds = {"n00": 0.97, "n01": 0.7}
    opinions = {name: Opinion(chance.random() * 0.3, chance.random()) for name in names[2:] if chance.random() < 0.5}
    expected = slowly(edges, seeds, opinions, 3, 0.05)
    for _ in range(3):
        chance.shuffle(edges)
        paths = ask(edges, seeds, opinions, stop=0.05)
        reached = {name: path.probability for name, path in paths.items() if path.steps}
        assert reached == pytest.approx(expected, abs=1e-6)
        for name, path in paths.items():
            targets = [step.target for step in path.steps]
            assert len(set(targets)) == len(targets)
            assert path.seed in seeds
            assert not targets or (targets[-1] == name and path.steps[0].source == path.seed)


def test_nothing_is_reached_from_nothing() -> None:
    assert ask([], {}) == {}
    assert ask([edge("a", "b", 0.9)], {}) == {}
