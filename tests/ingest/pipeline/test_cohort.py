from __future__ import annotations

import numpy as np
import pytest

from packs.calibration import Calibration
from packs.spec import Modality
from services.ingest.pipeline.clothes import alike_by
from services.ingest.pipeline.cohort import MARGIN, STEEPEST, against_cohort
from services.ingest.pipeline.relink import Relinker
from services.ingest.pipeline.settings import RelinkSettings
from services.ingest.pipeline.values import Fragment, Observation, Person, Point, Position, Shot

LINE = Calibration(slope=12.0, intercept=-7.2, slope_by_quality=4.0, intercept_by_quality=-4.0)


def test_strangers_who_look_unlike_change_nothing():
    assert against_cohort(LINE, np.array([0.1, 0.3, 0.5])) is LINE


def test_few_strangers_say_nothing():
    assert against_cohort(LINE, np.array([0.9, 0.9])) is LINE


def test_people_in_a_uniform_must_be_more_alike_than_strangers_are():
    moved = against_cohort(LINE, np.array([0.70, 0.75, 0.80]))
    assert LINE.logit(0.75) > 1.0
    assert moved.logit(0.75) < 0.0
    assert moved.logit(0.75 + MARGIN) == pytest.approx(0.0, abs=1e-9)
    # The best that can be seen says as much as before, and pairs in between keep their order.
    assert moved.logit(1.0) == pytest.approx(LINE.logit(1.0))
    assert (moved.slope_by_quality, moved.intercept_by_quality) == (4.0, -4.0)


@pytest.mark.parametrize("alike", [0.95, 1.0])
def test_noise_near_one_is_not_made_evidence(alike):
    assert against_cohort(LINE, np.full(6, alike)).slope == pytest.approx(STEEPEST * LINE.slope)


def look(own: float, seed: int) -> np.ndarray:
    """A uniform that all share, and a share of something of one's own."""
    mine = np.random.default_rng(seed).normal(size=16)
    mine[0] = 0.0
    vector = np.eye(1, 16)[0] + own * mine / np.linalg.norm(mine)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def test_a_tracker_sees_the_difference_in_one_picture():
    people = np.stack([look(0.5, seed) for seed in range(4)])
    alike = alike_by(LINE, 1.0)(people, people)
    alone = alike_by(LINE, 1.0)(people, people[:1])
    others = alike[~np.eye(4, dtype=bool)]
    # One column is no cohort: then a uniform makes everybody one.
    assert alone[1:].min() > 0.7
    assert float(np.median(others)) < 0.2
    assert np.diag(alike).min() > 0.95


def walk(first: int, last: int, x: float, worn: np.ndarray, number: int) -> Fragment:
    points = [
        Point(Position(n, n / 12.5), Person(np.array([x, 100, x + 90, 400], np.float32), 0.9))
        for n in range(first, last)
    ]
    seen = Observation(points[0].position, 1.0, np.zeros((4, 4, 3), np.uint8), worn, 4.0)
    return Fragment(points, {Modality.BODY: [seen]}, None, number)


def test_relinking_does_not_join_two_people_in_one_uniform():
    """Somebody leaves, and soon somebody else in the same clothes stands where they were."""
    stay = [walk(0, 40, 200.0 + 200.0 * k, look(0.5, k), k) for k in range(3)]
    gone, other, back = walk(0, 15, 900.0, look(0.5, 7), 7), walk(20, 40, 910.0, look(0.5, 8), 8), look(0.5, 7)
    shot = Shot(Position(0, 0.0), Position(40, 3.2), 0.04, 720, 1280, [*stay, gone, other], True, None)
    relinker = Relinker({Modality.BODY: LINE}, RelinkSettings())
    assert len(relinker.relink(shot)) == 5
    same = walk(20, 40, 910.0, back, 8)
    shot = Shot(Position(0, 0.0), Position(40, 3.2), 0.04, 720, 1280, [*stay, gone, same], True, None)
    assert len(relinker.relink(shot)) == 4
