import datetime as dt

import grpc
import pytest
from google.rpc import code_pb2

from personsearch.client import PersonSearchClient
from personsearch.errors import PersonSearchError, SeveralFacesError, UnreachableError
from personsearch.query import like, portrait, unlike, voice
from personsearch.sync import connect
from personsearch.testing import FakeStack, Refusal
from personsearch.v1 import appearance_pb2, geometry_pb2, hit_pb2, query_pb2, video_pb2

ID = "0123456789abcdef" * 2


def make_hit(number: int, score: float) -> hit_pb2.Hit:
    appearance = appearance_pb2.Appearance(
        appearance_id=f"{number:032x}", span=geometry_pb2.Span(start_s=number, end_s=number + 2.0)
    )
    return hit_pb2.Hit(appearance=appearance, score=score)


async def test_search_sends_parts_filters_and_options(client: PersonSearchClient, stack: FakeStack) -> None:
    stack.answer_with(make_hit(1, 0.9), make_hit(2, 0.4), make_hit(3, 0.1))
    parts = [portrait(b"jpeg", weight=0.5), like(ID), unlike(ID)]
    answer = await client.search(
        parts, gallery="town", video_ids=[ID], time_range_s=(1.0, 9.0), min_score=0.2, top_k=1, expand=False
    )
    assert [hit.appearance.appearance_id for hit in answer.hits] == [f"{1:032x}"]
    request = stack.requests[-1]
    assert request.top_k == 1
    assert request.query.filter.gallery == "town"
    assert request.query.filter.time_range.end_s == 9.0
    assert request.query.filter.min_score == pytest.approx(0.2)
    assert request.query.expansion == query_pb2.EXPANSION_NONE
    assert [part.weight for part in request.query.parts if part.HasField("weight")] == [0.5, -1.0]
    assert request.query.parts[0].portrait.image == b"jpeg"


async def test_absent_options_are_absent_on_the_wire(client: PersonSearchClient, stack: FakeStack) -> None:
    await client.search([like(ID)])
    request = stack.requests[-1]
    assert not request.HasField("top_k")
    assert not request.query.filter.HasField("min_score")
    assert not request.query.filter.HasField("time_range")
    assert not request.query.parts[0].HasField("weight")
    assert request.query.filter.gallery == "default"


async def test_several_faces_come_back_as_boxes(client: PersonSearchClient, stack: FakeStack) -> None:
    facts = {"part_index": "0", "faces": "0.1,0.2,0.3,0.4;0.5,0.5,0.6,0.7"}
    stack.refusals["Search"] = Refusal(code_pb2.FAILED_PRECONDITION, "SEVERAL_FACES", "2 faces", facts)
    with pytest.raises(SeveralFacesError) as caught:
        await client.search([portrait(b"jpeg")])
    assert [round(face.x_min, 3) for face in caught.value.faces] == [0.1, 0.5]
    assert caught.value.part_index == 0
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION


async def test_an_error_carries_reason_facts_and_fields(client: PersonSearchClient, stack: FakeStack) -> None:
    stack.refusals["Search"] = Refusal(
        code_pb2.INVALID_ARGUMENT, "INVALID_FIELD", "bad field", violations={"query.parts": "at most 16"}
    )
    with pytest.raises(PersonSearchError) as caught:
        await client.search([like(ID)])
    assert caught.value.reason == "INVALID_FIELD"
    assert [(found.field, found.description) for found in caught.value.violations] == [("query.parts", "at most 16")]


async def test_nobody_at_the_address_is_unreachable() -> None:
    async with PersonSearchClient("127.0.0.1:1", "127.0.0.1:1", timeout_s=2.0) as client:
        with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1"):
            await client.list_galleries()


async def test_ingest_then_watch_then_list_then_delete(
    client: PersonSearchClient, stack: FakeStack, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.chdir(tmp_path)
    moment = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    video = await client.ingest("film.mp4", gallery="town", site="hall", recorded_at=moment)
    assert stack.requests[-1].source_uri == str(tmp_path / "film.mp4")
    assert stack.requests[-1].recorded_at.ToDatetime(dt.UTC) == moment
    done = [progress.video.state async for progress in client.watch_ingest(video.video_id, gallery="town")]
    assert done[-1] == video_pb2.VIDEO_STATE_READY
    await client.ingest("other.mp4", gallery="town")
    listed = await client.list_videos(gallery="town")
    assert len(listed) == 2
    receipts = await client.delete_video(video.video_id, gallery="town")
    assert [receipt.remaining for receipt in receipts] == [0]
    assert len(await client.list_videos(gallery="town")) == 1


async def test_a_failed_ingest_raises_its_reason() -> None:
    with FakeStack(failing=(".mkv",)) as stack:
        async with PersonSearchClient(stack.address, stack.address) as client:
            video = await client.ingest("/x/film.mkv")
            with pytest.raises(PersonSearchError, match="middle of a frame") as caught:
                await client.wait_until_ready(video.video_id)
    assert caught.value.reason == "INGEST_FAILED"


async def test_a_time_without_a_zone_is_refused(client: PersonSearchClient) -> None:
    with pytest.raises(ValueError, match="time zone"):
        await client.ingest("/x/film.mp4", recorded_at=dt.datetime(2026, 3, 1))


async def test_galleries(client: PersonSearchClient) -> None:
    await client.create_gallery("town")
    with pytest.raises(PersonSearchError) as caught:
        await client.create_gallery("town")
    assert caught.value.reason == "GALLERY_EXISTS"
    assert [gallery.name for gallery in await client.list_galleries()] == ["town"]
    await client.delete_gallery("town")
    assert await client.list_galleries() == []


async def test_tracks_and_appearances(client: PersonSearchClient, stack: FakeStack) -> None:
    stack.answer_with(make_hit(7, 0.8))
    track = await client.get_track(f"{7:032x}", min_score=0.6)
    assert track.spans[0].hits[0].score == pytest.approx(0.8)
    assert (await client.get_appearance(f"{7:032x}")).span.start_s == 7.0
    with pytest.raises(PersonSearchError) as caught:
        await client.get_appearance(ID)
    assert caught.value.metadata["appearance_id"] == ID


def test_the_blocking_client_does_the_same() -> None:
    with FakeStack() as stack, connect(stack.address, stack.address) as client:
        stack.answer_with(make_hit(1, 0.9))
        video = client.ingest("/x/film.mp4")
        assert [step.video.committed_s for step in client.watch_ingest(video.video_id)][-1] == 10.0
        assert client.wait_until_ready(video.video_id).state == video_pb2.VIDEO_STATE_READY
        assert len(client.search([like(ID)]).hits) == 1
        assert len(client.get_track(ID).spans) == 1
        assert client.get_appearance(f"{1:032x}").span.start_s == 1.0
        client.create_gallery("b")
        assert [gallery.name for gallery in client.list_galleries()] == ["b", "default"]
        assert client.delete_gallery("b")[0].remaining == 0
        assert len(client.list_videos()) == 1
        assert client.delete_video(video.video_id)[0].deleted == 3


async def test_a_task_is_sent_as_asked(client: PersonSearchClient, stack: FakeStack) -> None:
    await client.search([voice(b"wav")], task=query_pb2.TASK_SEEN)
    assert stack.requests[-1].query.task == query_pb2.TASK_SEEN
    assert stack.requests[-1].query.parts[0].voice.sound == b"wav"


async def test_appearances_of_a_video_are_read_page_by_page(client: PersonSearchClient, stack: FakeStack) -> None:
    stack.appearances[ID] = [appearance_pb2.Appearance(appearance_id=f"{number:032x}") for number in range(5)]
    listed = await client.list_appearances(ID, gallery="town")
    assert [int(one.appearance_id, 16) for one in listed] == [0, 1, 2, 3, 4]
    assert len(stack.requests) == 3
    with pytest.raises(PersonSearchError, match="no such video"):
        await client.list_appearances("f" * 32)


def test_the_blocking_client_lists_appearances_too(stack: FakeStack) -> None:
    stack.appearances[ID] = [appearance_pb2.Appearance(appearance_id=ID)]
    with connect(stack.address, stack.address) as client:
        assert [one.appearance_id for one in client.list_appearances(ID)] == [ID]
