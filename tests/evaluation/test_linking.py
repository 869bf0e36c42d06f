from pathlib import Path

import pytest

from evaluation.linking import film_speech, link_figures
from evaluation.predictions import PredictedSpeech
from evaluation.truth import Film

LEFT, RIGHT = (0.0, 0.0, 50.0, 100.0), (100.0, 0.0, 150.0, 100.0)
NEAR, FAR = (0.0, 0.0, 40.0, 40.0), (100.0, 0.0, 130.0, 30.0)


def test_figures_come_out_as_counted_by_hand(truth, line, predicted) -> None:
    near = truth("a1", 0, 250, LEFT, identity="a", face=NEAR)
    far = truth("b1", 0, 250, RIGHT, identity="b", face=FAR)
    lines = (
        line("own", 0.0, 1.0, identity="a", tracklet="a1"),  # linked to a: right; the largest face: right
        line("small", 2.0, 3.0, identity="b", tracklet="b1"),  # linked to a: wrong; the largest face: wrong
        line("away", 4.0, 5.0, identity="c"),  # alone: right; the largest face: wrong
        line("lost", 6.0, 7.0, identity="b", tracklet="b1"),  # not found: wrong
        line("dub", 8.0, 9.0, identity="c", dubbed=True),  # alone
        line("nobody", 11.0, 12.0, identity="c"),  # no face on screen; linked to somebody: wrong
    )
    film = Film("film", Path("film.mp4"), 200, 100, 25.0, 12.0, (near, far), (), {}, lines)
    found = [predicted("p", 0, 250, LEFT, (0.0, 1.0), (2.0, 3.0)), predicted("q", 0, 250, RIGHT, (11.0, 12.0))]
    alone = [PredictedSpeech("r", 4.0, 5.0), PredictedSpeech("s", 8.0, 10.0)]
    figures = link_figures([film_speech(film, found, alone, {"p": near, "q": far})])
    assert figures.accuracy_lines == 4
    assert figures.accuracy is not None
    assert figures.accuracy.value == pytest.approx(2 / 4)
    assert (figures.accuracy.count, figures.accuracy.unit) == (3, "speakers")
    assert figures.largest_face is not None
    assert figures.largest_face.value == pytest.approx(1 / 4)
    assert figures.on_screen is not None
    assert figures.on_screen.value == pytest.approx(1 / 3)
    assert figures.off_screen is not None
    assert figures.off_screen.value == pytest.approx(1 / 2)
    assert figures.dubbed_alone is not None
    assert figures.dubbed_alone.value == 1.0
    assert figures.speech_recall is not None
    assert figures.speech_recall.value == pytest.approx(5 / 6)
    assert figures.speech_precision is not None
    assert figures.speech_precision.value == pytest.approx(5 / 6)


def test_a_film_without_speech_has_no_figures(truth) -> None:
    film = Film("film", Path("film.mp4"), 200, 100, 25.0, 12.0, (truth("a1", 0, 50, LEFT),), (), {})
    figures = link_figures([film_speech(film, [], [], {})])
    assert figures.accuracy is None
    assert figures.speech_recall is None
    assert figures.accuracy_lines == 0
