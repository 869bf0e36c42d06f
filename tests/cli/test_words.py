import pytest

from personsearch.cli.words import clock, file_name, percent, place_in_words, seconds_from_clock
from personsearch.v1 import geometry_pb2


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (62.9, "1:02"), (3600, "1:00:00"), (36_725.0, "10:12:05")])
def test_a_clock_reads_as_a_player_shows_it(seconds: float, text: str) -> None:
    assert clock(seconds) == text
    assert seconds_from_clock(text) == int(seconds)


@pytest.mark.parametrize("text", ["", "x", "1:2:3:4", "-3", "1:-2"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="m:ss"):
        seconds_from_clock(text)


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0, "0 %"), (1e-5, "<0.1 %"), (0.004, "0.4 %"), (0.871, "87 %"), (0.9999, "99 %"), (1.0, "100 %")],
)
def test_only_certainty_is_100_percent(fraction: float, text: str) -> None:
    assert percent(fraction) == text


def test_places() -> None:
    assert place_in_words(geometry_pb2.Box(x_min=0.4, y_min=0.4, x_max=0.6, y_max=0.6)) == "middle centre"
    assert place_in_words(geometry_pb2.Box(x_min=0.9, y_min=0.0, x_max=1.0, y_max=0.2)) == "upper right"


def test_file_names_come_from_paths_and_uris() -> None:
    assert file_name("/films/a b.mp4") == file_name("file:///films/a%20b.mp4") == "a b.mp4"
