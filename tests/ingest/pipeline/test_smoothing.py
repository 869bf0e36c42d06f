"""Paths without tremble."""

import numpy as np
import pytest

from services.ingest.pipeline.smoothing import smoothed_boxes
from services.ingest.pipeline.values import Person, Point, Position


def path(boxes: np.ndarray, rate_hz: float = 12.5) -> list[Point]:
    return [
        Point(Position(2 * k, k / rate_hz), Person(box.astype(np.float32), 0.9))
        for k, box in enumerate(np.asarray(boxes))
    ]


def walk(count: int) -> np.ndarray:
    """A box that moves 100 px a second to the right."""
    return np.array([100.0, 50.0, 160.0, 250.0]) + np.arange(count)[:, None] * np.array([8.0, 0.0, 8.0, 0.0])


def test_who_walks_evenly_is_not_held_back() -> None:
    assert smoothed_boxes(path(walk(30)), 0.25) == pytest.approx(walk(30), abs=0.01)


def test_tremble_goes() -> None:
    trembling = walk(60) + np.random.default_rng(3).normal(0.0, 8.0, (60, 4))
    smooth = smoothed_boxes(path(trembling), 0.25)
    assert np.abs(smooth - walk(60)).mean() < 0.5 * np.abs(trembling - walk(60)).mean()


def test_a_width_of_zero_changes_nothing() -> None:
    boxes = walk(5) + np.random.default_rng(4).normal(0.0, 8.0, (5, 4))
    assert np.array_equal(smoothed_boxes(path(boxes), 0.0), boxes.astype(np.float32))


def test_a_point_far_from_all_others_keeps_its_place() -> None:
    points = [*path(walk(4)), Point(Position(500, 20.0), Person(np.array([1.0, 2.0, 30.0, 40.0], np.float32), 0.9))]
    assert smoothed_boxes(points, 0.25)[-1] == pytest.approx([1.0, 2.0, 30.0, 40.0], abs=0.01)
