from pathlib import Path

import pytest

from evaluation.heard import heard_figures, speaking_keys, wanted_by_voice
from evaluation.predictions import PredictedSpeech
from evaluation.truth import Film

LEFT = (0.0, 0.0, 50.0, 100.0)


@pytest.fixture
def film(truth, line) -> Film:
    tracklets = (
        truth("talks", 0, 100, LEFT),
        truth("mutters", 100, 200, LEFT),
        truth("tiny", 200, 300, LEFT, counts=False),
        truth("stranger", 0, 100, LEFT, identity="b"),
    )
    lines = (
        line("l0", 0.0, 0.6, tracklet="talks"),
        line("l1", 1.0, 1.6, tracklet="talks"),
        line("l2", 4.0, 4.6, tracklet="mutters"),
        line("l3", 8.0, 9.5, tracklet="tiny"),
        line("away", 20.0, 21.5),
        line("word", 23.0, 23.3),
        line("dub", 24.0, 25.0, dubbed=True),
    )
    return Film("film", Path("film.mp4"), 200, 100, 25.0, 26.0, tracklets, (), {}, lines)


def test_wanted_is_what_counts_and_speaks_for_a_second_in_sum(film: Film) -> None:
    assert wanted_by_voice([film]) == {"a": {"talks", "away", "dub"}}
    assert speaking_keys([film]) == {"a": {"talks", "mutters", "tiny", "away", "dub"}}


def test_hits_are_judged_as_by_hand(film: Film, answer) -> None:
    talks, mutters, _, stranger = film.tracklets
    lines = {line.key: line for line in film.speech}
    shown = {"t": talks, "m": mutters, "b": stranger}
    held = {
        "s": (PredictedSpeech("s", 20.0, 22.0), lines["away"]),
        "u": (PredictedSpeech("u", 1.0, 1.6), lines["l1"]),
    }
    # u: speech of talks that stands alone; m: speaks too little: both are ignored.
    hits = [("u", 0.9), ("m", 0.8), ("b", 0.7), ("s", 0.6), ("t", 0.4)]
    expanded, direct = answer("a", *hits, kind="voice"), answer("a", ("s", 0.9), kind="voice", expand=False)
    figures = heard_figures([film], [expanded], [direct], shown, held, 6)
    assert figures is not None
    assert figures.voice.mean_average_precision.value == pytest.approx((1 / 2 + 2 / 3) / 3)
    assert figures.voice_only.mean_average_precision.value == pytest.approx(1 / 3)
    # Here u finds talks at rank 1, and t is its repeat.
    assert figures.moments.mean_average_precision.value == pytest.approx((1 + 2 / 3) / 3)
    assert figures.verdicts.right == (True, True, False, True, True)
    assert figures.off_screen is not None
    assert figures.off_screen.recall.value == 1.0
    assert figures.off_screen.lines == 1
    assert figures.off_screen_span_iou == pytest.approx(0.75)


def test_without_voice_queries_nothing_is_said(film: Film) -> None:
    assert heard_figures([film], [], [], {}, {}, 0) is None
