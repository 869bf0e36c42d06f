"""GalleryService over a real gRPC server in the process."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import grpc
import pytest

from personsearch.v1 import gallery_service_pb2 as messages
from personsearch.v1.gallery_service_pb2_grpc import GalleryServiceStub
from services.backends.associations.fake import FakeAssociationStore
from services.backends.index.fake import FakeIndex
from services.backends.media.files import FsspecMediaStore
from services.backends.people import Operation, OperationKind
from services.backends.schemas import Gallery, Video, VideoState
from services.gallery.converters import gallery_from_proto, gallery_to_proto
from services.gallery.handlers import GalleryHandlers, GalleryWithCount, Receipt
from services.gallery.servicer import mounted
from services.gallery.settings import GallerySettings
from services.runtime.errors import VideoBusyError, VideoNotFoundError
from services.runtime.server import GrpcServer
from services.runtime.settings import ServerSettings


@dataclass
class Deletion:
    """Ingest's deletion of one video, as far as a gallery sees it."""

    index: FakeIndex
    store: FakeAssociationStore
    media: FsspecMediaStore
    busy: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    async def delete(self, gallery: str, video_id: str) -> Sequence[Receipt]:
        await asyncio.sleep(0)
        if video_id in self.busy:
            raise VideoBusyError(video_id)
        if video_id in self.gone:
            await self.index.erase_video(gallery, video_id)
            raise VideoNotFoundError(gallery, video_id)
        return [
            Receipt("associations", await self.store.drop_video(gallery, video_id), 0),
            Receipt("media", await self.media.delete_prefix(f"{gallery}/{video_id}"), 0),
            Receipt("index", await self.index.erase_video(gallery, video_id), 0),
        ]


@pytest.fixture
def deletion() -> Deletion:
    return Deletion(FakeIndex(), FakeAssociationStore(), FsspecMediaStore(f"memory://{uuid.uuid4().hex}"))


@pytest.fixture
async def stub(deletion: Deletion) -> AsyncIterator[GalleryServiceStub]:
    handlers = GalleryHandlers(
        deletion.index, deletion.store, deletion.media, deletion, GallerySettings(), clock=lambda: 1234.5
    )
    logger = logging.getLogger("tests.gallery")
    server = GrpcServer(ServerSettings(grace_s=0.1), "127.0.0.1:0", [mounted(handlers)], {}, logger)
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield GalleryServiceStub(channel)
    await server.stop()


async def fill(deletion: Deletion, gallery: str, count: int) -> list[str]:
    ids = [f"{i:032x}" for i in range(count)]
    for one in ids:
        await deletion.index.put_video(Video(one, gallery, "file:///x", VideoState.READY, 1, 1.0, "c" * 64))
        await deletion.store.put_video(gallery, one, [one], [])
        await deletion.media.put(f"{gallery}/{one}/key.jpg", b"x")
    return ids


async def code_of(call: grpc.aio.UnaryUnaryCall[object, object]) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code()


async def test_creates_and_lists(deletion: Deletion, stub: GalleryServiceStub) -> None:
    created = (await stub.CreateGallery(messages.CreateGalleryRequest(name="town"))).gallery
    assert gallery_from_proto(created) == GalleryWithCount(Gallery("town", 1234.5), 0)
    await stub.CreateGallery(messages.CreateGalleryRequest(name="a.village"))
    await fill(deletion, "town", 3)
    listed = (await stub.ListGalleries(messages.ListGalleriesRequest())).galleries
    assert [(each.name, each.video_count) for each in listed] == [("a.village", 0), ("town", 3)]


async def test_a_gallery_exists_once(stub: GalleryServiceStub) -> None:
    await stub.CreateGallery(messages.CreateGalleryRequest(name="town"))
    again = stub.CreateGallery(messages.CreateGalleryRequest(name="town"))
    assert await code_of(again) is grpc.StatusCode.ALREADY_EXISTS


@pytest.mark.parametrize("name", ["", "Town", "a b", "-x", "x" * 64, 'x"y'])
async def test_names_have_rules(stub: GalleryServiceStub, name: str) -> None:
    assert (
        await code_of(stub.CreateGallery(messages.CreateGalleryRequest(name=name))) is grpc.StatusCode.INVALID_ARGUMENT
    )


async def test_deletes_all_it_holds(deletion: Deletion, stub: GalleryServiceStub) -> None:
    for name in ("town", "town-2"):
        await stub.CreateGallery(messages.CreateGalleryRequest(name=name))
    await fill(deletion, "town", 9)
    await deletion.media.put("town/leftover/key.jpg", b"x")
    await deletion.media.put("town-2/other/key.jpg", b"x")
    receipts = (await stub.DeleteGallery(messages.DeleteGalleryRequest(name="town"))).receipts
    assert {each.store: (each.deleted, each.remaining) for each in receipts} == {
        "index": (10, 0),
        "associations": (18, 0),
        "media": (10, 0),
    }
    listed = (await stub.ListGalleries(messages.ListGalleriesRequest())).galleries
    assert [each.name for each in listed] == ["town-2"]
    assert await deletion.media.count_prefix("town-2") == 1


async def test_what_was_said_of_people_goes_with_their_gallery(deletion: Deletion, stub: GalleryServiceStub) -> None:
    for name in ("town", "town-2"):
        await stub.CreateGallery(messages.CreateGalleryRequest(name=name))
        await deletion.index.people.append(Operation(name, 1, OperationKind.NAME, 0.0, name="Anna"))
    receipts = (await stub.DeleteGallery(messages.DeleteGalleryRequest(name="town"))).receipts
    assert [(each.deleted, each.remaining) for each in receipts if each.store == "index"] == [(2, 0)]
    assert await deletion.index.people.operations("town") == []
    assert len(await deletion.index.people.operations("town-2")) == 1


async def test_no_such_gallery(stub: GalleryServiceStub) -> None:
    assert await code_of(stub.DeleteGallery(messages.DeleteGalleryRequest(name="town"))) is grpc.StatusCode.NOT_FOUND


async def test_a_busy_film_keeps_its_gallery(deletion: Deletion, stub: GalleryServiceStub) -> None:
    await stub.CreateGallery(messages.CreateGalleryRequest(name="town"))
    ids = await fill(deletion, "town", 3)
    deletion.busy.add(ids[1])
    delete = messages.DeleteGalleryRequest(name="town")
    assert await code_of(stub.DeleteGallery(delete)) is grpc.StatusCode.FAILED_PRECONDITION
    assert [video.video_id for video in await deletion.index.list_videos("town")] == [ids[1]]
    deletion.busy.clear()
    receipts = (await stub.DeleteGallery(delete)).receipts
    assert {each.store: each.deleted for each in receipts} == {"index": 2, "associations": 2, "media": 1}


async def test_a_film_deleted_by_another_call_is_no_trouble(deletion: Deletion, stub: GalleryServiceStub) -> None:
    await stub.CreateGallery(messages.CreateGalleryRequest(name="town"))
    deletion.gone.update((await fill(deletion, "town", 2))[:1])
    receipts = (await stub.DeleteGallery(messages.DeleteGalleryRequest(name="town"))).receipts
    assert all(each.remaining == 0 for each in receipts)


async def test_what_is_left_is_told(deletion: Deletion, stub: GalleryServiceStub) -> None:
    await stub.CreateGallery(messages.CreateGalleryRequest(name="town"))
    ids = await fill(deletion, "town", 1)

    async def nothing(gallery: str, video_id: str) -> Sequence[Receipt]:
        return []

    deletion.delete = nothing  # type: ignore[method-assign]
    delete = stub.DeleteGallery(messages.DeleteGalleryRequest(name="town"))
    assert await code_of(delete) is grpc.StatusCode.UNAVAILABLE
    assert await deletion.index.get_video("town", ids[0]) is not None
    assert await deletion.index.get_gallery("town") is not None


def test_converters_round_trip() -> None:
    counted = GalleryWithCount(Gallery("town", 1_700_000_000.123456), 7)
    assert gallery_from_proto(gallery_to_proto(counted)) == counted
