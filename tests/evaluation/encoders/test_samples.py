from pathlib import Path

from evaluation.encoders.samples import places_by_frame, voice_labels
from evaluation.truth import Film
from packs.spec import Modality

LEFT, FACE = (0.0, 0.0, 50.0, 100.0), (10.0, 0.0, 40.0, 30.0)


def test_crops_are_spread_over_the_frames_in_which_they_can_be_seen(truth, line) -> None:
    tracklets = (
        truth("long", 0, 80, LEFT, face=FACE, scene="s"),
        truth("turned", 100, 103, LEFT),
        truth("tiny", 200, 300, LEFT, face=FACE, counts=False),
    )
    film = Film("film", Path("film.mp4"), 200, 100, 25.0, 12.0, tracklets, (), {})
    places = places_by_frame(film)
    assert sorted(places) == [10, 30, 50, 70, 100, 101, 102]
    assert [(place.modality, place.label.group) for place in places[10]] == [
        (Modality.BODY, "long"),
        (Modality.FACE, "long"),
    ]
    assert places[10][1].box.tolist() == list(FACE)
    assert places[10][0].label.scene == "s"


def test_lines_of_a_second_are_taken(line) -> None:
    lines = (line("l0", 0.0, 1.0), line("l1", 2.0, 2.9))
    film = Film("film", Path("film.mp4"), 200, 100, 25.0, 12.0, (), (), {}, lines)
    assert [(span, label.group) for span, label in voice_labels(film)] == [((0.0, 1.0), "l0")]
