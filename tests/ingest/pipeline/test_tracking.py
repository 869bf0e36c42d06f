"""The tracker in a toy world of people who walk, cross and hide each other, seen by an imperfect detector."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from packs.detections import suppress
from services.ingest.pipeline.geometry import inside_share
from services.ingest.pipeline.motion import BoxFilter
from services.ingest.pipeline.settings import TrackerSettings
from services.ingest.pipeline.tracking import Tracker
from services.ingest.pipeline.values import Person, Position

RATE_HZ = 12.5


def colours_of(person: int, random: np.random.Generator, noise: float) -> np.ndarray:
    base = np.random.default_rng(100 + person).gamma(0.4, size=40)
    seen = np.sqrt(np.maximum(base / base.sum() + random.normal(0.0, noise, 40) / 40.0, 0.0))
    return (seen / np.linalg.norm(seen)).astype(np.float32)


class World:
    """People who walk to and fro at their own depth; who is nearer hides who is farther."""

    def __init__(self, people: int, seed: int, colour_noise: float = 0.5) -> None:
        self.random = np.random.default_rng(seed)
        self.colour_noise = colour_noise
        self.heights = self.random.uniform(200.0, 420.0, people)
        self.x = self.random.uniform(200.0, 1080.0, people)
        self.speed = self.random.uniform(60.0, 220.0, people) * self.random.choice([-1.0, 1.0], people)

    def step(self) -> None:
        self.x += self.speed / RATE_HZ
        turning = (self.x < 100.0) | (self.x > 1180.0) | (self.random.random(len(self.x)) < 0.01)
        self.speed = np.where(turning, -self.speed, self.speed)
        self.x = np.clip(self.x, 90.0, 1190.0)

    def boxes(self) -> np.ndarray:
        width = self.heights * 0.35
        return np.stack(
            [self.x - width / 2, 300.0 - self.heights * 0.3, self.x + width / 2, 300.0 + self.heights * 0.7], axis=1
        ).astype(np.float32)

    def visibility(self) -> np.ndarray:
        shares = inside_share(self.boxes(), self.boxes())
        nearer = self.heights[None] > self.heights[:, None]
        return 1.0 - np.max(np.where(nearer, shares, 0.0), axis=1)

    def detections(self) -> tuple[list[Person], list[int]]:
        boxes, seen = self.boxes(), self.visibility()
        persons, owners = [], []
        for number, (box, share) in enumerate(zip(boxes, seen, strict=True)):
            if share < 0.25 or self.random.random() < 0.04:
                continue
            size = np.tile(box[2:] - box[:2], 2)
            score = float(np.clip(0.35 + 0.6 * share + self.random.normal(0.0, 0.08), 0.0, 1.0))
            jittered = (box + self.random.normal(0.0, 0.025, 4) * size).astype(np.float32)
            colours = colours_of(number, self.random, self.colour_noise + 4.0 * (1.0 - share))
            persons.append(Person(jittered, score, clothes=colours))
            owners.append(number)
        if not persons:
            return [], []
        keep = suppress(np.stack([one.box for one in persons]), np.array([one.score for one in persons]), 0.65)
        return [persons[index] for index in keep], [owners[index] for index in keep]


def follow(people: int, seed: int, seconds: float = 20.0, **world) -> tuple[int, int, Counter]:
    """Return switches, tracks made, and how many frames each person was followed in."""
    scene, tracker = World(people, seed, **world), Tracker(TrackerSettings())
    last: dict[int, int] = {}
    roots: dict[int | None, int] = {}
    switches, followed = 0, Counter()
    for number in range(int(seconds * RATE_HZ)):
        persons, owners = scene.detections()
        owner_of = {id(person): owner for person, owner in zip(persons, owners, strict=True)}
        for track, person in tracker.update(Position(number * 2, number / RATE_HZ), persons):
            owner = owner_of[id(person)]
            followed[owner] += 1
            # A track that is taken up after a crossing is the same one as far as motion and clothes can tell.
            root = roots[track.number] = roots.get(track.number, roots.get(track.continues, track.number))
            switches += last.get(owner, root) != root
            last[owner] = root
        scene.step()
    return switches, len(tracker.finish()), followed


def test_people_who_do_not_meet_are_followed_without_a_break():
    for seed in range(5):
        switches, tracks, followed = follow(1, seed)
        assert (switches, tracks) == (0, 1)
        assert followed[0] > 220


def test_people_who_cross_are_seldom_mixed_up():
    total = sum(follow(4, seed)[0] for seed in range(10))
    # 10 worlds x 4 people x 20 s: 800 seconds of people who cross all the time.
    assert total / 800.0 <= 0.03


def test_clothes_help_to_tell_who_is_who():
    with_clothes = sum(follow(5, seed)[0] for seed in range(6))
    without = sum(follow(5, seed, colour_noise=60.0)[0] for seed in range(6))
    assert with_clothes < without


def person_at(x: float, score: float = 0.9) -> Person:
    return Person(np.array([x, 100.0, x + 70.0, 300.0], np.float32), score)


def test_weak_detections_continue_a_track_but_begin_none():
    tracker = Tracker(TrackerSettings())
    for number in range(20):
        tracker.update(Position(number, number / RATE_HZ), [person_at(100.0 + number, 0.9 if number < 8 else 0.2)])
    tracker.update(Position(20, 20 / RATE_HZ), [person_at(120.0), person_at(600.0, 0.2)])
    (track,) = tracker.finish()
    assert len(track.points) == 21


def test_a_short_gap_is_bridged_and_a_long_one_is_not():
    for gap, expected in ((8, 1), (40, 2)):
        tracker = Tracker(TrackerSettings())
        for number in range(20 + gap):
            seen = [] if 10 <= number < 10 + gap else [person_at(100.0 + number)]
            tracker.update(Position(number, number / RATE_HZ), seen)
        assert len(tracker.finish()) == expected


def test_flickers_are_no_people():
    tracker = Tracker(TrackerSettings())
    for number in range(40):
        seen = [person_at(100.0 + 40 * (number // 20) * 10)] if number % 20 < 2 else []
        tracker.update(Position(number, number / RATE_HZ), seen)
    assert tracker.finish() == []


def test_tracks_come_in_the_order_that_names_them():
    tracker = Tracker(TrackerSettings())
    for number in range(12):
        late = [person_at(10.0)] if number >= 4 else []
        tracker.update(Position(number, number / RATE_HZ), [person_at(700.0), person_at(300.0), *late])
    starts = [(track.points[0].position.frame, float(track.points[0].person.box[0])) for track in tracker.finish()]
    assert starts == [(0, 300.0), (0, 700.0), (4, 10.0)]


def test_the_filter_learns_a_speed_and_forgets_it_when_blind():
    box = np.array([0.0, 0.0, 50.0, 150.0], np.float32)
    moving = BoxFilter(box, 0.0)
    for number in range(1, 20):
        moving.predict(number * 0.08)
        moving.correct(box + np.array([8.0, 0.0, 8.0, 0.0], np.float32) * number)
    soon = moving.predict(20 * 0.08)
    assert soon[0] == pytest.approx(160.0, abs=4.0)
    later = moving.predict(20 * 0.08 + 5.0)
    assert later[0] < 160.0 + 60.0
    assert np.allclose(later[2:] - later[:2], [50.0, 150.0], atol=5.0)
