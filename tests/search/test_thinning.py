"""Paths are thinned only when an answer is too large, and keep their ends."""

from __future__ import annotations

from services.backends.schemas import Appearance, AppearanceKind, Box, KeyBox
from services.search.answer import Belief, Hit
from services.search.thinning import thinned


def hit(boxes: int) -> Hit:
    path = tuple(KeyBox(float(time), Box(0.0, 0.0, 1.0, 1.0)) for time in range(boxes))
    where = Appearance(f"{boxes}", "town", "film", AppearanceKind.TRACKLET, 0.0, float(boxes), 1, boxes=path)
    return Hit(where, Belief(f"{boxes}", 0.5, (), ()))


def times(one: Hit) -> list[float]:
    return [box.time_s for box in one.appearance.boxes]


def test_small_answers_stay_as_they_are() -> None:
    hits = [hit(60), hit(40)]
    assert thinned(hits, 100) == tuple(hits)


def test_large_answers_keep_the_ends_and_the_shares() -> None:
    long, short, tiny, none = thinned([hit(801), hit(201), hit(2), hit(0)], 100)
    assert len(times(long)) == 79
    assert len(times(short)) == 20
    assert (times(long)[0], times(long)[-1]) == (0.0, 800.0)
    assert times(short) == sorted(set(times(short)))
    assert times(tiny) == [0.0, 1.0]
    assert times(none) == []
