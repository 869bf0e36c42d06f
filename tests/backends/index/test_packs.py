"""Two packs beside each other in one index: the fake, Milvus Lite and Milvus Standalone."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from packs.spec import Modality
from services.backends.index.fake import FakeIndex, FakeRecord
from services.backends.index.live import OtherPackLiveError, claim, is_live
from services.backends.index.milvus import MilvusIndex
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import Appearance, AppearanceKind, EmbeddingRow, Place, Scope, Video, VideoState

FACES = {Modality.FACE: 4}
FILM = "1" * 32
Two = tuple[VectorIndex, VectorIndex]


@pytest.fixture(params=["fake", "lite", pytest.param("standalone", marks=pytest.mark.standalone)])
async def two(request: pytest.FixtureRequest, digest: str) -> AsyncIterator[Two]:
    make: Callable[[str], VectorIndex]
    if request.param == "fake":
        record = FakeRecord()
        make = lambda one: FakeIndex(record, one)  # noqa: E731
    else:
        uri = request.getfixturevalue(f"milvus_{request.param}_uri")
        make = lambda one: MilvusIndex(uri, one)  # noqa: E731
    old, new = make(digest), make(digest[::-1])
    await old.open(FACES)
    await new.open(FACES)
    yield old, new
    await old.aclose()
    await new.aclose()


@pytest.fixture
def gallery() -> str:
    return f"g-{uuid.uuid4().hex[:8]}"


def one_id(gallery: str, number: int) -> str:
    return f"{number:02x}" + uuid.uuid5(uuid.NAMESPACE_OID, gallery).hex[2:]


async def fill(index: VectorIndex, gallery: str, count: int, *, generation: int = 1) -> None:
    ids = [one_id(gallery, number) for number in range(count)]
    vectors = np.eye(4, dtype=np.float32)[np.arange(count) % 4]
    places = [(one, gallery, FILM, float(i), i + 1.0) for i, one in enumerate(ids)]
    await index.put_embeddings(
        Modality.FACE,
        [EmbeddingRow(*place, generation, 1.0, vector) for place, vector in zip(places, vectors, strict=True)],
    )
    rows = [
        Appearance(one, gallery, FILM, AppearanceKind.TRACKLET, start_s, end_s, generation, (Modality.FACE,))
        for one, _, _, start_s, end_s in places
    ]
    await index.put_appearances(rows)


async def test_places_are_those_of_one_pack_and_one_scope(two: Two, gallery: str) -> None:
    old, new = two
    await fill(old, gallery, 5, generation=7)
    await fill(new, gallery, 2)
    expected = [Place(one_id(gallery, number), FILM, 7) for number in range(5)]
    assert await old.list_places(None, Scope(gallery)) == expected
    assert await old.list_places(Modality.FACE, Scope(gallery)) == expected
    assert await old.list_places(Modality.VOICE, Scope(gallery)) == []
    assert await old.list_places(None, Scope(gallery, ("2" * 32,))) == []
    assert [place.generation for place in await new.list_places(None, Scope(gallery))] == [1, 1]


async def test_a_search_never_sees_the_other_packs_vectors(two: Two, gallery: str) -> None:
    old, new = two
    await fill(old, gallery, 5)
    await new.put_embeddings(
        Modality.FACE,
        [EmbeddingRow(one_id(gallery, 99), gallery, FILM, 0.0, 1.0, 1, 1.0, np.eye(4, dtype=np.float32)[0])],
    )
    await old.list_places(None, Scope(gallery))
    (hits,) = await old.search(Modality.FACE, np.eye(4, dtype=np.float32)[:1], Scope(gallery), 10)
    assert {hit.appearance_id for hit in hits} == {one_id(gallery, number) for number in range(5)}


async def test_after_a_refresh_all_is_found(two: Two, gallery: str) -> None:
    old, _ = two
    await fill(old, gallery, 5)
    await old.refresh()
    (hits,) = await old.search(Modality.FACE, np.eye(4, dtype=np.float32)[:1], Scope(gallery), 10)
    assert len(hits) == 5


async def test_what_is_deleted_goes_from_both_packs(two: Two, gallery: str) -> None:
    old, new = two
    await fill(old, gallery, 3)
    await fill(new, gallery, 3)
    assert await old.count_video(gallery, FILM) == 12
    assert await old.erase_video(gallery, FILM) == 12
    assert await new.count_video(gallery, FILM) == 0
    assert await new.list_places(Modality.FACE, Scope(gallery)) == []


async def test_who_is_erased_goes_from_both_packs(two: Two, gallery: str) -> None:
    old, new = two
    await fill(old, gallery, 3)
    await fill(new, gallery, 3)
    doomed = [one_id(gallery, 0), one_id(gallery, 2)]
    assert await new.count_appearances(gallery, doomed) == 8
    assert await old.erase_appearances(gallery, doomed) == 8
    assert await new.count_appearances(gallery, doomed) == 0
    assert [place.appearance_id for place in await new.list_places(None, Scope(gallery))] == [one_id(gallery, 1)]
    assert await old.erase_video(gallery, FILM) == 4


async def test_dimensions_are_read_off_the_collections(two: Two) -> None:
    old, _ = two
    await old.open({**FACES, Modality.VOICE: 6})
    assert await old.stored_dimensions() == {Modality.FACE: 4, Modality.VOICE: 6}


async def test_live_and_back(two: Two) -> None:
    old, new = two
    await old.make_live()
    assert await old.live_pack() == await new.live_pack() == old.pack_key
    await new.make_live()
    await new.make_live()
    assert await is_live(new)
    assert not await is_live(old)
    assert await new.previous_pack() == old.pack_key
    await old.make_live()
    assert await is_live(old)
    assert await old.previous_pack() == new.pack_key
    assert {old.pack_key, new.pack_key} <= set(await old.pack_keys())


async def test_only_the_live_pack_may_serve_what_is_there(two: Two, gallery: str) -> None:
    old, new = two
    await old.make_live()
    await old.put_video(Video(FILM, gallery, "file:///x", VideoState.READY, 1, 1.0, "c" * 64))
    await claim(old)
    with pytest.raises(OtherPackLiveError, match=new.pack_key):
        await claim(new)
    assert await is_live(old)
    await old.erase_video(gallery, FILM)


async def test_an_empty_index_takes_any_pack(digest: str) -> None:
    record = FakeRecord()
    old, new = FakeIndex(record, digest), FakeIndex(record, digest[::-1])
    await claim(old)
    assert await is_live(old)
    await claim(new)
    assert await is_live(new)
