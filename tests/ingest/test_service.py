"""The API over gRPC and the worker, on fakes, with films that really are decoded."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from packs.spec import Modality
from personsearch.v1 import ingest_service_pb2 as messages
from personsearch.v1 import ingest_service_pb2_grpc as stubs
from personsearch.v1 import video_pb2
from services.backends.ephemeral.fake import FakeEphemeralStore
from services.backends.index.fake import FakeIndex
from services.backends.media.files import FsspecMediaStore
from services.backends.schemas import Scope, VideoState
from services.ingest.associations import Dropped
from services.ingest.deletion import Deletion
from services.ingest.gate import shut
from services.ingest.identifiers import crash_key, lease_name, stop_key
from services.ingest.pipeline.hear import NobodyWatches
from services.ingest.pipeline.run import Pipeline
from services.ingest.pipeline.settings import PipelineSettings
from services.ingest.server import deletion_on, mounted_ingest
from services.ingest.settings import ApiSettings, LeaseSettings, WorkerSettings
from services.ingest.work import Worker
from services.runtime.errors import BackendUnavailableError
from services.runtime.server import GrpcServer
from services.runtime.settings import ServerSettings

LOGGER = logging.getLogger("services.ingest.test")
LEASE = LeaseSettings(ttl_s=0.9)


class FakeAssociations:
    def __init__(self) -> None:
        self.associated: list[str] = []
        self.dropped: list[str] = []
        self.away = False

    async def associate_video(self, gallery: str, video_id: str) -> int:
        if self.away:
            raise BackendUnavailableError("association", "it is away")
        self.associated.append(video_id)
        return 0

    async def drop_video(self, gallery: str, video_id: str) -> Dropped:
        if self.away:
            raise BackendUnavailableError("association", "it is away")
        self.dropped.append(video_id)
        return Dropped(2, 0)


class House:
    """One installation: stores, API and worker."""

    def __init__(self, index, media, vision, hearing, calibration, modalities) -> None:
        self.index, self.media, self.vision = index, media, vision
        self.ephemeral = FakeEphemeralStore()
        self.associations = FakeAssociations()
        self.identities = None  # nobody is erased here: test_erasure.py
        self.channel = None
        self.pipeline = Pipeline(
            vision=vision,
            hearing=hearing,
            watching=NobodyWatches(),
            modalities=modalities,
            calibration=calibration,
            index=index,
            media=media,
            settings=PipelineSettings(checkpoint_s=0.5),
        )

    def worker(self, **settings) -> Worker:
        deletion = Deletion(
            index=self.index,
            media=self.media,
            associations=self.associations,
            ephemeral=self.ephemeral,
            lease=LEASE,
            stop_wait_s=2.0,
            logger=LOGGER,
        )
        return Worker(
            index=self.index,
            ephemeral=self.ephemeral,
            pipeline=self.pipeline,
            associations=self.associations,
            deletion=deletion,
            settings=WorkerSettings(lease=LEASE, rescan_s=0.05, report_every_s=0.0, **settings),
            logger=LOGGER,
        )

    @asynccontextmanager
    async def api(self, **settings):
        how = ApiSettings(lease=LEASE, stop_wait_s=2.0, watch_refresh_s=0.2, **settings)
        server = GrpcServer(
            ServerSettings(),
            "127.0.0.1:0",
            [mounted_ingest(self, deletion_on(self, how, LOGGER), how, LOGGER)],
            {},
            LOGGER,
        )
        await server.start()
        try:
            async with grpc.aio.insecure_channel(server.address) as channel:
                yield stubs.IngestServiceStub(channel)
        finally:
            await server.stop(grace_s=0.5)

    @asynccontextmanager
    async def working(self, **settings):
        task = asyncio.create_task(self.worker(**settings).run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def house(vision, hearing, calibration, modalities, dimensions, tmp_path):
    index = FakeIndex()
    await index.open(dimensions)
    await index.make_live()
    return House(index, FsspecMediaStore(str(tmp_path / "media")), vision, hearing, calibration, modalities)


@pytest.fixture
def story(film, script, walker):
    people = (walker("red", 0, 50, 20.0, 6.0), walker("blue", 50, 100, 200.0, 1.0))
    return film(script(frames=110, cuts=(50,), walkers=people))


def reason_of(error: grpc.aio.AioRpcError) -> str:
    info = error_details_pb2.ErrorInfo()
    status = rpc_status.from_call(error)
    assert status.details[0].Unpack(info)
    return info.reason.removeprefix("ERROR_REASON_")


async def ingest(stub, path, gallery="town", **fields):
    request = messages.IngestVideoRequest(gallery=gallery, source_uri=str(path), **fields)
    return (await stub.IngestVideo(request)).video


async def watch(stub, video):
    request = messages.WatchIngestRequest(gallery=video.gallery, video_id=video.video_id)
    return [moment async for moment in stub.WatchIngest(request)]


async def test_a_film_is_queued_worked_on_and_watched(house, story):
    async with house.api() as stub, house.working():
        video = await ingest(stub, story, camera_id="door", site="house")
        assert video.state == video_pb2.VIDEO_STATE_QUEUED
        assert (video.width_px, video.frames_per_second) == (480, 25.0)
        moments = await asyncio.wait_for(watch(stub, video), 60)
    last = moments[-1]
    assert last.video.state == video_pb2.VIDEO_STATE_READY
    assert last.video.appearance_count == 2
    assert (last.video.camera_id, last.video.site) == ("door", "house")
    assert last.analysed_s == pytest.approx(4.4, abs=0.05)
    analysed = [moment.analysed_s for moment in moments]
    assert analysed == sorted(analysed)
    assert any(moment.video.state == video_pb2.VIDEO_STATE_INGESTING for moment in moments)
    assert house.associations.associated == [video.video_id]
    assert len(await house.index.list_embeddings(Modality.FACE, Scope("town"))) == 2


async def test_the_same_file_is_one_video(house, story, tmp_path):
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(story.read_bytes())
    async with house.api() as stub:
        first, second = await asyncio.gather(ingest(stub, story), ingest(stub, copy))
        assert first == second
        other = await ingest(stub, story, gallery="village")
        assert other.video_id != first.video_id
        async with house.working():
            await watch(stub, first)
        again = await ingest(stub, story)
    assert again.state == video_pb2.VIDEO_STATE_READY
    assert len(await house.index.list_videos("town")) == 1


async def test_a_file_that_is_no_video_is_refused(house, tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"no video")
    async with house.api() as stub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ingest(stub, path)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert reason_of(caught.value) == "UNREADABLE_VIDEO"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ingest(stub, "relative.mp4")
        assert reason_of(caught.value) == "INVALID_FIELD"
    assert await house.index.list_videos() == []


async def test_videos_are_listed_newest_first_in_pages(house, film, script):
    async with house.api() as stub:
        made = [await ingest(stub, film(script(frames=3 + n), name=f"{n}.mp4")) for n in range(5)]
        seen, token = [], ""
        while True:
            page = await stub.ListVideos(messages.ListVideosRequest(gallery="town", page_size=2, page_token=token))
            seen += [video.video_id for video in page.videos]
            token = page.next_page_token
            if not token:
                break
        assert seen == [video.video_id for video in reversed(made)]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ListVideos(messages.ListVideosRequest(gallery="nowhere"))
        assert reason_of(caught.value) == "GALLERY_NOT_FOUND"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ListVideos(messages.ListVideosRequest(gallery="town", page_token="nonsense"))
        assert reason_of(caught.value) == "INVALID_FIELD"


async def delete(stub, video):
    request = messages.DeleteVideoRequest(gallery=video.gallery, video_id=video.video_id)
    answer = await stub.DeleteVideo(request)
    return {receipt.store: (receipt.deleted, receipt.remaining) for receipt in answer.receipts}


async def test_deletion_gives_receipts_and_leaves_nothing(house, story):
    async with house.api() as stub:
        video = await ingest(stub, story)
        async with house.working():
            await watch(stub, video)
        assert await delete(stub, video) == {"index": (7, 0), "associations": (2, 0), "media": (2, 0)}
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await delete(stub, video)
        assert reason_of(caught.value) == "VIDEO_NOT_FOUND"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await watch(stub, video)
        assert reason_of(caught.value) == "VIDEO_NOT_FOUND"
        assert story.exists()
    assert await house.index.count_video("town", video.video_id) == 0
    assert house.associations.dropped == [video.video_id]


async def test_deletion_stops_a_running_ingest(house, story):
    reached = asyncio.Event()
    house.vision.on_detect = lambda call: reached.set() if call == 3 else None
    async with house.api() as stub, house.working():
        video = await ingest(stub, story)
        await reached.wait()
        receipts = await delete(stub, video)
    assert all(remaining == 0 for _, remaining in receipts.values())
    assert await house.index.count_video("town", video.video_id) == 0
    assert await house.media.count_prefix(f"town/{video.video_id}") == 0


async def test_deletion_waits_for_the_lease_of_a_dead_worker(house, story):
    async with house.api() as stub:
        video = await ingest(stub, story)
        assert await house.ephemeral.acquire_lease(lease_name(video.video_id), "dead", 0.6)
        assert (await delete(stub, video))["index"] == (1, 0)


async def test_deletion_gives_up_when_nobody_lets_go(house, story):
    async with house.api() as stub:
        video = await ingest(stub, story)
        assert await house.ephemeral.acquire_lease(lease_name(video.video_id), "stubborn", 60.0)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await delete(stub, video)
    assert reason_of(caught.value) == "VIDEO_BUSY"
    assert await house.ephemeral.get(stop_key(video.video_id)) is None


async def test_a_deletion_that_was_cut_off_is_finished_by_the_worker(house, story):
    async with house.api() as stub:
        video = await ingest(stub, story)
        house.associations.away = True
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await delete(stub, video)
        assert reason_of(caught.value) == "BACKEND_UNAVAILABLE"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ingest(stub, story)
        assert reason_of(caught.value) == "VIDEO_BUSY"
    house.associations.away = False
    assert await house.worker().work_once()
    assert await house.index.count_video("town", video.video_id) == 0


async def test_an_ingest_whose_worker_died_is_taken_over(house, story):
    async with house.api() as stub:
        video = await ingest(stub, story)
        row = await house.index.get_video("town", video.video_id)
        await house.index.put_video(row.with_changes(state=VideoState.INGESTING))
        assert await house.ephemeral.acquire_lease(lease_name(video.video_id), "dead", 0.3)
        assert not await house.worker().work_once()
        async with house.working():
            moments = await asyncio.wait_for(watch(stub, video), 60)
    assert moments[-1].video.state == video_pb2.VIDEO_STATE_READY


async def test_a_file_that_vanished_fails_and_may_be_asked_for_again(house, story):
    content = story.read_bytes()
    async with house.api() as stub:
        video = await ingest(stub, story)
        story.unlink()
        assert await house.worker().work_once()
        moments = await watch(stub, video)
        assert moments[-1].video.state == video_pb2.VIDEO_STATE_FAILED
        assert "No such file" in moments[-1].video.failure_reason
        story.write_bytes(content)
        assert (await ingest(stub, story)).state == video_pb2.VIDEO_STATE_QUEUED
        assert await house.worker().work_once()
        assert (await watch(stub, video))[-1].video.state == video_pb2.VIDEO_STATE_READY


async def test_a_back_end_that_is_away_is_tried_again_but_not_for_ever(house, story):
    def away(call: int) -> None:
        raise BackendUnavailableError("inference", "it is away")

    house.vision.on_detect = away
    async with house.api() as stub:
        video = await ingest(stub, story)
        worker = house.worker(attempts=3)
        for tried in range(3):
            row = await house.index.get_video("town", video.video_id)
            assert row.state is (VideoState.INGESTING if tried else VideoState.QUEUED)
            assert await worker.work_once()
        moments = await watch(stub, video)
    assert moments[-1].video.state == video_pb2.VIDEO_STATE_FAILED
    assert "tried 3 times" in moments[-1].video.failure_reason


async def test_ready_without_the_association_service(house, story):
    house.associations.away = True
    async with house.api() as stub:
        video = await ingest(stub, story)
        assert await house.worker().work_once()
        assert (await watch(stub, video))[-1].video.state == video_pb2.VIDEO_STATE_READY


async def test_a_file_that_kills_the_worker_is_given_up(house, story):
    async with house.api() as stub:
        video = await ingest(stub, story)
        # What a worker leaves behind that was killed while it worked, for the second time.
        note = b'{"committed_frame": 0, "begun": 2}'
        await house.ephemeral.put(crash_key(video.video_id), note, 60.0)
        assert await house.worker(attempts=2).work_once()
        moments = await watch(stub, video)
        assert "died 2 times" in moments[-1].video.failure_reason
        await ingest(stub, story)
        assert await house.worker(attempts=2).work_once()
        assert (await watch(stub, video))[-1].video.state == video_pb2.VIDEO_STATE_READY
    assert await house.ephemeral.get(crash_key(video.video_id)) is None


async def test_a_damaged_film_is_ready_and_says_what_is_missing(house, film, script, walker, tmp_path):
    whole = film(script(frames=200, cuts=(60, 120), walkers=(walker("red", 0, 200, 20.0, 1.5),)), name="whole.mkv")
    content = whole.read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(content[: len(content) * 2 // 3])
    async with house.api() as stub:
        video = await ingest(stub, cut)
        assert await house.worker().work_once()
        last = (await watch(stub, video))[-1].video
    assert last.state == video_pb2.VIDEO_STATE_READY
    assert last.appearance_count >= 2
    assert "ends in the middle" in last.failure_reason


async def test_a_worker_of_a_pack_of_the_past_or_before_a_shut_gate_begins_nothing(house, story):
    async with house.api() as api:
        request = messages.IngestVideoRequest(gallery="town", source_uri=str(story))
        answer = await api.IngestVideo(request)
        other = FakeIndex(house.index._record, "e" * 64)
        await other.open({})
        await other.make_live()
        assert not await house.worker().work_once()
        await house.index.make_live()
        async with shut(house.ephemeral):
            assert not await house.worker().work_once()
        assert await house.worker().work_once()
        video = await house.index.get_video("town", answer.video.video_id)
        assert video.state is VideoState.READY
        assert video.generation == 1


async def test_a_video_that_another_pack_began_is_begun_anew(house, story):
    """The pack was changed by hand in the middle of an ingest: nothing of the first half is taken for whole."""
    async with house.api() as api:
        request = messages.IngestVideoRequest(gallery="town", source_uri=str(story))
        answer = await api.IngestVideo(request)
    row = await house.index.get_video("town", answer.video.video_id)
    await house.index.put_video(
        row.with_changes(state=VideoState.INGESTING, committed_frame=50, committed_s=2.0, appearance_count=1)
    )
    assert await house.worker().work_once()
    video = await house.index.get_video("town", answer.video.video_id)
    assert (video.state, video.generation) == (VideoState.READY, 2)
    assert {place.generation for place in await house.index.list_places(None, Scope("town"))} == {2}
