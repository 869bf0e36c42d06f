from __future__ import annotations

import pytest

from personsearch.v1 import ingest_service_pb2 as messages
from services.backends.schemas import Video, VideoState
from services.ingest import converters
from services.ingest.deletion import Receipt
from services.ingest.handlers import IngestOrder
from services.ingest.identifiers import appearance_id_of, video_id_of
from services.ingest.watch import IngestMoment

FULL = Video(
    video_id="a" * 32,
    gallery="town",
    source_uri="file:///films/a%20film.mp4",
    state=VideoState.READY,
    generation=0,
    created_at=1_700_000_000.123456,
    content_digest="",
    duration_s=61.5,
    width_px=1280,
    height_px=720,
    frames_per_second=25.0,
    committed_s=61.48,
    appearance_count=12,
    camera_id="door",
    site="house",
    recorded_at=1_690_000_000.5,
)


@pytest.mark.parametrize("state", [state for state in VideoState if state is not VideoState.DELETING])
@pytest.mark.parametrize("known", [True, False])
def test_videos_round_trip(state, known):
    video = FULL.with_changes(state=state, failure_reason="it broke" if state is VideoState.FAILED else "")
    if not known:
        video = video.with_changes(camera_id=None, site=None, recorded_at=None)
    assert converters.video_from_message(converters.video_to_message(video)) == video


def test_what_is_being_deleted_is_not_shown():
    with pytest.raises(ValueError, match="on its way out"):
        converters.video_to_message(FULL.with_changes(state=VideoState.DELETING))


def test_orders_keep_what_is_absent():
    request = messages.IngestVideoRequest(gallery="town", source_uri="/film.mp4")
    assert converters.order_from_message(request) == IngestOrder("town", "/film.mp4")
    request = messages.IngestVideoRequest(
        gallery="town",
        source_uri="/film.mp4",
        camera_id="door",
        site="house",
        recorded_at=converters.timestamp_from_seconds(1_690_000_000.25),
    )
    assert converters.order_from_message(request) == IngestOrder("town", "/film.mp4", "door", "house", 1_690_000_000.25)


def test_moments_and_receipts():
    message = converters.moment_to_message(IngestMoment(FULL, 40.0, None))
    assert (message.analysed_s, message.HasField("speed")) == (40.0, False)
    assert converters.moment_to_message(IngestMoment(FULL, 40.0, 3.0)).speed == 3.0
    receipt = converters.receipt_to_message(Receipt("media", 4, 0))
    assert (receipt.store, receipt.deleted, receipt.remaining) == ("media", 4, 0)


def test_ids_follow_from_what_they_name():
    assert video_id_of("town", "0" * 64) == video_id_of("town", "0" * 64)
    assert video_id_of("town", "0" * 64) != video_id_of("village", "0" * 64)
    ids = {appearance_id_of("a" * 32, start, ordinal) for start in range(20) for ordinal in range(20)}
    assert len(ids) == 400
    assert all(len(name) == 32 for name in ids)
