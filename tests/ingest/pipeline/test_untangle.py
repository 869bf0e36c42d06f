"""Boxes found where people overlap go to those whose paths lead through them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from packs.calibration import Calibration
from packs.spec import Modality
from services.ingest.pipeline.relink import Relinker, _mouths_of
from services.ingest.pipeline.settings import MotionSettings, RelinkSettings
from services.ingest.pipeline.untangle import settle, untangle
from services.ingest.pipeline.values import Fragment, MouthSeen, Observation, Person, Point, Position, Shot

MOTION = MotionSettings()
UNIFORM = np.eye(1, 8, dtype=np.float32)[0]


def point(frame: int, x: float, *, crossing: bool = False, height: float = 300.0) -> Point:
    box = np.array([x - 45.0, 500.0 - height, x + 45.0, 500.0], np.float32)
    return Point(Position(frame, frame / 12.5), Person(box, 0.9), crossing)


def fragment(points: list[Point], number: int, continues: int | None = None) -> Fragment:
    seen = Observation(points[0].position, 1.0, np.zeros((4, 4, 3), np.uint8), UNIFORM, 1.0)
    return Fragment(points, {Modality.BODY: [seen]}, None, number, continues)


def right(frame: int) -> float:
    return 200.0 + 12.0 * frame


def left(frame: int) -> float:
    return 680.0 - 12.0 * frame


def frames(one: Fragment) -> list[int]:
    return [each.position.frame for each in one.points]


def middles(one: Fragment) -> list[float]:
    return [float(each.person.box[0] + each.person.box[2]) / 2.0 for each in one.points]


def test_overlapping_ends_are_laid_aside() -> None:
    one = fragment([point(n, right(n)) for n in range(20)], 0)
    other = fragment([point(n, left(n)) for n in range(20)], 1)
    clear, loose = untangle([one, other], MOTION)
    # They meet in frame 20, at 24 px a frame: from 18 on a quarter of a box of 90 px lies in the other one.
    assert [frames(each) for each in clear] == [[*range(18)], [*range(18)]]
    assert [(each.point, each.anchor) for each in loose] == [
        (whose.points[n], whose.points[0]) for whose in (one, other) for n in (18, 19)
    ]


def test_who_was_hidden_makes_a_point_unsure_without_a_second_box() -> None:
    points = [point(n, right(n), crossing=10 <= n < 20) for n in range(20)]
    (clear,), loose = untangle([fragment(points, 0)], MOTION)
    assert frames(clear) == [*range(10)]
    assert [each.point for each in loose] == points[10:]


def test_what_is_tangled_from_end_to_end_stays_whole() -> None:
    one = fragment([point(n, 300.0) for n in range(10)], 0)
    other = fragment([point(n, 320.0) for n in range(10)], 1)
    clear, loose = untangle([one, other], MOTION)
    assert [frames(each) for each in clear] == [[*range(10)], [*range(10)]]
    assert loose == []


def test_boxes_go_to_those_whose_path_leads_through_them() -> None:
    walker = fragment([point(n, right(n)) for n in (*range(15), *range(25, 40))], 0)
    stander = fragment([point(n, 440.0) for n in (*range(15), *range(25, 40))], 1)
    # A tracker mixed both up in the middle of the tangle, from frame 20 on.
    mixed = [point(n, right(n) if n < 20 else 440.0, crossing=True) for n in range(15, 25)]
    anchored = untangle([replace(walker, points=walker.points[:15] + mixed)], MOTION)[1]
    people = settle([walker, stander], anchored, MOTION)
    assert frames(people[0]) == [*range(20), *range(25, 40)]
    assert frames(people[1]) == [*range(15), *range(20, 40)]
    assert set(middles(people[1])) == {440.0}


def test_a_box_that_fits_nobody_is_dropped_where_the_path_goes_on_and_kept_where_it_ends() -> None:
    strays = [point(n, right(n) - 150.0, crossing=True) for n in range(15, 20)]
    before, after = [point(n, right(n)) for n in range(15)], [point(n, right(n)) for n in range(25, 40)]
    loose = untangle([fragment(before + strays, 0)], MOTION)[1]
    (known,) = settle([fragment(before + after, 0)], loose, MOTION)
    assert frames(known) == [*range(15), *range(25, 40)]
    (ending,) = settle([fragment(before, 0)], loose, MOTION)
    assert frames(ending) == [*range(20)]


def test_nobody_gets_two_boxes_of_one_frame() -> None:
    before = [point(n, right(n)) for n in range(15)]
    doubled = [point(15, right(15), crossing=True), point(15, right(15) + 5.0, crossing=True)]
    loose = [each for one in doubled for each in untangle([fragment([*before, one], 0)], MOTION)[1]]
    (person,) = settle([fragment(before, 0)], loose, MOTION)
    assert frames(person) == [*range(16)]


def relinked(*fragments: Fragment) -> list[Fragment]:
    shot = Shot(Position(0, 0.0), Position(60, 4.8), 0.08, 720, 1280, list(fragments), False)
    return Relinker({Modality.BODY: Calibration(slope=10.0, intercept=-5.0)}, RelinkSettings()).relink(shot)


def test_people_in_one_uniform_who_cross_are_told_apart_by_their_paths() -> None:
    swapped = range(17, 24)
    one = fragment([point(n, right(n), crossing=n in swapped) for n in range(24)], 0)
    other = fragment([point(n, left(n), crossing=n in swapped) for n in range(24)], 1)
    # The tracker took each for the other when they came apart.
    follows_one = fragment([point(n, left(n)) for n in range(24, 45)], 2, continues=0)
    follows_other = fragment([point(n, right(n)) for n in range(24, 45)], 3, continues=1)
    people = relinked(one, other, follows_one, follows_other)
    assert [frames(each) for each in people] == [[*range(45)], [*range(45)]]
    assert middles(people[0]) == [right(n) for n in range(45)]
    assert middles(people[1]) == [left(n) for n in range(45)]


def test_who_turns_back_in_a_crossing_is_found_by_the_clothes() -> None:
    blue = np.eye(2, 8, dtype=np.float32)[1]
    one = fragment([point(n, right(n), crossing=n >= 17) for n in range(24)], 0)
    other = fragment([point(n, left(n), crossing=n >= 17) for n in range(24)], 1)
    turned = fragment([point(n, left(n)) for n in range(24, 45)], 2, continues=1)
    back = fragment([point(n, right(n)) for n in range(24, 45)], 3, continues=0)
    for each in (other, back):
        each.observations[Modality.BODY][0].vector = blue
    people = relinked(one, other, turned, back)
    looks = [{int(np.argmax(seen.vector)) for seen in each.observations[Modality.BODY]} for each in people]
    assert looks == [{0}, {1}]


def test_two_weak_joins_do_not_take_the_place_of_a_strong_one() -> None:
    red, pink = np.eye(2, 8, dtype=np.float32)[0], np.array([0.8, 0.6, 0, 0, 0, 0, 0, 0], np.float32)
    goes = fragment([point(n, 300.0) for n in range(10)], 0)
    comes = fragment([point(n, 300.0) for n in range(18, 28)], 1)
    # Both of these could be joined to one of those, but not to each other: they are seen at once.
    long_seen = fragment([point(n, 375.0) for n in range(16)], 2)
    late = fragment([point(n, 225.0) for n in range(14, 28)], 3)
    for one, look in ((goes, red), (comes, red), (long_seen, pink), (late, pink)):
        one.observations[Modality.BODY][0].vector = look
    assert len(relinked(long_seen, comes)) == len(relinked(goes, late)) == 1
    people = relinked(goes, comes, long_seen, late)
    assert [set(middles(each)) for each in people] == [{300.0}, {375.0}, {225.0}]


def test_mouths_of_joined_parts_are_in_order_and_seen_once() -> None:
    """The track of one part may have gone on while the next had begun; the mouth's motion is read in order of time."""
    first, second = (
        fragment([point(n, right(n)) for n in span], k) for k, span in enumerate((range(10), range(9, 20)))
    )
    patch = np.zeros((56, 40), np.uint8)
    first.mouths = [MouthSeen(n / 25.0, patch, 20.0) for n in range(24)]
    second.mouths = [MouthSeen(n / 25.0, patch, 90.0) for n in range(18, 40)]
    times = [mouth.time_s for mouth in _mouths_of([first, second])]
    assert times == [n / 25.0 for n in range(40)]
    assert [mouth.height_px for mouth in _mouths_of([first, second])][17:25] == [20.0] * 7 + [90.0]
