"""Between the messages of the contract and our own values."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from personsearch.v1 import ingest_service_pb2 as messages
from personsearch.v1 import video_pb2
from services.backends.schemas import Video, VideoState
from services.ingest.deletion import Receipt
from services.ingest.erasure import Erased
from services.ingest.handlers import IngestOrder
from services.ingest.watch import IngestMoment

__all__ = [
    "erased_to_message",
    "moment_to_message",
    "order_from_message",
    "receipt_to_message",
    "seconds_from_timestamp",
    "timestamp_from_seconds",
    "video_from_message",
    "video_to_message",
]

STATES = {
    VideoState.QUEUED: video_pb2.VIDEO_STATE_QUEUED,
    VideoState.INGESTING: video_pb2.VIDEO_STATE_INGESTING,
    VideoState.READY: video_pb2.VIDEO_STATE_READY,
    VideoState.FAILED: video_pb2.VIDEO_STATE_FAILED,
}
STATES_BACK = {number: state for state, number in STATES.items()}
NANOSECONDS = 1_000_000_000


def timestamp_from_seconds(seconds: float) -> Timestamp:
    """Unix seconds as a timestamp, to the microsecond."""
    whole, micro = divmod(round(seconds * 1e6), 1_000_000)
    return Timestamp(seconds=whole, nanos=micro * 1000)


def seconds_from_timestamp(timestamp: Timestamp) -> float:
    """A timestamp as Unix seconds, to the microsecond."""
    return timestamp.seconds + round(timestamp.nanos / NANOSECONDS, 6)


def order_from_message(request: messages.IngestVideoRequest) -> IngestOrder:
    """What a request asks for."""
    return IngestOrder(
        gallery=request.gallery,
        source_uri=request.source_uri,
        camera_id=request.camera_id if request.HasField("camera_id") else None,
        site=request.site if request.HasField("site") else None,
        recorded_at=seconds_from_timestamp(request.recorded_at) if request.HasField("recorded_at") else None,
    )


def video_to_message(video: Video) -> video_pb2.Video:
    """A video's row for the outside. One that is being deleted is not shown to anyone: ValueError."""
    if video.state not in STATES:
        raise ValueError(f"a video in state {video.state} has no message; it is on its way out")
    message = video_pb2.Video(
        video_id=video.video_id,
        gallery=video.gallery,
        source_uri=video.source_uri,
        state=STATES[video.state],
        duration_s=video.duration_s,
        width_px=video.width_px,
        height_px=video.height_px,
        frames_per_second=video.frames_per_second,
        committed_s=video.committed_s,
        appearance_count=video.appearance_count,
        failure_reason=video.failure_reason,
        camera_id=video.camera_id,
        site=video.site,
        create_time=timestamp_from_seconds(video.created_at),
    )
    if video.recorded_at is not None:
        message.recorded_at.CopyFrom(timestamp_from_seconds(video.recorded_at))
    return message


def video_from_message(message: video_pb2.Video) -> Video:
    """A row of what the outside is told; what it is not told stays at its default."""
    return Video(
        video_id=message.video_id,
        gallery=message.gallery,
        source_uri=message.source_uri,
        state=STATES_BACK[message.state],
        generation=0,
        created_at=seconds_from_timestamp(message.create_time),
        content_digest="",
        duration_s=message.duration_s,
        width_px=message.width_px,
        height_px=message.height_px,
        frames_per_second=message.frames_per_second,
        committed_s=message.committed_s,
        appearance_count=message.appearance_count,
        failure_reason=message.failure_reason,
        camera_id=message.camera_id if message.HasField("camera_id") else None,
        site=message.site if message.HasField("site") else None,
        recorded_at=seconds_from_timestamp(message.recorded_at) if message.HasField("recorded_at") else None,
    )


def moment_to_message(moment: IngestMoment) -> messages.WatchIngestResponse:
    """A moment of an ingest."""
    return messages.WatchIngestResponse(
        video=video_to_message(moment.video), analysed_s=moment.analysed_s, speed=moment.speed
    )


def receipt_to_message(receipt: Receipt) -> messages.StoreReceipt:
    """What one store said of a deletion."""
    return messages.StoreReceipt(store=receipt.store, deleted=receipt.deleted, remaining=receipt.remaining)


def erased_to_message(erased: Erased) -> messages.EraseIdentityResponse:
    """The proof of an erasure."""
    return messages.EraseIdentityResponse(
        identity_id=erased.identity_id,
        appearance_count=erased.appearance_count,
        video_count=erased.video_count,
        receipts=[receipt_to_message(receipt) for receipt in erased.receipts],
    )
