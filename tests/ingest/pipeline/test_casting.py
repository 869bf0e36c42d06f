"""Each voice of a film is given to one person before its lines choose."""

from __future__ import annotations

import numpy as np
import pytest

from services.ingest.pipeline.casting import Line, first_guess, voices_of

# Six appearances of three people: 0 and 3 are Ann, 1 and 4 Bea, 2 and 5 Cem.
SAME = np.where(np.arange(6)[:, None] % 3 == np.arange(6) % 3, 0.95, 0.02)
np.fill_diagonal(SAME, 1.0)


def line(people: list[int], shares: list[float]) -> Line:
    return Line(np.array(people, np.int64), np.array(shares))


def guessed(lines: list[Line], voices: list[list[int]]) -> list[np.ndarray]:
    return first_guess(lines, voices, lambda number: SAME[lines[number].people], unseen=0.1)


def test_pieces_that_sound_alike_are_one_voice() -> None:
    nats = np.full((5, 5), -4.0)
    for voice in ([0, 2], [1, 3, 4]):
        nats[np.ix_(voice, voice)] = 4.0
    assert sorted(voices_of(nats)) == [[0, 2], [1, 3, 4]]
    assert voices_of(np.zeros((1, 1))) == [[0]]
    assert voices_of(np.zeros((0, 0))) == []


def test_a_piece_that_doubts_some_of_a_voice_joins_it_by_the_average() -> None:
    nats = np.array([[0.0, 5.0, 5.0], [5.0, 0.0, -1.0], [5.0, -1.0, 0.0]])
    assert voices_of(nats) == [[0, 1, 2]]


def test_a_line_that_its_mouths_mistake_goes_to_whom_the_voice_belongs() -> None:
    lines = [line([0, 1], [0.7, 0.2, 0.1]), line([3, 4], [0.7, 0.2, 0.1]), line([0, 4], [0.3, 0.5, 0.2])]
    guess = guessed(lines, [[0, 1, 2]])
    assert [int(row.argmax()) for row in guess] == [0, 0, 0]
    assert [row.sum() for row in guess] == pytest.approx([1.0] * 3)


def test_nobody_gets_two_voices_and_the_surest_comes_first() -> None:
    """Both voices look like Ann's; the one that says so less surely has somebody else to go to."""
    sure = [line([0, 1], [0.9, 0.05, 0.05]), line([3, 4], [0.9, 0.05, 0.05])]
    unsure = [line([0, 1], [0.5, 0.4, 0.1]), line([3, 4], [0.5, 0.4, 0.1])]
    guess = guessed([*sure, *unsure], [[0, 1], [2, 3]])
    assert [int(row.argmax()) for row in guess] == [0, 0, 1, 1]


def test_a_voice_whose_person_is_away_is_nobodys_there() -> None:
    """Cem says two lines in the picture; where he is not, the voice is of nobody who can be seen."""
    lines = [line([2, 0], [0.8, 0.1, 0.1]), line([5, 1], [0.8, 0.1, 0.1]), line([0, 1], [0.4, 0.4, 0.2])]
    guess = guessed(lines, [[0, 1, 2]])
    assert [int(row.argmax()) for row in guess] == [0, 0, 2]


def test_a_voice_without_a_person_stays_nobodys() -> None:
    lines = [line([0, 1], [0.1, 0.1, 0.8]), line([3, 5], [0.1, 0.1, 0.8])]
    assert [int(row.argmax()) for row in guessed(lines, [[0, 1]])] == [2, 2]
    (empty,) = guessed([line([], [1.0])], [[0]])
    assert empty == pytest.approx([1.0])
