"""Who answers a description shares it with whoever else does."""

import pytest

from packs.spec import Modality
from services.backends.associations.blocks import EdgeBlock
from services.backends.schemas import Association
from services.search.described import claimed

NONE = EdgeBlock.of(())


def edges(*pairs: tuple[str, str, float]) -> EdgeBlock:
    return EdgeBlock.of([Association(one, other, Modality.FACE, p, False) for one, other, p in pairs])


def test_one_in_five_is_meant() -> None:
    left = claimed(dict.fromkeys("abcde", 0.999), NONE, 0.6)
    assert list(left.values()) == pytest.approx([0.2] * 5, abs=1e-3)


def test_what_nobody_else_answers_stays() -> None:
    assert claimed({"a": 0.9, "b": 0.0}, NONE, 0.6) == pytest.approx({"a": 0.9, "b": 0.0})
    assert claimed({}, NONE, 0.6) == {}


def test_the_order_stays_and_nothing_rises() -> None:
    before = {"a": 0.95, "b": 0.9, "c": 0.5, "d": 0.2, "e": 1.0}
    after = claimed(before, edges(("a", "c", 0.9)), 0.6)
    assert sorted(after, key=lambda one: after[one]) == sorted(before, key=lambda one: before[one])
    assert all(after[one] <= before[one] for one in before)
    assert sum(after[one] for one in "abde") <= 1.0


def test_appearances_of_one_person_do_not_compete() -> None:
    scores = dict.fromkeys("abcd", 0.9)
    apart = claimed(scores, NONE, 0.6)
    joined = claimed(scores, edges(("a", "x", 0.7), ("x", "b", 0.6), ("c", "d", 0.59)), 0.6)
    # x answers nothing, and still says that a and b are one; c and d are not surely one.
    assert joined["a"] == joined["b"] == pytest.approx(9 / (1 + 9 + 18))
    assert joined["c"] == joined["d"] == pytest.approx(9 / (1 + 9 + 18))
    assert all(joined[one] > apart[one] for one in "abcd")


def test_a_certain_answer_leaves_others_next_to_nothing() -> None:
    left = claimed({"a": 1.0, "b": 0.9}, NONE, 0.6)
    assert left["a"] > 0.999
    assert left["b"] < 1e-6
