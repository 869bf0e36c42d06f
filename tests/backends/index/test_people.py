"""What every record of people does: the fake, Milvus Lite and Milvus Standalone."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from packs.spec import Modality
from services.backends.index import people_milvus
from services.backends.index.fake import FakeIndex
from services.backends.index.milvus import MilvusIndex
from services.backends.index.people import OperationExistsError
from services.backends.index.people_rows import operation_of_row, row_of_operation
from services.backends.index.protocol import VectorIndex
from services.backends.people import Membership, Operation, OperationKind, Spot
from services.backends.schemas import AppearanceKind, Video, VideoState

DIMENSIONS = {Modality.FACE: 16}
IDENTITY = "e" * 32


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


def new_id() -> str:
    return uuid.uuid4().hex


def spot(video: str, one: str | None = None) -> Spot:
    return Spot(one or new_id(), video, 1_250, 4_000)


def naming(gallery: str, number: int, *spots: Spot, name: str = "Anna") -> Operation:
    return Operation(gallery, number, OperationKind.NAME, 12.5, "desk 2", (IDENTITY,), (spots,), name)


def membership(gallery: str, video: str, identity: str = IDENTITY) -> Membership:
    seen = (Modality.FACE, Modality.BODY)
    return Membership(new_id(), gallery, video, 1.25, 4.0, 1, AppearanceKind.TRACKLET, seen, identity, "0" * 12)


async def test_a_log_comes_back_in_order_as_it_was_written(index: VectorIndex, gallery: str) -> None:
    one, other, video = new_id(), new_id(), new_id()
    said = [
        naming(gallery, 1, spot(video)),
        Operation(gallery, 2, OperationKind.CONFIRM, 13.0, groups=((spot(video, one),), (spot(new_id(), other),))),
        Operation(gallery, 3, OperationKind.UNDO, 14.0, "Øystein", undoes=2),
        naming(gallery, 4, name='"quoted" \\ Ω'),
        naming(gallery, 5, name=""),
    ]
    for operation in said[::-1]:
        await index.people.append(operation)
    assert await index.people.operations(gallery) == said
    assert await index.people.operations("another") == []


async def test_a_number_is_given_once(index: VectorIndex, gallery: str) -> None:
    await index.people.append(naming(gallery, 1))
    with pytest.raises(OperationExistsError):
        await index.people.append(naming(gallery, 1, name="Berta"))
    assert [each.name for each in await index.people.operations(gallery)] == ["Anna"]


async def test_a_log_is_longer_than_one_answer(
    gallery: str, index: VectorIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Four hundred writes take a minute in Lite: the answers are made shorter instead.
    monkeypatch.setattr(people_milvus, "_ROWS_PER_CALL", 3)
    for number in range(1, 8):
        await index.people.append(naming(gallery, number))
    assert [each.number for each in await index.people.operations(gallery)] == list(range(1, 8))


async def test_an_operation_has_room_for_hundreds_of_appearances(index: VectorIndex, gallery: str) -> None:
    most = naming(gallery, 1, *(spot(video) for video in [new_id() for _ in range(8)] for _ in range(100)))
    await index.people.append(most)
    assert await index.people.operations(gallery) == [most]
    with pytest.raises(ValueError, match="a row holds at most"):
        await index.people.append(naming(gallery, 2, *(spot(new_id()) for _ in range(2000))))


async def test_memberships_are_replaced_and_deleted(index: VectorIndex, gallery: str) -> None:
    rows = sorted((membership(gallery, new_id()) for _ in range(3)), key=lambda row: row.appearance_id)
    await index.people.put_memberships(rows)
    assert await index.people.memberships(gallery) == rows
    moved = replace(rows[1], identity_id="d" * 32)
    await index.people.put_memberships([moved])
    assert await index.people.memberships(gallery) == [rows[0], moved, rows[2]]
    await index.people.delete_memberships([rows[0].appearance_id, rows[2].appearance_id])
    assert await index.people.memberships(gallery) == [moved]


async def test_a_deleted_video_takes_with_it_what_was_said_of_it(index: VectorIndex, gallery: str) -> None:
    doomed, other = new_id(), new_id()
    await index.put_video(Video(doomed, gallery, "file:///x", VideoState.READY, 1, 1.0, "c" * 64))
    rows = [membership(gallery, doomed), membership(gallery, other)]
    await index.people.put_memberships(rows)
    stays, goes = spot(other), spot(doomed)
    await index.people.append(naming(gallery, 1, stays, goes, name="Anna"))
    await index.people.append(naming(gallery, 2, goes, name="Berta"))
    assert await index.count_video(gallery, doomed) == 4
    assert await index.erase_video(gallery, doomed) == 4
    assert await index.count_video(gallery, doomed) == 0
    assert await index.people.memberships(gallery) == [rows[1]]
    first, second = await index.people.operations(gallery)
    assert (first.groups, first.name) == (((stays,),), "Anna")
    assert (second.groups, second.name) == (((),), None)
    assert (first.number, second.number) == (1, 2)


async def test_what_an_erasure_leaves_is_written_in_its_place(index: VectorIndex, gallery: str) -> None:
    rows = [membership(gallery, new_id()) for _ in range(2)]
    await index.people.put_memberships(rows)
    goes, stays = spot(rows[0].video_id, rows[0].appearance_id), spot(rows[1].video_id, rows[1].appearance_id)
    said = [naming(gallery, 1, goes, stays), naming(gallery, 2, goes, name="Berta"), naming(gallery, 3, stays)]
    for operation in said:
        await index.people.append(operation)
    ids = [goes.appearance_id, new_id()]
    assert await index.people.count_appearances(gallery, ids) == 1 + 2
    assert await index.people.count_appearances(gallery + "x", ids) == 0
    await index.people.rewrite([one.without(lambda each: each == goes) for one in said[:2]])
    assert await index.people.count_appearances(gallery, ids) == 1
    await index.people.delete_memberships(ids)
    assert await index.people.count_appearances(gallery, ids) == 0
    left = await index.people.operations(gallery)
    assert [(one.number, one.groups, one.name) for one in left] == [
        (1, ((stays,),), "Anna"),
        (2, ((),), None),
        (3, ((stays,),), "Anna"),
    ]


async def test_a_gallery_goes_with_its_names(index: VectorIndex, gallery: str) -> None:
    await index.people.put_memberships([membership(gallery, new_id())])
    await index.people.append(naming(gallery, 1, spot(new_id())))
    other = f"{gallery}-x"
    await index.people.append(naming(other, 1))
    assert await index.people.count_gallery(gallery) == 2
    assert await index.people.erase_gallery(gallery) == 2
    assert await index.people.count_gallery(gallery) == 0
    assert await index.people.operations(gallery) == []
    assert len(await index.people.operations(other)) == 1


def test_a_row_keeps_an_operation() -> None:
    operation = naming("town", 3, spot("a" * 32), spot("b" * 32))
    assert operation_of_row(row_of_operation(operation)) == operation
