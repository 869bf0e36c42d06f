"""What is kept near is what the index has, takes a bounded room, and goes when its video goes."""

from __future__ import annotations

import numpy as np
import pytest

from packs.spec import Modality
from services.backends.index.fake import FakeIndex
from services.backends.schemas import Appearance, AppearanceKind, EmbeddingRow, Gallery, Video, VideoState
from services.runtime.errors import BackendUnavailableError
from services.search.nearby import NearVectors

FACE, VOICE = Modality.FACE, Modality.VOICE
DIMENSION = 4
ROW_BYTES = 4 * DIMENSION


class Counting(FakeIndex):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []
        self.broken = False

    async def get_embeddings(self, modality, gallery, appearance_ids):
        self.asked.append(list(appearance_ids))
        return await super().get_embeddings(modality, gallery, appearance_ids)

    async def list_videos(self, gallery=None, states=()):
        if self.broken:
            raise BackendUnavailableError("milvus", "gone")
        return await super().list_videos(gallery, states)


def vector(number: int) -> np.ndarray:
    made = np.zeros(DIMENSION, np.float32)
    made[number % DIMENSION] = 1.0
    return made


async def put(index: FakeIndex, name: str, number: int, video: str = "one", generation: int = 1) -> None:
    row = EmbeddingRow(name, "town", video, 0.0, 1.0, generation, 0.1 * number, vector(number))
    await index.put_embeddings(FACE, [row])


async def put_video(index: FakeIndex, name: str, generation: int = 1, state: VideoState = VideoState.READY) -> None:
    await index.put_video(Video(name, "town", f"{name}.mp4", state, generation, 0.0, "d" * 64))


@pytest.fixture
async def index() -> Counting:
    made = Counting()
    await made.open({FACE: DIMENSION, VOICE: DIMENSION})
    await made.put_gallery(Gallery("town", 0.0))
    await put_video(made, "one")
    await put_video(made, "two")
    for number, name in enumerate("abcd"):
        await put(made, name, number, "one" if name < "c" else "two")
    return made


async def test_each_is_read_once_and_so_is_that_there_is_none(index: Counting) -> None:
    near = NearVectors(index, 100 * ROW_BYTES, 30.0)
    first = await near.of(FACE, "town", ["a", "x", "b"])
    again = await near.of(FACE, "town", ["b", "c", "x", "a"])
    assert index.asked == [["a", "x", "b"], ["c"]]
    assert first.there.tolist() == [True, False, True]
    assert again.there.tolist() == [True, True, False, True]
    assert again.vectors.tolist() == [vector(1).tolist(), vector(2).tolist(), [0.0] * DIMENSION, vector(0).tolist()]
    assert again.qualities == pytest.approx([0.1, 0.2, 0.0, 0.0])
    assert not (await near.of(VOICE, "town", ["a"])).there.any()
    assert not (await near.of(FACE, "elsewhere", ["a"])).there.any()
    await near.aclose()
    assert near.count == 0


async def test_the_oldest_go_first_and_whoever_asks_for_more_gets_all(index: Counting) -> None:
    near = NearVectors(index, 2 * ROW_BYTES, 30.0)
    everybody = await near.of(FACE, "town", list("abcd"))
    assert everybody.there.all()
    assert near.count == 2
    index.asked.clear()
    assert (await near.of(FACE, "town", ["c", "d"])).there.all()
    assert index.asked == []
    assert (await near.of(FACE, "town", ["d", "a", "c"])).vectors.tolist() == [
        vector(each).tolist() for each in (3, 0, 2)
    ]
    assert index.asked == [["a"]]
    await near.aclose()


async def test_what_is_of_a_video_that_is_gone_or_new_is_dropped(index: Counting) -> None:
    near = NearVectors(index, 100 * ROW_BYTES, 30.0)
    await near.of(FACE, "town", list("abcdx"))
    await near.check()
    assert near.count == 4
    await put_video(index, "one", state=VideoState.DELETING)
    await near.check()
    assert near.count == 2
    assert not near._pools[FACE].vectors[:2].any()
    await put_video(index, "two", generation=2)
    await put(index, "x", 1, "two", 2)
    await near.check()
    assert near.count == 0
    assert (await near.of(FACE, "town", ["x"])).there.all()
    await near.aclose()


async def test_who_was_erased_is_dropped_and_those_beside_stay(index: Counting) -> None:
    for looked_before in (True, False):
        near = NearVectors(index, 100 * ROW_BYTES, 30.0)
        await near.of(FACE, "town", list("abcd"))
        if looked_before:
            await near.check()
        await index.erase_appearances("town", ["a"])
        video = await index.get_video("town", "one")
        assert video is not None
        await index.put_video(video.with_changes(appearance_count=video.appearance_count + 1))
        await near.check()
        assert near.count == 3
        assert not near._pools[FACE].vectors[0].any()
        assert (await near.of(FACE, "town", list("abcd"))).there.tolist() == [False, True, True, True]
        await near.aclose()
        await put(index, "a", 0)


async def test_nobody_is_asked_who_is_left_while_no_count_changes(index: Counting) -> None:
    near = NearVectors(index, 100 * ROW_BYTES, 30.0)
    await near.of(FACE, "town", list("abcd"))
    await near.check()
    await index.erase_appearances("town", ["a"])
    await near.check()
    assert near.count == 4
    await near.aclose()


async def test_what_cannot_be_checked_is_dropped(index: Counting) -> None:
    near = NearVectors(index, 100 * ROW_BYTES, 30.0)
    await near.of(FACE, "town", list("ab"))
    index.broken = True
    await near.check()
    assert near.count == 0
    await near.aclose()


async def test_it_is_checked_by_itself(index: Counting) -> None:
    near = NearVectors(index, 100 * ROW_BYTES, 0.001)
    await near.of(FACE, "town", list("ab"))
    await index.erase_video("town", "one")
    await near._checked.wait()
    assert near.count == 0
    await near.aclose()


class Everywhere(Counting):
    """Which videos were read as a whole."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[tuple[str, ...]] = []

    async def list_embeddings(self, modality, scope):
        self.read.append(scope.video_ids)
        return await super().list_embeddings(modality, scope)


async def put_appearance(index: FakeIndex, name: str, video: str, generation: int = 1) -> None:
    row = Appearance(name, "town", video, AppearanceKind.TRACKLET, 0.0, 1.0, generation, ())
    await index.put_appearances([row])


@pytest.fixture
async def whole() -> Everywhere:
    made = Everywhere()
    await made.open({FACE: DIMENSION, VOICE: DIMENSION})
    await made.put_gallery(Gallery("town", 0.0))
    for video, names in (("one", "abx"), ("two", "cd")):
        await put_video(made, video)
        for name in names:
            await put_appearance(made, name, video)
            if name != "x":
                await put(made, name, ord(name), video)
    return made


async def test_all_of_a_gallery_is_read_before_it_is_asked_for(whole: Everywhere) -> None:
    near = NearVectors(whole, 100 * ROW_BYTES, 30.0)
    await near.fill(FACE, "town")
    assert near.count == 4
    found = await near.of(FACE, "town", list("abcdx"))
    assert found.there.tolist() == [True, True, True, True, False]
    assert found.vectors[2].tolist() == vector(ord("c")).tolist()
    assert whole.asked == []
    await near.fill(FACE, "town")
    assert whole.read == [("one", "two")]
    await near.aclose()


async def test_what_is_read_again_is_of_videos_that_changed(whole: Everywhere) -> None:
    near = NearVectors(whole, 100 * ROW_BYTES, 30.0)
    await near.fill(FACE, "town")
    await near.check()
    await put_video(whole, "one", generation=2)
    await put_appearance(whole, "x", "one", 2)
    await put(whole, "x", 1, "one", 2)
    await near.check()
    assert near.count == 2
    await near.fill(FACE, "town")
    assert whole.read == [("one", "two"), ("one",)]
    assert near.count == 3
    assert (await near.of(FACE, "town", ["x", "c", "a"])).there.tolist() == [True, True, True]
    # Of another generation: what is left of the old one is no part of the video.
    assert whole.asked == [["a"]]
    await near.aclose()


async def test_a_gallery_is_read_as_far_as_there_is_room(whole: Everywhere) -> None:
    near = NearVectors(whole, 3 * ROW_BYTES, 30.0)
    await near.fill(FACE, "town")
    assert near.count == 0
    assert (await near.of(FACE, "town", ["a"])).there.all()
    await near.aclose()


async def test_the_first_query_has_the_rest_read_behind_its_back(whole: Everywhere) -> None:
    near = NearVectors(whole, 100 * ROW_BYTES, 30.0, 0.0)
    await near.of(FACE, "town", ["a"])
    assert whole.read == []
    await near._filling[FACE, "town"]
    assert near.count == 4
    await near.of(FACE, "town", list("bcdx"))
    assert whole.asked == [["a"]]
    assert not near._filling
    await near.aclose()
