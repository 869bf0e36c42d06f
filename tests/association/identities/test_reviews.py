"""What the review queue asks about: parts of identities, who is left over, and what answers have told."""

from __future__ import annotations

from typing import Any

import pytest

from services.association.identities.graph import Node
from services.association.identities.leftovers import HOME, homes_of_leftover, who_is_in
from services.association.identities.likelihood import Told
from services.association.identities.parts import parts_of
from services.association.identities.reviews import Question, Said, questions
from services.association.identities.state import IdentityState
from services.backends.people import Operation, OperationKind
from services.backends.schemas import AppearanceKind

Cast = Any  # of conftest


def asked(cast: Cast, state: IdentityState, said: Said | None = None) -> list[Question]:
    return questions(state, sorted(state.clusters), cast.nodes, cast.weights, 100, said)


def put(cast: Cast, name: str, start_s: float, kind: AppearanceKind = AppearanceKind.TRACKLET) -> None:
    cast.nodes[name] = Node(name, "film", start_s, start_s + 1.0, kind)


def scene(cast: Cast) -> IdentityState:
    """Two people, one near in time to a word off screen that resembles nobody, one long before it."""
    for place, name in enumerate(("far.1", "far.2", "far.3")):
        put(cast, name, 2.0 * place)
    for place, name in enumerate(("near.1", "near.2", "near.3")):
        put(cast, name, 100.0 + 2.0 * place)
    put(cast, "word", 106.0, AppearanceKind.SPEECH)
    cast.link_all(["far.1", "far.2", "far.3"], 0.95)
    cast.link_all(["near.1", "near.2", "near.3"], 0.95)
    far, near = (tuple(f"{name}.{n}" for n in (1, 2, 3)) for name in ("far", "near"))
    return IdentityState.of({"F": far, "N": near, "W": ("word",)})


def test_parts_are_what_the_clustering_passes_through(cast: Cast) -> None:
    cast.appear("a", "b", "c", "d")
    cast.link("a", "b", 0.9)
    cast.link("c", "d", 0.9)
    cast.link("b", "c", 0.55)
    found = {part.members: part.evidence for part in parts_of(cast.nodes, cast.weights)}
    assert set(found) == {("a",), ("b",), ("c",), ("d",), ("a", "b"), ("c", "d")}
    half = found["a", "b"]
    assert (half.edges, half.missing, half.smaller) == (1.0, 3.0, 2)
    assert found["b",].edges == 2.0
    assert parts_of(cast.nodes, cast.weights, [set("abcd")]) == []
    assert ("a",) not in {part.members for part in parts_of(cast.nodes, cast.weights, [{"a", "b"}])}


def test_a_stray_is_asked_about_though_halves_hang_together_less(cast: Cast) -> None:
    front, side = [f"anna.{n}" for n in range(6)], [f"anna.{n}" for n in range(6, 10)]
    cast.appear(*front, *side, "stray")
    cast.link_all(front, 0.99)
    cast.link_all(side, 0.99)
    for one in front:
        for other in side:
            cast.link(one, other, 0.8)
    cast.link("stray", "anna.6", 0.55)
    (question,) = asked(cast, IdentityState.of({"A": (*front, *side, "stray")}))
    assert "stray" in (question.first, question.second)
    assert question.appearance_count == 1


def test_who_resembles_nobody_may_be_who_is_there_at_about_the_time(cast: Cast) -> None:
    state = scene(cast)
    shares = dict(homes_of_leftover(state, "W", cast.nodes, who_is_in(cast.nodes), cast.weights))
    assert shares["N"] > shares["F"] > 0.0
    assert sum(shares.values()) == pytest.approx(HOME)
    found = [each for each in asked(cast, state) if "W" in (each.first_identity, each.second_identity)]
    assert [{each.first_identity, each.second_identity} for each in found] == [{"N", "W"}, {"F", "W"}]
    assert [each.evidence for each in found] == [None, None]


def test_a_little_likeness_tells_of_whom_it_is_rather(cast: Cast) -> None:
    state = scene(cast)

    def shares(likeness: dict[str, dict[str, float]]) -> dict[str, float]:
        return dict(homes_of_leftover(state, "W", cast.nodes, who_is_in(cast.nodes), cast.weights, likeness))

    alike = shares({"word": {"far.1": 6.0, "near.1": -6.0}})
    assert alike["F"] > alike["N"]
    # The best of a home's appearances counts, and whoever resembles nobody is rather somebody else altogether.
    assert shares({"word": {"far.1": -6.0, "far.2": 6.0}}) == shares({"word": {"far.2": 6.0}})
    assert sum(shares({"word": {"far.1": -6.0, "near.1": -6.0}}).values()) < HOME
    likeness = {"word": {"far.1": 9.0, "near.1": -9.0}}
    found = questions(state, sorted(state.clusters), cast.nodes, cast.weights, 100, None, likeness)
    first = next(each for each in found if "W" in (each.first_identity, each.second_identity))
    assert {first.first_identity, first.second_identity} == {"F", "W"}


def test_of_who_is_left_over_the_others_are_likelier_after_a_no(cast: Cast) -> None:
    state = scene(cast)
    before = dict(homes_of_leftover(state, "W", cast.nodes, who_is_in(cast.nodes), cast.weights))
    state.keep_apart(["word"], ["near.2"])
    after = dict(homes_of_leftover(state, "W", cast.nodes, who_is_in(cast.nodes), cast.weights))
    assert after.keys() == {"F"}
    assert before["F"] < after["F"] < HOME


def test_who_is_on_screen_at_the_same_time_is_no_home(cast: Cast) -> None:
    state = scene(cast)
    put(cast, "near.1", 106.5, AppearanceKind.SPEECH)
    assert dict(homes_of_leftover(state, "W", cast.nodes, who_is_in(cast.nodes), cast.weights)).keys() == {"F"}


def test_answers_that_contradict_nothing_make_doubts_smaller() -> None:
    assert Told().heeded(0.3) == pytest.approx(0.3)
    assert Told(10, 0).heeded(0.3) < Told(5, 0).heeded(0.3) < 0.3 < Told(5, 4).heeded(0.3)
    assert (Told(5, 1).heeded(0.0), Told(5, 1).heeded(1.0)) == (0.0, 1.0)


def test_an_answer_tells_by_what_was_believed_when_it_was_given(cast: Cast) -> None:
    confirm, reject = OperationKind.CONFIRM, OperationKind.REJECT
    log = [(confirm, ("A",)), (confirm, ("A",)), (reject, ("A",)), (confirm, ("A", "B")), (reject, ("A", "B"))]
    said = Said.of(
        [
            Operation("town", number, kind, 0.0, identity_ids=homes)
            for number, (kind, homes) in enumerate([*log, (OperationKind.NAME, ("A",))], 1)
        ]
    )
    assert (said.within, said.between) == (Told(3, 1), Told(2, 1))
    cast.appear("a", "b", "c", "d")
    cast.link_all("abcd", 0.7)
    state = IdentityState.of({"A": ("a", "b", "c", "d")})
    (before,), (after,) = asked(cast, state), asked(cast, state, Said(within=Told(8, 0)))
    assert after.uncertainty < before.uncertainty
