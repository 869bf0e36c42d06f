"""Hits merged to spans, in order of time."""

from __future__ import annotations

from services.backends.schemas import Appearance, AppearanceKind, Video, VideoState
from services.search.answer import Belief, Hit
from services.search.tracks import spans_of


def hit(video: str, start_s: float, end_s: float, name: str = "") -> Hit:
    own = name or f"{video}{start_s}"
    where = Appearance(own, "town", video, AppearanceKind.TRACKLET, start_s, end_s, 1)
    return Hit(where, Belief(own, 0.9, (), ()))


def video(name: str, recorded_at: float | None) -> Video:
    return Video(name, "town", "", VideoState.READY, 1, 0.0, "", recorded_at=recorded_at)


def test_less_than_a_second_apart_is_one_span() -> None:
    hits = [hit("v", 4.0, 5.0), hit("v", 0.0, 3.5), hit("v", 1.0, 2.0), hit("v", 5.9, 7.0), hit("v", 8.0, 9.0)]
    spans = spans_of(hits, {})
    assert [(span.start_s, span.end_s) for span in spans] == [(0.0, 7.0), (8.0, 9.0)]
    assert [one.appearance.start_s for one in spans[0].hits] == [0.0, 1.0, 4.0, 5.9]


def test_videos_by_clock_then_id() -> None:
    videos = {"a": video("a", 50.0), "b": video("b", 10.0), "c": video("c", None)}
    hits = [hit("c", 0.0, 1.0), hit("a", 0.0, 1.0), hit("d", 0.0, 1.0), hit("b", 5.0, 6.0), hit("b", 0.0, 1.0)]
    spans = spans_of(hits, videos)
    assert [(span.video_id, span.start_s) for span in spans] == [
        ("b", 0.0),
        ("b", 5.0),
        ("a", 0.0),
        ("c", 0.0),
        ("d", 0.0),
    ]


def test_nothing_gives_nothing() -> None:
    assert spans_of([], {}) == ()
