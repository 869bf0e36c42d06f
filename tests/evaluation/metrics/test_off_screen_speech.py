import pytest

from evaluation.metrics.off_screen_speech import off_screen_figures


def test_a_line_is_found_within_as_many_hits_as_the_person_has_speaking_appearances(line, answer) -> None:
    near, far, stranger = line("near", 1, 2), line("far", 3, 4), line("other", 5, 6, identity="b")
    shown = {"1": near, "2": near, "3": stranger, "4": far}
    speaking = {"a": {"near", "far"}, "b": {"other"}}
    # Without the repeat: near, other, far: far is third of two.
    hits = [("1", 0.9), ("2", 0.8), ("3", 0.7), ("4", 0.6)]
    answers = [answer("a", *hits, kind="voice"), answer("a", ("4", 0.9), kind="voice", number=1)]
    figures = off_screen_figures(answers, [near, far], speaking, shown)
    assert figures is not None
    # near: found by the first query only; far: by the second only.
    assert figures.recall.value == pytest.approx(0.5)
    assert figures.returned == pytest.approx(3 / 4)
    assert figures.lines == 2


def test_without_lines_there_is_nothing_to_say(answer) -> None:
    assert off_screen_figures([answer("a", ("1", 0.9), kind="voice")], [], {}, {}) is None
