"""Where paths lead, and what that says about who is who."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from services.ingest.pipeline.paths import Path, _log_ratio, motion_evidence, path_end
from services.ingest.pipeline.settings import MotionSettings
from services.ingest.pipeline.values import Person, Point, Position

RATE_HZ = 12.5
MOTION = MotionSettings()


def walk(first: int, last: int, x: float, speed: float, height: float = 300.0, noise: float = 0.0) -> list[Point]:
    """Points of somebody who is at `x` pixels in frame 0 and walks at `speed` pixels a frame."""
    random = np.random.default_rng(first)
    points = []
    for frame in range(first, last):
        middle, width = x + speed * frame, 0.3 * height
        box = np.array([middle - width / 2, 500.0 - height, middle + width / 2, 500.0])
        box = (box + random.normal(0.0, noise * height, 4)).astype(np.float32)
        points.append(Point(Position(frame, frame / RATE_HZ), Person(box, 0.9)))
    return points


def evidence(earlier: list[Point], later: list[Point]) -> float:
    return motion_evidence(path_end(earlier, MOTION), path_end(later, MOTION, beginning=True), MOTION)


def test_the_end_of_a_path_has_its_place_and_speed() -> None:
    end = path_end(walk(0, 30, 100.0, 8.0), MOTION)
    assert end.time_s == pytest.approx(29 / RATE_HZ)
    assert end.place[0] * end.height_px == pytest.approx(100.0 + 8.0 * 29, abs=4.0)
    assert end.place[2] == pytest.approx(np.log(300.0), abs=1e-3)
    # Held a little towards standing: half a second says no more.
    assert 0.75 * 8.0 < end.speed[0] * end.height_px / RATE_HZ <= 8.0
    assert end.speed[1] == pytest.approx(0.0, abs=1e-6)


def test_the_fit_is_the_one_of_the_normal_equations() -> None:
    points = walk(0, 7, 100.0, 5.0, noise=0.02)
    times = np.array([point.position.time_s for point in points]) - points[-1].position.time_s
    boxes = np.stack([point.person.box for point in points]).astype(np.float64)
    unit = np.median(boxes[:, 3] - boxes[:, 1])
    middles = (boxes[:, 0] + boxes[:, 2]) / 2.0 / unit
    # The prior of the speed as one more observation of it: speed 0, in units of its own deviation.
    rows = np.stack([np.append(np.ones(7), 0.0), np.append(times, MOTION.box_sd / MOTION.speed_sd_s)], axis=1)
    wanted = np.linalg.lstsq(rows, np.append(middles, 0.0), rcond=None)[0]
    end = path_end(points, MOTION)
    assert (end.place[0], end.speed[0]) == pytest.approx(wanted, abs=1e-4)


def test_a_single_point_stands_still_and_knows_that_it_does_not_know() -> None:
    end = path_end(walk(3, 4, 100.0, 8.0), MOTION)
    assert np.allclose(end.speed, 0.0)
    assert end.covariance[1, 1] == pytest.approx(MOTION.speed_sd_s**2)


def test_who_walks_on_is_the_same_and_who_stands_there_is_not() -> None:
    before = walk(0, 20, 100.0, 12.0, noise=0.02)
    same = evidence(before, walk(30, 50, 100.0, 12.0, noise=0.02))
    # Somebody who stands where the walker would be at half time.
    other = evidence(before, walk(30, 50, 100.0 + 12.0 * 25, 0.0, noise=0.02))
    assert same > max(1.5, other + 1.5)


def test_people_of_other_heights_are_others() -> None:
    before = walk(0, 20, 100.0, 0.0, 300.0)
    same = evidence(before, walk(25, 45, 100.0, 0.0, 300.0))
    assert same > 2.0
    assert evidence(before, walk(25, 45, 100.0, 0.0, 210.0)) < same - 1.5


def test_the_ratio_is_that_of_the_densities() -> None:
    found, own, others = np.array([0.1, -0.2]), np.array([[0.02, 0.01], [0.01, 0.05]]), np.diag([0.25, 0.16])
    densities = [multivariate_normal([0.0, 0.0], spread).logpdf(found) for spread in (own, own + others)]
    assert _log_ratio(found, own, others) == pytest.approx(densities[0] - densities[1])


def test_the_evidence_does_not_depend_on_the_scale_of_the_picture() -> None:
    pairs = [
        (walk(0, 20, 50.0 * scale, 6.0 * scale, 150.0 * scale), walk(26, 40, 55.0 * scale, 6.0 * scale, 150.0 * scale))
        for scale in (1.0, 2.0)
    ]
    # The foot stands 500 px down in both; only what moves is compared.
    assert evidence(*pairs[0]) == pytest.approx(evidence(*pairs[1]), abs=1e-3)


def test_motion_is_never_sure() -> None:
    impossible = evidence(walk(0, 20, 0.0, 0.0), walk(20, 40, 900.0, 0.0))
    assert impossible == pytest.approx(np.log(MOTION.surprise), abs=0.01)
    assert evidence(walk(0, 20, 0.0, 0.0), walk(20, 40, 0.0, 0.0)) <= MOTION.most_evidence
    long_ago = evidence(walk(0, 20, 0.0, 0.0), walk(70, 90, 0.0, 0.0))
    soon = evidence(walk(0, 20, 0.0, 0.0), walk(22, 42, 0.0, 0.0))
    assert long_ago < soon


def test_a_path_leads_through_its_gap() -> None:
    points = walk(0, 60, 100.0, 8.0)
    path = Path(points[:20] + points[35:], MOTION)
    assert path.spans(27)
    assert not path.holds(27)
    for frame in range(20, 35):
        assert path.box_at(frame, frame / RATE_HZ) == pytest.approx(points[frame].person.box, abs=12.0)


def test_a_path_is_believed_only_a_little_beyond_its_end() -> None:
    path = Path(walk(10, 30, 100.0, 8.0), MOTION)
    soon = path.box_at(33, 33 / RATE_HZ)
    assert soon is not None
    assert (soon[0] + soon[2]) / 2.0 == pytest.approx(100.0 + 8.0 * 33, abs=15.0)
    assert path.box_at(40, 40 / RATE_HZ) is None
    assert path.box_at(8, 8 / RATE_HZ) is not None
    assert path.box_at(0, 0.0) is None
    assert not path.spans(33)
