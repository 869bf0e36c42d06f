from collections.abc import Callable
from pathlib import Path

from evaluation.demo.moments import Moment, compare
from evaluation.truth import Film, TruthTracklet
from personsearch.v1 import appearance_pb2, geometry_pb2, hit_pb2

LEFT, RIGHT = (0.0, 0.0, 50.0, 100.0), (100.0, 0.0, 150.0, 100.0)


def hit(name: str, score: float, start: int, end: int, box: tuple[float, float, float, float]) -> hit_pb2.Hit:
    person = geometry_pb2.Box(x_min=box[0] / 200, y_min=box[1] / 100, x_max=box[2] / 200, y_max=box[3] / 100)
    appearance = appearance_pb2.Appearance(
        appearance_id=name,
        span=geometry_pb2.Span(start_s=start / 25, end_s=end / 25),
        boxes=[geometry_pb2.KeyBox(time_s=start / 25, person=person)],
    )
    return hit_pb2.Hit(appearance=appearance, score=score)


def test_each_hit_is_told_right_or_wrong_and_each_moment_found_or_missed(truth: Callable[..., TruthTracklet]) -> None:
    tracklets = (
        truth("a1", 0, 50, LEFT, identity="a"),
        truth("a2", 100, 150, LEFT, identity="a", face_visible=False),
        truth("a3", 200, 250, LEFT, identity="a", counts=False),
        truth("b1", 0, 50, RIGHT, identity="b"),
    )
    film = Film("film", Path("film.mp4"), 200, 100, 25.0, 10.0, tracklets, (), {})
    hits = [hit("1", 0.9, 0, 50, LEFT), hit("2", 0.7, 0, 50, RIGHT), hit("3", 0.4, 100, 150, LEFT)]
    sighting = compare(hits, "a", film)
    assert [(moment, round(score, 2)) for moment, score in sighting.right] == [(Moment(0.0, 2.0), 0.9)]
    assert [moment for moment, _ in sighting.wrong] == [Moment(0.0, 2.0)]
    assert sighting.missed == ((Moment(4.0, 6.0), False),)
    assert sighting.found_count == 1
