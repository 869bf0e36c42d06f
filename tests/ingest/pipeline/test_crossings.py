"""Who comes out of a crossing is begun anew, and told apart by what was seen before."""

from __future__ import annotations

import numpy as np

from packs.calibration import Calibration
from packs.spec import Modality
from services.ingest.pipeline.crossings import Crossings
from services.ingest.pipeline.relink import Relinker
from services.ingest.pipeline.settings import RelinkSettings, TrackerSettings
from services.ingest.pipeline.tracking import Tracker
from services.ingest.pipeline.values import Fragment, Observation, Person, Point, Position, Shot

BODY = {Modality.BODY: Calibration(slope=15.0, intercept=-6.0)}


def box(x: float) -> np.ndarray:
    return np.array([x, 100.0, x + 100.0, 400.0], np.float32)


def test_a_pair_parts_once_it_has_come_apart_again() -> None:
    crossings = Crossings(0.5, 0.3)
    assert crossings.update({1: box(0), 2: box(200)}) == frozenset()
    assert crossings.update({1: box(0), 2: box(40)}) == frozenset()
    assert crossings.involves(1)
    assert crossings.involves(2)
    assert crossings.update({1: box(0)}) == frozenset(), "who is hidden is still there"
    assert crossings.update({1: box(0), 2: box(60)}) == frozenset(), "not far enough"
    assert crossings.update({1: box(0), 2: box(90)}) == {1, 2}
    assert not crossings.involves(1)


def test_people_side_by_side_never_cross() -> None:
    crossings = Crossings(0.5, 0.3)
    assert all(not crossings.update({1: box(0), 2: box(70)}) for _ in range(5))
    assert not crossings.involves(1)


def test_a_forgotten_track_parts_from_nobody() -> None:
    crossings = Crossings(0.5, 0.3)
    crossings.update({1: box(0), 2: box(40)})
    crossings.forget(2)
    assert crossings.update({1: box(0), 2: box(400)}) == frozenset()


def test_the_tracker_begins_both_anew_where_they_come_apart() -> None:
    tracker = Tracker(TrackerSettings())
    for number in range(40):
        left, right = box(100.0 + 10.0 * number), box(500.0 - 10.0 * number)
        tracker.update(Position(number, number / 12.5), [Person(left, 0.9), Person(right, 0.9)])
    tracks = tracker.finish()
    assert len(tracks) == 4
    assert {track.continues for track in tracks if track.continues is not None} == {
        track.number for track in tracks if track.continued
    }


def fragment(start: int, x: float, look: np.ndarray, number: int, continues: int | None = None) -> Fragment:
    points = [Point(Position(n, n / 12.5), Person(box(x), 0.9)) for n in range(start, start + 10)]
    seen = Observation(points[0].position, 1.0, np.zeros((4, 4, 3), np.uint8), look, 1.0)
    return Fragment(points, {Modality.BODY: [seen]}, None, number, continues)


def relinked(*fragments: Fragment) -> list[list[int]]:
    shot = Shot(Position(0, 0.0), Position(40, 3.2), 0.08, 720, 1280, list(fragments), False)
    people = Relinker(BODY, RelinkSettings()).relink(shot)
    return [[point.position.frame for point in one.points] for one in people]


RED, BLUE = np.eye(2, 8, dtype=np.float32)


def test_clothes_undo_what_motion_mixed_up() -> None:
    before = fragment(0, 100, RED, 0), fragment(0, 160, BLUE, 1)
    after = fragment(10, 100, BLUE, 2, continues=0), fragment(10, 160, RED, 3, continues=1)
    shot = Shot(Position(0, 0.0), Position(40, 3.2), 0.08, 720, 1280, [*before, *after], False)
    people = Relinker(BODY, RelinkSettings()).relink(shot)
    looks = [{int(np.argmax(seen.vector)) for seen in one.observations[Modality.BODY]} for one in people]
    assert looks == [{0}, {1}]


def test_motion_decides_where_nothing_was_seen() -> None:
    before, after = fragment(0, 100, RED, 0), fragment(10, 110, RED, 1, continues=0)
    before.observations, after.observations = {}, {}
    assert relinked(before, after) == [[*range(20)]]


def test_motion_does_not_join_two_strangers() -> None:
    assert len(relinked(fragment(0, 100, RED, 0), fragment(10, 110, BLUE, 1, continues=0))) == 2
