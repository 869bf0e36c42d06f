from evaluation.matching import assign, assign_speech
from evaluation.predictions import PredictedSpeech

LEFT, RIGHT = (0.0, 0.0, 10.0, 20.0), (100.0, 0.0, 110.0, 20.0)


def test_a_fragment_is_assigned_to_its_long_tracklet(truth, predicted) -> None:
    left, right = truth("left", 0, 100, LEFT), truth("right", 0, 100, RIGHT)
    shown = assign([predicted("p", 40, 50, LEFT), predicted("q", 0, 100, RIGHT)], [left, right])
    assert {name: tracklet.key for name, tracklet in shown.items()} == {"p": "left", "q": "right"}


def test_one_that_follows_nobody_is_assigned_to_nobody(truth, predicted) -> None:
    person = truth("t", 0, 10, LEFT)
    assert assign([predicted("late", 20, 30, LEFT), predicted("wide", 0, 10, (0, 0, 30, 20))], [person]) == {}
    assert assign([predicted("p", 0, 10, LEFT)], []) == {}


def test_it_must_follow_the_person_for_half_of_itself(truth, predicted) -> None:
    person = truth("t", 0, 10, LEFT)
    assert "p" in assign([predicted("p", 0, 20, LEFT)], [person])
    assert "p" not in assign([predicted("p", 0, 21, LEFT)], [person])


def test_speech_is_assigned_to_the_line_it_shares_most_time_with(line) -> None:
    lines = [line("short", 1.0, 1.4), line("long", 1.6, 2.4), line("other", 2.5, 3.0, identity="b")]
    shown = assign_speech([PredictedSpeech("p", 1.0, 2.4), PredictedSpeech("q", 2.45, 3.2)], lines)
    assert {name: one.key for name, one in shown.items()} == {"p": "long", "q": "other"}


def test_speech_that_is_mostly_something_else_is_assigned_to_nobody(line) -> None:
    lines = [line("l", 1.0, 2.0), line("m", 2.1, 3.1, identity="b")]
    assert "wide" in assign_speech([PredictedSpeech("wide", 0.0, 2.0)], lines)
    assert assign_speech([PredictedSpeech("wider", -0.1, 2.0), PredictedSpeech("music", 5.0, 6.0)], lines) == {}
    assert assign_speech([PredictedSpeech("p", 0.0, 1.0)], []) == {}
