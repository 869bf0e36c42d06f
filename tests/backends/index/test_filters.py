"""Filter expressions: exact, and without a way out of a literal."""

from __future__ import annotations

import math

import pytest

from services.backends.index.filters import all_of, in_scope, number, one_of, quoted, with_prefix
from services.backends.schemas import Scope


@pytest.mark.parametrize(
    ("text", "literal"),
    [("town", '"town"'), ('a"b', '"a\\"b"'), ("a\\", '"a\\\\"'), ('\\"', '"\\\\\\""'), ("'", '"\'"')],
)
def test_texts_stay_in_their_literal(text: str, literal: str) -> None:
    assert quoted(text) == literal


@pytest.mark.parametrize("text", ["a\nb", "\x00", "a\tb"])
def test_control_characters_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        quoted(text)


@pytest.mark.parametrize("value", [0.0, 1 / 3, 1e-7, 123456789.04, 1e21, -2.5])
def test_numbers_are_exact_and_plain(value: float) -> None:
    text = number(value)
    assert float(text) == value
    assert "e" not in text
    assert "." in text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_other_numbers_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        number(value)


def test_a_scope_says_all_it_means() -> None:
    assert in_scope(Scope("town")) == 'gallery == "town"'
    full = Scope("town", ("a", "b"), 1.0, 2.5, ("c",))
    assert in_scope(full) == (
        'gallery == "town" and video_id in ["a", "b"] and video_id not in ["c"] and end_s > 1.0 and start_s < 2.5'
    )


def test_prefixes_divide_all_ids() -> None:
    assert with_prefix("id", "") == ""
    assert with_prefix("id", "0f") == 'id >= "0f" and id < "0fg"'
    assert "0f" <= "0f" + "f" * 30 < "0fg" < "10"


def test_empty_conditions_are_left_out() -> None:
    assert all_of("", "a == 1", "") == "a == 1"
    assert one_of("id", []) == "id in []"
