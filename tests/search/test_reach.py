"""How far body holds: one video, or one site and its clocks, within the window."""

from __future__ import annotations

from packs.spec import Modality
from services.backends.index.fake import FakeIndex
from services.backends.schemas import Appearance, AppearanceKind, Scope, Video, VideoState
from services.search.reach import LONG_TERM, SHORT_TERM, Stretch, beside, stretches


def a_video(name: str, site: str | None = None, recorded_at: float | None = None, duration_s: float = 600.0) -> Video:
    return Video(
        name,
        "town",
        "",
        VideoState.READY,
        1,
        0.0,
        "",
        duration_s=duration_s,
        site=site,
        recorded_at=recorded_at,
    )


def appearance(start_s: float, end_s: float) -> Appearance:
    return Appearance("it", "town", "own", AppearanceKind.TRACKLET, start_s, end_s, 1)


def test_every_modality_is_long_or_short() -> None:
    assert set(Modality) == LONG_TERM | SHORT_TERM
    assert not LONG_TERM & SHORT_TERM


def test_without_a_site_only_its_own_video() -> None:
    others = [a_video("other", "gate", 1000.0)]
    assert stretches(appearance(100.0, 110.0), a_video("own"), others, 60.0) == (Stretch("own", 40.0, 170.0),)
    assert stretches(appearance(10.0, 20.0), None, others, 60.0) == (Stretch("own", 0.0, 80.0),)


def test_videos_of_the_site_by_their_clocks() -> None:
    own = a_video("own", "gate", 1000.0)
    others = [
        a_video("later", "gate", 1050.0),
        a_video("earlier", "gate", 900.0),
        a_video("over", "gate", 900.0, duration_s=100.0),
        a_video("far", "gate", 5000.0),
        a_video("elsewhere", "yard", 1000.0),
        a_video("clockless", "gate", None),
        own,
    ]
    assert stretches(appearance(100.0, 110.0), own, others, 60.0) == (
        Stretch("own", 40.0, 170.0),
        Stretch("earlier", 140.0, 270.0),
        Stretch("later", 0.0, 120.0),
    )


def test_a_scope_narrows_a_stretch() -> None:
    stretch = Stretch("own", 40.0, 170.0)
    assert stretch.within(Scope("town")) == stretch
    assert stretch.within(Scope("town", ("other",))) is None
    assert stretch.within(Scope("town", ("own",), 100.0, 120.0)) == Stretch("own", 100.0, 120.0)
    assert stretch.within(Scope("town", (), 200.0)) is None


async def test_beside_a_tracklet_are_the_others_on_screen() -> None:
    index = FakeIndex()
    await index.open({})
    own = appearance(10.0, 20.0)
    others = [
        ("before", 5.0, 10.0, "own", AppearanceKind.TRACKLET),
        ("with", 5.0, 11.0, "own", AppearanceKind.TRACKLET),
        ("said", 12.0, 13.0, "own", AppearanceKind.SPEECH),
        ("elsewhere", 12.0, 13.0, "other", AppearanceKind.TRACKLET),
    ]
    rows = [Appearance(name, "town", video, kind, start, end, 1) for name, start, end, video, kind in others]
    await index.put_appearances([own, *rows])
    assert await beside(index, own) == {"with"}
    # Speech with nobody on screen may be that of anybody who is there.
    assert await beside(index, rows[2]) == frozenset()
