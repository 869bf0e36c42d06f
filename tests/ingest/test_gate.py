"""Who may begin a video: nobody while the gate is shut, nobody with a pack of the past; and whose half a half is."""

from __future__ import annotations

import pytest

from packs.spec import Modality
from services.backends.ephemeral.fake import FakeEphemeralStore
from services.backends.index.fake import FakeIndex, FakeRecord
from services.backends.schemas import Appearance, AppearanceKind, Video, VideoState
from services.ingest.gate import Gate, begun_by_this_pack, shut
from services.ingest.identifiers import SHUT_KEY

FILM = "1" * 32


@pytest.fixture
async def two() -> tuple[FakeIndex, FakeIndex]:
    record = FakeRecord()
    made = FakeIndex(record, "a" * 64), FakeIndex(record, "b" * 64)
    for index in made:
        await index.open({Modality.FACE: 4})
    await made[0].make_live()
    return made


def video(**changes: object) -> Video:
    plain = Video(FILM, "town", "file:///x", VideoState.INGESTING, 1, 1.0, "c" * 64)
    return plain.with_changes(committed_frame=50, committed_s=2.0, appearance_count=2).with_changes(**changes)


async def put(index: FakeIndex, count: int) -> None:
    await index.put_appearances(
        [Appearance(f"{i:032x}", "town", FILM, AppearanceKind.TRACKLET, float(i), i + 1.0, 1) for i in range(count)]
    )


async def test_it_is_open_to_the_live_pack_alone(two: tuple[FakeIndex, FakeIndex]) -> None:
    ephemeral = FakeEphemeralStore()
    old, new = (Gate(index, ephemeral) for index in two)
    assert await old.is_open()
    assert not await new.is_open()
    await two[1].make_live()
    assert not await old.is_open()
    assert await new.is_open()


async def test_it_is_shut_while_somebody_cuts_over(two: tuple[FakeIndex, FakeIndex]) -> None:
    ephemeral = FakeEphemeralStore()
    gate = Gate(two[0], ephemeral)

    async def cut_over() -> None:
        async with shut(ephemeral):
            assert not await gate.is_open()
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        await cut_over()
    assert await gate.is_open()


async def test_a_killed_cut_over_holds_nobody_up(two: tuple[FakeIndex, FakeIndex]) -> None:
    now = 0.0
    ephemeral = FakeEphemeralStore(lambda: now)
    gate = Gate(two[0], ephemeral)
    await ephemeral.put(SHUT_KEY, b"shut", 15.0)
    assert not await gate.is_open()
    now = 16.0
    assert await gate.is_open()


async def test_what_this_pack_began_goes_on_and_what_another_began_is_begun_anew(
    two: tuple[FakeIndex, FakeIndex],
) -> None:
    old, new = two
    await put(old, 3)  # two that are committed, and one that is not
    assert await begun_by_this_pack(old, video()) == video()
    anew = await begun_by_this_pack(new, video())
    assert (anew.state, anew.generation, anew.committed_frame, anew.committed_s, anew.appearance_count) == (
        VideoState.QUEUED,
        2,
        0,
        0.0,
        0,
    )
    fresh = video(committed_frame=0, committed_s=0.0, appearance_count=0)
    assert await begun_by_this_pack(new, fresh) == fresh
    # Nobody was seen yet, but somebody may have been heard.
    assert (await begun_by_this_pack(old, video(appearance_count=0))).generation == 2
