"""Where a rejection cuts, and what the review queue asks."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from evaluation.metrics.partition import pairwise
from services.association.identities.clustering import cluster
from services.association.identities.cutting import cut
from services.association.identities.graph import Node
from services.association.identities.likelihood import Evidence, Line, probability_between, probability_within
from services.association.identities.naming import named
from services.association.identities.replaying import advance
from services.association.identities.reviews import Question, questions
from services.association.identities.state import IdentityState
from services.backends.people import Operation, OperationKind
from services.backends.schemas import AppearanceKind

Cast = Any  # of conftest


def mixed(cast: Cast, seed: int, right: int = 30, wrong: int = 10) -> tuple[list[str], list[str]]:
    """An identity of two people who look alike: half of the pairs of one are linked, and one in eight of both."""
    rng = np.random.default_rng(seed)
    anna, ben = [f"anna.{n}" for n in range(right)], [f"ben.{n}" for n in range(wrong)]
    cast.appear(*anna, *ben)
    for one, other in itertools.combinations([*anna, *ben], 2):
        same = one.split(".")[0] == other.split(".")[0]
        if rng.random() < (0.5 if same else 0.12):
            cast.link(one, other, float(rng.uniform(0.6, 0.95) if same else rng.uniform(0.5, 0.8)))
    return anna, ben


def asked(cast: Cast, state: IdentityState, limit: int = 100) -> list[Question]:
    return questions(state, sorted(state.clusters), cast.nodes, cast.weights, limit)


def test_a_stranger_takes_nobody_along(cast: Cast) -> None:
    """Three look like him more than like the others of them, by the mean; by all their edges they do not."""
    front, side = [f"anna.{n}" for n in range(7)], ["anna.7", "anna.8", "anna.9"]
    cast.appear(*front, *side, "stranger")
    cast.link_all(front, 0.9)
    cast.link_all(side, 0.9)
    for one, other in itertools.product(front, side):
        cast.link(one, other, 0.6)
    for one in side:
        cast.link("stranger", one, 0.8)
    for told in ("anna.0", "anna.7"):
        assert cut(cast.nodes, cast.weights, (["stranger"], [told])) == (("stranger",), (*front, *side))
        assert cut(cast.nodes, cast.weights, ([told], ["stranger"])) == ((*front, *side), ("stranger",))


@pytest.mark.parametrize("seed", range(4))
async def test_true_answers_make_a_mixed_identity_better_one_by_one(cast: Cast, seed: int) -> None:
    mixed(cast, seed)
    truth = {one: one.split(".")[0] for one in cast.nodes}
    state = IdentityState.of({"A": tuple(sorted(cast.nodes))})
    figures = [pairwise(state.homes, truth).f1]
    for number in range(1, 9):
        first, second = asked(cast, state, 1)[0].first, asked(cast, state, 1)[0].second
        kind = OperationKind.CONFIRM if truth[first] == truth[second] else OperationKind.REJECT
        groups = ((cast.nodes[first].spot,), (cast.nodes[second].spot,))
        state = await advance(state, cast.nodes, Operation("town", number, kind, 0.0, groups=groups), cast)
        figures.append(pairwise(state.homes, truth).f1)
    assert figures == sorted(figures)
    assert figures[-1] > figures[0] + 0.05


def test_of_equal_cuts_who_is_named_first_stays(cast: Cast) -> None:
    cast.appear("a", "b", "c")
    cast.link_all("abc", 0.9)
    assert cut(cast.nodes, cast.weights, (["a"], ["b"])) == (("a", "c"), ("b",))
    assert cut(cast.nodes, cast.weights, (["b"], ["a"])) == (("b", "c"), ("a",))


def test_two_large_groups_need_a_stronger_bond_than_small_ones(cast: Cast) -> None:
    for people, size in (("ab", 3), ("cd", 12)):
        groups = [[f"{person}.{n}" for n in range(size)] for person in people]
        cast.appear(*groups[0], *groups[1])
        for group in groups:
            cast.link_all(group, 0.9)
        for one, other in zip(*groups, strict=True):
            cast.link(one, other, 0.55 if size == 3 else 0.6)
    found = {frozenset(one.split(".")[0] for one in members) for members in cluster(cast.nodes, cast.weights, {})}
    assert found == {frozenset("ab"), frozenset("c"), frozenset("d")}


def pieces(cast: Cast) -> IdentityState:
    """Anna in two pieces, the smaller with a stray, who is on screen with somebody of the larger."""
    cast.appear("anna.1", "anna.2", "anna.3", "anna.4", "anna.5", "anna.6")
    with_it = cast.nodes["anna.1"]
    cast.nodes["stray"] = Node("stray", "v", with_it.start_s, with_it.end_s, AppearanceKind.TRACKLET, with_it.long_term)
    cast.link_all(["anna.1", "anna.2", "anna.3", "anna.4"], 0.9)
    cast.link_all(["anna.5", "anna.6", "stray"], 0.9)
    cast.link("anna.5", "anna.6", 0.95)
    return IdentityState.of({"A": ("anna.1", "anna.2", "anna.3", "anna.4"), "B": ("anna.5", "anna.6", "stray")})


def test_weak_edges_and_a_stray_do_not_keep_a_question_from_being_asked(cast: Cast) -> None:
    state = pieces(cast)
    assert not [each for each in asked(cast, state) if each.first_identity != each.second_identity]
    cast.link("anna.2", "anna.5", 0.35)
    (question,) = [each for each in asked(cast, state) if each.first_identity != each.second_identity]
    assert {question.first_identity, question.second_identity} == {"A", "B"}
    # The stray would stay behind.
    assert question.appearance_count == 2


def test_who_was_rejected_makes_two_identities_less_likely_one(cast: Cast) -> None:
    state = pieces(cast)
    cast.link("anna.2", "anna.5", 0.7)
    cast.link("anna.3", "anna.6", 0.7)
    before = max(each.probability for each in asked(cast, state) if each.first_identity != each.second_identity)
    state.keep_apart(["anna.4"], ["stray"])
    after = max(each.probability for each in asked(cast, state) if each.first_identity != each.second_identity)
    assert after < before


def test_an_identity_whose_pairs_were_confirmed_is_asked_about_less(cast: Cast) -> None:
    members = [f"anna.{n}" for n in range(6)]
    cast.appear(*members)
    cast.link_all(members, 0.8)
    state = IdentityState.of({"A": tuple(members)})
    (before,) = asked(cast, state)
    state.confirm("anna.1", "anna.2")
    state.confirm(before.first, before.second)
    (after,) = asked(cast, state)
    assert (after.first, after.second) != (before.first, before.second)
    assert after.probability > before.probability


@pytest.mark.parametrize("seed", range(3))
def test_a_short_queue_is_the_beginning_of_a_long_one(seed: int) -> None:
    from tests.association.identities.conftest import Cast as Crowd

    cast = Crowd.crowd(seed, people=5, films=2, shots=4)
    state = IdentityState.of(named(cluster(cast.nodes, cast.weights, {}, threshold=0.9), {}, cast.weights))
    whole = asked(cast, state)
    assert len(whole) > 5
    assert whole == sorted(whole, key=lambda each: each.rank)
    for limit in (1, 3, 5):
        assert asked(cast, state, limit) == whole[:limit]


def test_probabilities_follow_what_there_is() -> None:
    one = Evidence(total=2.0, edges=4.0, missing=8.0, smaller=3)
    for more in (Evidence(4.0, 4.0, 8.0, 3), Evidence(2.0, 4.0, 2.0, 3), Evidence(2.0, 4.0, 8.0, 2)):
        assert probability_between(more) > probability_between(one)
        assert probability_within(more) > probability_within(one)
    for less in (Evidence(2.0, 4.0, 8.0, 3, clashing=0.3), Evidence(2.0, 4.0, 8.0, 3, rejected=1)):
        assert probability_between(less) < probability_between(one)
    assert probability_within(Evidence(2.0, 4.0, 8.0, 3, confirmed=2)) > probability_within(one)
    assert probability_between(Evidence(-1e6, 1.0, 0.0, 1)) == 0.0


def test_the_log_odds_are_the_line_of_what_is_known() -> None:
    one = Evidence(total=3.0, edges=4.0, missing=8.0, smaller=3, clashing=0.25, rejected=1, confirmed=2)
    line = Line(1.1, 1.2, 1.3, 1.4, 1.5, clashing=1.6, confirmed=1.7)
    told = 1.1 + 1.2 * np.log(4 / 12) + 1.3 * 3 / 4 + 1.4 * np.log(4) + 1.5 * np.log(3) + 1.6 * 0.25 + 1.7 * 2 - 2.0
    assert line.probability(one) == pytest.approx(1.0 / (1.0 + np.exp(-told)))
