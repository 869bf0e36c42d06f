"""What every index does: the fake, Milvus Lite and Milvus Standalone."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from packs.spec import Modality
from services.backends.index.fake import FakeIndex
from services.backends.index.milvus import MilvusIndex
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import (
    Appearance,
    AppearanceKind,
    Box,
    EmbeddingRow,
    Gallery,
    KeyBox,
    Scope,
    SpeechSpan,
    Video,
    VideoState,
)

DIMENSIONS = {Modality.FACE: 16, Modality.BODY: 8, Modality.VOICE: 12}
ONE, TWO, THREE = "1" * 32, "2" * 32, "3" * 32


@pytest.fixture(params=["fake", "lite", pytest.param("standalone", marks=pytest.mark.standalone)])
async def index(request: pytest.FixtureRequest, digest: str) -> AsyncIterator[VectorIndex]:
    opened: VectorIndex
    if request.param == "fake":
        opened = FakeIndex()
    else:
        opened = MilvusIndex(request.getfixturevalue(f"milvus_{request.param}_uri"), digest)
    await opened.open(DIMENSIONS)
    yield opened
    await opened.aclose()


@pytest.fixture
def gallery() -> str:
    return f"g-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def ids() -> Sequence[str]:
    """Ids in rising order, no test's the same as another's: tests share a server."""
    return sorted(uuid.uuid4().hex for _ in range(40))


def unit(dimension: int, *coordinates: float) -> NDArray[np.float32]:
    vector = np.zeros(dimension, np.float32)
    vector[: len(coordinates)] = coordinates
    return vector / np.linalg.norm(vector)


def embedding(gallery: str, video: str, one: str, start_s: float, vector: NDArray[np.float32]) -> EmbeddingRow:
    return EmbeddingRow(one, gallery, video, start_s, start_s + 1, 1, 0.75, vector)


def appearance(gallery: str, video: str, one: str, start_s: float) -> Appearance:
    boxes = (
        KeyBox(start_s, Box(0.25, 0.125, 0.5, 1.0), Box(0.25, 0.125, 0.375, 0.25)),
        KeyBox(start_s + 0.2, Box(0, 0, 1, 1)),
    )
    return Appearance(
        appearance_id=one,
        gallery=gallery,
        video_id=video,
        kind=AppearanceKind.TRACKLET,
        start_s=start_s,
        end_s=start_s + 1,
        generation=1,
        modalities=(Modality.FACE, Modality.BODY),
        boxes=boxes,
        key_frame_uri=f"file:///media/{gallery}/{one}.jpg",
        key_frame_s=start_s + 0.04,
    )


def video(gallery: str, one: str, created_at: float, state: VideoState = VideoState.QUEUED) -> Video:
    return Video(one, gallery, f'file:///films/"{one}".mp4', state, 1, created_at, content_digest="c" * 64)


async def settled(index: VectorIndex, gallery: str, one: str) -> int:
    """A strong count: what was written before can be searched after."""
    return await index.count_video(gallery, one)


async def test_is_ready_once_it_is_open(index: VectorIndex) -> None:
    assert await index.ready()
    await index.open(DIMENSIONS)
    assert await index.ready()


async def test_galleries(index: VectorIndex, gallery: str) -> None:
    assert await index.get_gallery(gallery) is None
    first, second = Gallery(gallery + "a", 1.5), Gallery(gallery, 2.25)
    await index.put_gallery(first)
    await index.put_gallery(second)
    await index.put_gallery(second)
    assert [each for each in await index.list_galleries() if each.name.startswith(gallery)] == [second, first]
    assert await index.get_gallery(gallery) == second
    await index.delete_gallery(gallery)
    await index.delete_gallery(gallery)
    assert await index.get_gallery(gallery) is None
    assert await index.get_gallery(gallery + "a") == first


async def test_a_video_comes_back_as_it_was_written(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    plain = video(gallery, ids[0], 1.0)
    full = plain.with_changes(
        video_id=ids[1],
        state=VideoState.FAILED,
        duration_s=1 / 3,
        width_px=1280,
        height_px=720,
        frames_per_second=30000 / 1001,
        committed_frame=77,
        committed_s=3.08,
        appearance_count=5,
        failure_reason='line one\nline "two" \u00e9',
        camera_id="",
        site="north",
        recorded_at=1_700_000_000.25,
    )
    for each in (plain, full):
        await index.put_video(each)
        assert await index.get_video(gallery, each.video_id) == each
    assert await index.get_video(gallery, ids[2]) is None
    assert await index.get_video(gallery + "x", ids[0]) is None


async def test_a_video_is_replaced(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    queued = video(gallery, ids[0], 1.0)
    await index.put_video(queued)
    for committed in range(5):
        changed = queued.with_changes(state=VideoState.INGESTING, committed_s=float(committed))
        await index.put_video(changed)
        assert await index.get_video(gallery, ids[0]) == changed
    assert await index.list_videos(gallery) == [changed]


async def test_lists_videos_oldest_first(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    rows = [
        video(gallery, ids[2], 1.0),
        video(gallery, ids[0], 2.0, VideoState.READY),
        video(gallery + "x", ids[1], 1.5, VideoState.INGESTING),
    ]
    for row in reversed(rows):
        await index.put_video(row)
    assert await index.list_videos(gallery) == rows[:2]
    assert await index.list_videos(gallery, [VideoState.READY]) == [rows[1]]
    assert await index.list_videos(gallery, [VideoState.QUEUED, VideoState.INGESTING]) == [rows[0]]
    everywhere = await index.list_videos(states=[VideoState.QUEUED, VideoState.INGESTING])
    assert [each for each in everywhere if each.video_id in ids] == [rows[0], rows[2]]


async def test_an_appearance_comes_back_as_it_was_written(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    speech = Appearance(
        ids[1],
        gallery,
        ONE,
        AppearanceKind.SPEECH,
        0.5,
        1.75,
        3,
        (Modality.VOICE,),
        speech=(SpeechSpan(0.5, 1.75),),
    )
    spans = (SpeechSpan(0.5, 0.75, 0.875), SpeechSpan(0.875, 1.25, 0.5))
    written = [replace(appearance(gallery, ONE, ids[0], 1 / 3), speech=spans), speech]
    await index.put_appearances(written)
    await settled(index, gallery, ONE)
    found = await index.get_appearances(gallery, [*ids[:3], ids[0]])
    assert list(found) == ids[:2]
    assert found[ids[1]] == speech
    got, expected = found[ids[0]], written[0]
    for one, other in zip(got.boxes, expected.boxes, strict=True):
        assert one.time_s == pytest.approx(other.time_s, abs=5e-5)
        assert (one.head is None, one.face is None) == (other.head is None, other.face is None)
        assert one.person.x_max == pytest.approx(other.person.x_max, abs=1e-5)
    assert got.boxes[0].head is not None
    assert got.boxes[0].head.y_max == pytest.approx(0.25, abs=1e-5)
    assert (got.start_s, got.end_s, got.key_frame_s) == (expected.start_s, expected.end_s, expected.key_frame_s)
    assert got.speech == spans
    assert (got.modalities, got.key_frame_uri, got.kind) == (expected.modalities, expected.key_frame_uri, expected.kind)


async def test_lists_appearances_in_order(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    rows = [
        appearance(gallery, ONE, ids[3], 1),
        appearance(gallery, ONE, ids[4], 1),
        appearance(gallery, ONE, ids[0], 2),
        appearance(gallery, TWO, ids[1], 0),
    ]
    await index.put_appearances([*reversed(rows), appearance(gallery + "x", THREE, ids[2], 0)])

    async def listed(scope: Scope) -> list[str]:
        return [row.appearance_id for row in await index.list_appearances(scope)]

    assert await listed(Scope(gallery)) == [ids[3], ids[4], ids[0], ids[1]]
    assert await listed(Scope(gallery, video_ids=(TWO,))) == [ids[1]]
    assert await listed(Scope(gallery, exclude_video_ids=(TWO,))) == [ids[3], ids[4], ids[0]]
    assert await listed(Scope(gallery, start_s=2.0)) == [ids[0]]
    assert await listed(Scope(gallery, end_s=1.0)) == [ids[1]]
    assert await listed(Scope(gallery, video_ids=(ONE,), start_s=1.9, end_s=2.0)) == [ids[3], ids[4]]
    assert await listed(Scope(gallery + "y")) == []


async def test_search_finds_the_nearest_first(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    vectors = [unit(16, 1, slope) for slope in (0.0, 0.5, 1.0, 4.0)]
    await index.put_embeddings(
        Modality.FACE, [embedding(gallery, ONE, one, float(i), vectors[i]) for i, one in enumerate(ids[:4])]
    )
    await settled(index, gallery, ONE)
    queries = np.stack([unit(16, 1), unit(16, 0, 1), unit(16, -1)])
    first, second, third = await index.search(Modality.FACE, queries, Scope(gallery), 3)
    assert [each.appearance_id for each in first] == ids[:3]
    assert [each.appearance_id for each in second] == [ids[3], ids[2], ids[1]]
    assert len(third) == 3
    assert [each.cosine for each in first] == pytest.approx([1.0, 1 / np.sqrt(1.25), np.sqrt(0.5)], abs=1e-4)
    assert third[0].cosine < 0
    best = first[0]
    assert (best.video_id, best.start_s, best.end_s, best.quality) == (ONE, 0.0, 1.0, 0.75)


async def test_search_stays_in_its_scope(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    places = [(gallery, ONE, 0.0), (gallery, ONE, 10.0), (gallery, TWO, 0.0), (gallery + "x", THREE, 0.0)]
    rows = [embedding(*place[:2], one, place[2], unit(16, 1)) for one, place in zip(ids, places)]
    await index.put_embeddings(Modality.FACE, rows)
    await settled(index, gallery, ONE)

    async def found(scope: Scope) -> list[str]:
        return [each.appearance_id for each in (await index.search(Modality.FACE, unit(16, 1)[None], scope, 10))[0]]

    assert await found(Scope(gallery)) == ids[:3]
    assert await found(Scope(gallery, video_ids=(ONE,))) == ids[:2]
    assert await found(Scope(gallery, video_ids=(ONE, TWO), end_s=5.0)) == [ids[0], ids[2]]
    assert await found(Scope(gallery, start_s=0.5, end_s=10.5)) == ids[:3]
    assert await found(Scope(gallery, start_s=1.0)) == [ids[1]]
    assert await found(Scope(gallery, exclude_video_ids=(ONE,))) == [ids[2]]
    assert await found(Scope(gallery + "x")) == [ids[3]]
    assert await found(Scope(gallery + "y")) == []


async def test_voices_of_tracklets_and_of_speech_lie_together(
    index: VectorIndex, gallery: str, ids: Sequence[str]
) -> None:
    rows = [embedding(gallery, ONE, one, float(i), unit(12, 1, i)) for i, one in enumerate(ids[:2])]
    await index.put_embeddings(Modality.VOICE, rows)
    kinds = (AppearanceKind.TRACKLET, AppearanceKind.SPEECH)
    spoken = [
        Appearance(row.appearance_id, gallery, ONE, kind, row.start_s, row.end_s, 1, (Modality.VOICE,))
        for row, kind in zip(rows, kinds, strict=True)
    ]
    await index.put_appearances(spoken)
    assert await index.count_video(gallery, ONE) == 4
    (found,) = await index.search(Modality.VOICE, unit(12, 1)[None], Scope(gallery), 5)
    assert [each.appearance_id for each in found] == ids[:2]
    assert [row.kind for row in await index.list_appearances(Scope(gallery))] == list(kinds)
    assert await index.delete_from(gallery, ONE, 1.0) == 2
    assert await index.erase_video(gallery, ONE) == 2
    assert await index.search(Modality.VOICE, unit(12, 1)[None], Scope(gallery), 5) == [[]]


async def test_a_gallery_cannot_be_left_by_its_name(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    await index.put_embeddings(Modality.FACE, [embedding(gallery, ONE, ids[0], 0, unit(16, 1))])
    await settled(index, gallery, ONE)
    for name in (f'{gallery}" or gallery != "', 'x\\" or video_id != "', "%", "'"):
        assert await index.search(Modality.FACE, unit(16, 1)[None], Scope(name), 10) == [[]]
        assert await index.list_appearances(Scope(name)) == []


async def test_embeddings_come_back(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    rng = np.random.default_rng(3)
    rows = [embedding(gallery, ONE, one, i / 3, unit(8, *rng.normal(size=8))) for i, one in enumerate(ids[:3])]
    await index.put_embeddings(Modality.BODY, list(reversed(rows)))
    await settled(index, gallery, ONE)
    found = await index.get_embeddings(Modality.BODY, gallery, [ids[2], ids[0], ids[9]])
    assert sorted(found) == [ids[0], ids[2]]
    listed = await index.list_embeddings(Modality.BODY, Scope(gallery, video_ids=(ONE,)))
    for got, expected in zip(listed, rows, strict=True):
        assert got.appearance_id == expected.appearance_id
        assert (got.start_s, got.end_s, got.generation, got.quality) == (expected.start_s, expected.end_s, 1, 0.75)
        assert got.vector.dtype == np.float32
        np.testing.assert_allclose(got.vector, expected.vector, atol=1e-6)
    assert await index.get_embeddings(Modality.BODY, gallery + "x", ids[:3]) == {}
    assert await index.get_embeddings(Modality.FACE, gallery, ids[:3]) == {}
    assert await index.get_embeddings(Modality.TEXT, gallery, ids[:3]) == {}


async def test_an_embedding_is_replaced(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    for vector in (unit(16, 1), unit(16, 0, 1)):
        await index.put_embeddings(Modality.FACE, [embedding(gallery, ONE, ids[0], 0, vector)])
    await settled(index, gallery, ONE)
    (hits,) = await index.search(Modality.FACE, unit(16, 0, 1)[None], Scope(gallery), 10)
    assert [each.cosine for each in hits] == pytest.approx([1.0], abs=1e-4)
    assert await index.count_video(gallery, ONE) == 1


async def test_refuses_vectors_of_another_length(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    with pytest.raises(ValueError, match="16 numbers"):
        await index.put_embeddings(Modality.FACE, [embedding(gallery, ONE, ids[0], 0, unit(8, 1))])
    with pytest.raises(ValueError, match="16 numbers"):
        await index.search(Modality.FACE, unit(8, 1)[None], Scope(gallery), 3)
    with pytest.raises(ValueError, match="limit"):
        await index.search(Modality.FACE, unit(16, 1)[None], Scope(gallery), 0)
    with pytest.raises(ValueError, match="text"):
        await index.search(Modality.TEXT, unit(8, 1)[None], Scope(gallery), 3)


async def test_deletes_from_a_time_on(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    third = 1 / 3
    for one, start_s in zip(ids, (0.0, third, 2 * third, 5.0)):
        await index.put_embeddings(Modality.FACE, [embedding(gallery, ONE, one, start_s, unit(16, 1))])
        await index.put_appearances([appearance(gallery, ONE, one, start_s)])
    await index.put_appearances([appearance(gallery, TWO, ids[9], 9.0)])
    await index.put_video(video(gallery, ONE, 1.0))
    assert await index.delete_from(gallery, ONE, 2 * third) == 4
    assert await index.delete_from(gallery, ONE, 2 * third) == 0
    assert [row.start_s for row in await index.list_appearances(Scope(gallery, video_ids=(ONE,)))] == [0.0, third]
    assert await index.count_video(gallery, ONE) == 5
    assert await index.count_video(gallery, TWO) == 1
    assert await index.get_video(gallery, ONE) is not None


async def test_deletes_some_appearances_and_embeddings(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    for one in ids[:3]:
        await index.put_embeddings(Modality.VOICE, [embedding(gallery, ONE, one, 0, unit(12, 1))])
        await index.put_embeddings(Modality.FACE, [embedding(gallery, ONE, one, 0, unit(16, 1))])
        await index.put_appearances([appearance(gallery, ONE, one, 0)])
    await index.delete_embeddings(Modality.VOICE, gallery, [ids[0], ids[9]])
    await index.delete_embeddings(Modality.VOICE, gallery + "x", [ids[1]])
    await index.delete_appearances(gallery, [ids[2], ids[9]])
    await index.delete_appearances(gallery + "x", [ids[1]])
    await index.delete_appearances(gallery, [])
    scope = Scope(gallery, video_ids=(ONE,))
    assert [row.appearance_id for row in await index.list_embeddings(Modality.VOICE, scope)] == sorted(ids[1:3])
    assert len(await index.list_embeddings(Modality.FACE, scope)) == 3
    assert [row.appearance_id for row in await index.list_appearances(scope)] == sorted(ids[:2])


async def test_erases_a_video_and_nothing_else(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    for one, owner in zip(ids, (ids[30], ids[30], ids[31])):
        await index.put_embeddings(Modality.FACE, [embedding(gallery, owner, one, 0, unit(16, 1))])
        await index.put_embeddings(Modality.BODY, [embedding(gallery, owner, one, 0, unit(8, 1))])
        await index.put_appearances([appearance(gallery, owner, one, 0)])
    for owner in ids[30:32]:
        await index.put_video(video(gallery, owner, 1.0))
    assert await index.count_video(gallery, ids[30]) == 7
    assert await index.erase_video(gallery + "x", ids[30]) == 0
    assert await index.erase_video(gallery, ids[30]) == 7
    assert await index.erase_video(gallery, ids[30]) == 0
    assert await index.count_video(gallery, ids[30]) == 0
    assert await index.count_video(gallery, ids[31]) == 4
    (hits,) = await index.search(Modality.FACE, unit(16, 1)[None], Scope(gallery), 10)
    assert [each.appearance_id for each in hits] == [ids[2]]
    assert [each.video_id for each in await index.list_videos(gallery)] == [ids[31]]


async def test_erases_some_appearances_and_nothing_else(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    for place, one in enumerate(ids[:3]):
        await index.put_embeddings(Modality.FACE, [embedding(gallery, ids[30], one, place, unit(16, 1))])
        await index.put_embeddings(Modality.BODY, [embedding(gallery, ids[30], one, place, unit(8, 1))])
        await index.put_appearances([appearance(gallery, ids[30], one, place)])
    await index.put_video(video(gallery, ids[30], 1.0))
    doomed = [*ids[:2], ids[35]]
    assert await index.count_appearances(gallery, doomed) == 6
    assert await index.count_appearances(gallery + "x", doomed) == 0
    assert await index.erase_appearances(gallery + "x", doomed) == 0
    assert await index.erase_appearances(gallery, doomed) == 6
    assert await index.erase_appearances(gallery, doomed) == 0
    assert await index.count_appearances(gallery, doomed) == 0
    assert await index.erase_appearances(gallery, []) == 0
    assert await index.count_video(gallery, ids[30]) == 4
    (hits,) = await index.search(Modality.FACE, unit(16, 1)[None], Scope(gallery), 10)
    assert [each.appearance_id for each in hits] == [ids[2]]
    assert [row.appearance_id for row in await index.list_appearances(Scope(gallery))] == [ids[2]]


async def test_what_was_erased_may_come_again(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    for _ in range(3):
        await index.put_embeddings(Modality.FACE, [embedding(gallery, ONE, ids[0], 0, unit(16, 1))])
        await index.flush()
        assert await index.count_video(gallery, ONE) == 1
        assert len((await index.search(Modality.FACE, unit(16, 1)[None], Scope(gallery), 10))[0]) == 1
        assert await index.erase_video(gallery, ONE) == 1
        assert await index.search(Modality.FACE, unit(16, 1)[None], Scope(gallery), 10) == [[]]


async def test_flushing_changes_nothing(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    rng = np.random.default_rng(5)
    vectors = [unit(16, *rng.normal(size=16)) for _ in ids]
    rows = [embedding(gallery, ONE, one, i, vector) for i, (one, vector) in enumerate(zip(ids, vectors))]
    await index.put_embeddings(Modality.FACE, rows)
    await settled(index, gallery, ONE)
    scope, queries = Scope(gallery, end_s=30.0), np.stack(vectors[:4])
    before = await index.search(Modality.FACE, queries, scope, 5)
    await index.flush()
    await index.flush()
    after = await index.search(Modality.FACE, queries, scope, 5)
    assert [[hit.appearance_id for hit in hits] for hits in after] == [
        [hit.appearance_id for hit in hits] for hits in before
    ]
    cosines = np.stack(vectors[:4]) @ np.stack(vectors[:30]).T
    nearest = np.argsort(-cosines, axis=1)[:, :5]
    assert [[hit.appearance_id for hit in hits] for hits in after] == [[ids[i] for i in row] for row in nearest]


async def test_writers_at_the_same_time_lose_nothing(index: VectorIndex, gallery: str, ids: Sequence[str]) -> None:
    async def write(one: str) -> None:
        await index.put_embeddings(Modality.FACE, [embedding(gallery, ONE, one, 0, unit(16, 1))])
        await index.put_appearances([appearance(gallery, ONE, one, 0)])
        if one in ids[::7]:
            await index.flush()

    await asyncio.gather(*(write(one) for one in ids))
    assert await index.count_video(gallery, ONE) == 2 * len(ids)
    assert len(await index.list_appearances(Scope(gallery))) == len(ids)


async def test_nothing_to_write_is_no_error(index: VectorIndex, gallery: str) -> None:
    await index.put_appearances([])
    await index.put_embeddings(Modality.FACE, [])
    assert await index.get_appearances(gallery, []) == {}
    assert await index.search(Modality.FACE, np.zeros((0, 16), np.float32), Scope(gallery), 3) == []
