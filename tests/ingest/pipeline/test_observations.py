from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from packs.calibration import Calibration
from packs.spec import Modality
from services.ingest.pipeline.aggregate import aggregate
from services.ingest.pipeline.observations import Collector, SpreadBest
from services.ingest.pipeline.relink import Relinker
from services.ingest.pipeline.settings import ObservationSettings, RelinkSettings
from services.ingest.pipeline.tracking import Track
from services.ingest.pipeline.values import Fragment, Frame, Observation, Person, Point, Position, Shot

RANDOM = np.random.default_rng(3)
CROP = np.zeros((4, 4, 3), np.uint8)


def seen(time_s: float, quality: float, vector=None, norm: float = 1.0) -> Observation:
    return Observation(Position(round(time_s * 25), time_s), quality, CROP, vector, norm)


def unit(vector) -> np.ndarray:
    return (np.asarray(vector) / np.linalg.norm(vector)).astype(np.float32)


def test_the_best_are_kept_and_spread_over_time():
    keeper = SpreadBest(6)
    for number in range(1000):
        # A minute and more, with a long stretch of excellent neighbours.
        keeper.add(seen(number * 0.08, 0.9 if 100 <= number < 200 else 0.5 + 0.3 * RANDOM.random()))
    best = keeper.best()
    assert len(best) == 6
    assert sum(one.quality == 0.9 for one in best) >= 1
    times = [one.position.time_s for one in best]
    assert times == sorted(times)
    assert times[-1] - times[0] > 20.0


def test_memory_is_bounded_however_long_it_lasts():
    keeper = SpreadBest(8)
    for number in range(5000):
        keeper.add(seen(number * 0.08, float(RANDOM.random())))
        assert len(keeper._kept) <= 16


def test_a_short_track_gives_what_it_has():
    keeper = SpreadBest(8)
    for number in range(3):
        keeper.add(seen(number * 0.3, 0.5))
    assert len(keeper.best()) == 3


def test_good_observations_count_more_than_bad_ones():
    good, bad = unit([1.0, 0.2, 0.0, 0.0]), unit([0.2, 1.0, 0.0, 0.0])
    joined = aggregate([seen(0.0, 0.9, good), seen(1.0, 0.1, bad)])
    assert joined.vector @ good > 0.95
    assert np.linalg.norm(joined.vector) == pytest.approx(1.0, abs=1e-6)
    assert 0.0 <= joined.quality <= 1.0


def test_a_stranger_among_many_does_no_harm():
    own = [unit(np.array([1.0, 0.0, 0.0, 0.0]) + RANDOM.normal(0.0, 0.1, 4)) for _ in range(5)]
    stranger = unit([-0.1, 0.0, 1.0, 0.0])
    joined = aggregate([*(seen(n, 0.6, vector) for n, vector in enumerate(own)), seen(6.0, 0.9, stranger, norm=1.5)])
    assert joined.vector @ unit(np.mean(own, axis=0)) > 0.98


def test_without_embeddings_there_is_nothing_to_join():
    assert aggregate([]) is None
    assert aggregate([seen(0.0, 0.5)]) is None


def frame(number: int) -> Frame:
    noise = RANDOM.integers(0, 255, (360, 640, 3)).astype(np.uint8)
    return Frame(Position(number, number / 25.0), noise)


def person(x: float, width: float = 80.0, face_px: float | None = 30.0) -> Person:
    box = np.array([x, 40.0, x + width, 300.0], np.float32)
    face = None if face_px is None else np.array([x + 20, 50.0, x + 20 + face_px, 50.0 + face_px], np.float32)
    return Person(box, 0.9, face=face, face_score=0.8)


def collect(people: list[list[Person]], modalities=(Modality.FACE, Modality.BODY), **settings) -> list[Fragment]:
    collector = Collector(lambda modality, image, box: CROP + 1, modalities, ObservationSettings(**settings))
    tracks: list[Track] = []
    for number, persons in enumerate(people):
        at = frame(number * 2)
        for index, one in enumerate(persons):
            if index == len(tracks):
                tracks.append(Track(index, Point(at.position, one)))
            else:
                tracks[index].extend(Point(at.position, one))
        collector.look(at, list(zip(tracks, persons, strict=False)))
    return collector.fragments(tracks)


def test_faces_that_are_too_small_are_not_kept():
    small, large = collect([[person(50.0, face_px=12.0), person(400.0, face_px=20.0)]] * 4)
    assert Modality.FACE not in small.observations
    assert Modality.FACE in large.observations
    assert Modality.BODY in small.observations


def test_heads_are_kept_where_a_pack_knows_them():
    def with_head(x: float, width: float) -> Person:
        return replace(person(x, face_px=None), head=np.array([x + 20, 45.0, x + 20 + width, 85.0], np.float32))

    people = [[with_head(50.0, 10.0), with_head(400.0, 30.0), person(200.0)]] * 8
    narrow, wide, unseen = collect(people, (Modality.HEAD, Modality.BODY), heads=2)
    assert Modality.HEAD not in narrow.observations
    assert Modality.HEAD not in unseen.observations
    assert 1 <= len(wide.observations[Modality.HEAD]) <= 2
    assert all(Modality.HEAD not in one.observations for one in collect(people))


def test_the_key_frame_is_a_picture_of_bounded_size():
    (one,) = collect([[person(50.0)]] * 3, key_frame_px=320)
    picture = cv2.imdecode(np.frombuffer(one.key_frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (180, 320, 3)


def test_who_stands_behind_another_is_seen_worse():
    front = Person(np.array([100.0, 60.0, 200.0, 340.0], np.float32), 0.9)
    back = Person(np.array([110.0, 40.0, 190.0, 300.0], np.float32), 0.9)
    ahead, behind = collect([[front, back]] * 2)
    assert ahead.observations[Modality.BODY][0].quality > 2 * behind.observations[Modality.BODY][0].quality


def fragment(
    first_s: float, last_s: float, x: float, vector, step: float = 0.08, end_x: float | None = None
) -> Fragment:
    times = np.arange(first_s, last_s + 1e-6, step)
    places = np.linspace(x, x if end_x is None else end_x, len(times))
    points = [
        Point(Position(round(time_s * 25), float(time_s)), person(float(place), face_px=None))
        for time_s, place in zip(times, places, strict=True)
    ]
    return Fragment(points, {Modality.BODY: [seen(first_s, 0.8, unit(vector))]})


def relinked(*fragments: Fragment, **settings) -> list[Fragment]:
    relinker = Relinker({Modality.BODY: Calibration(slope=12.0, intercept=-6.0)}, RelinkSettings(**settings))
    shot = Shot(Position(0, 0.0), Position(500, 20.0), 0.04, 360, 640, list(fragments), False)
    return relinker.relink(shot)


RED, BLUE = [1.0, 0.1, 0.0], [0.0, 0.1, 1.0]


def test_fragments_of_one_person_are_joined_over_several_gaps():
    people = relinked(
        fragment(0.0, 2.0, 100.0, RED),
        fragment(3.0, 5.0, 150.0, RED),
        fragment(6.5, 8.0, 200.0, RED),
        fragment(0.0, 8.0, 420.0, BLUE),
    )
    spans = [(one.first.position.time_s, one.last.position.time_s) for one in people]
    assert spans == [(0.0, pytest.approx(8.0, abs=0.1)), (0.0, pytest.approx(8.0, abs=0.1))]
    assert len(people[0].observations[Modality.BODY]) == 3


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(fragment(3.0, 5.0, 150.0, BLUE), id="someone else"),
        pytest.param(fragment(1.0, 5.0, 150.0, RED), id="at the same time"),
        pytest.param(fragment(9.0, 12.0, 150.0, RED), id="too late"),
        pytest.param(fragment(2.3, 4.0, 560.0, RED), id="too far"),
    ],
)
def test_others_stay_apart(second):
    assert len(relinked(fragment(0.0, 2.0, 100.0, RED), second)) == 2


def test_who_left_the_picture_and_comes_back_is_a_new_tracklet():
    leaves = fragment(0.0, 2.0, 100.0, RED, end_x=0.0)
    assert len(relinked(leaves, fragment(3.5, 5.0, 0.0, RED, end_x=90.0))) == 2
    assert len(relinked(leaves, fragment(2.8, 5.0, 0.0, RED, end_x=90.0))) == 1


def test_without_calibration_nothing_is_joined():
    shot = Shot(
        Position(0, 0.0), Position(500, 20.0), 0.04, 360, 640,
        [fragment(0.0, 2.0, 100.0, RED), fragment(3.0, 5.0, 120.0, RED)], False,
    )  # fmt: skip
    assert len(Relinker({}, RelinkSettings()).relink(shot)) == 2
