"""Messages of the contract as what `--json` prints; these shapes are promised to programs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable

import typer
from google.protobuf import timestamp_pb2

from personsearch.cli.identity_views import label_view
from personsearch.v1 import (
    appearance_pb2,
    gallery_pb2,
    geometry_pb2,
    hit_pb2,
    ingest_service_pb2,
    modality_pb2,
    person_search_service_pb2,
    query_pb2,
    video_pb2,
)

__all__ = [
    "appearance_view",
    "box_view",
    "erased_view",
    "gallery_view",
    "hit_view",
    "kind_name",
    "modality_name",
    "print_json",
    "receipt_view",
    "search_view",
    "state_name",
    "track_view",
    "video_view",
]

View = dict[str, object]

# float32 scores have seven digits; more would only show the rounding of the wire.
SCORE_DIGITS = 6


def print_json(view: View) -> None:
    """Print a view to standard output."""
    typer.echo(json.dumps(view, indent=2, ensure_ascii=False))


def search_view(answer: person_search_service_pb2.SearchResponse) -> View:
    """View an answer: what was answered, its hits, best first, and what it had to do without."""
    return {
        "task": query_pb2.Task.Name(answer.task).removeprefix("TASK_").lower(),
        "voice_speech_s": [round(seconds, 2) for seconds in answer.voice_speech_s],
        "text_readings": [
            {"part_index": reading.part_index, "unknown_words": list(reading.unknown_words)}
            for reading in answer.text_readings
        ],
        "hits": [hit_view(hit) for hit in answer.hits],
        "degraded": _degraded(answer.degraded),
    }


def track_view(answer: person_search_service_pb2.GetTrackResponse) -> View:
    """View a track: its stretches in order of time."""
    spans: list[View] = [
        {
            "video_id": span.video_id,
            "start_s": span.span.start_s,
            "end_s": span.span.end_s,
            "hits": [hit_view(hit) for hit in span.hits],
        }
        for span in answer.spans
    ]
    return {"spans": spans, "degraded": _degraded(answer.degraded)}


def hit_view(hit: hit_pb2.Hit) -> View:
    """View one hit; `modalities` maps each modality to its share of the score."""
    appearance = hit.appearance
    return {
        "appearance_id": appearance.appearance_id,
        "kind": kind_name(appearance.kind),
        "video_id": appearance.video_id,
        "start_s": appearance.span.start_s,
        "end_s": appearance.span.end_s,
        "score": round(hit.score, SCORE_DIGITS),
        "modalities": {modality_name(share.modality): round(share.share, SCORE_DIGITS) for share in hit.shares},
        "speech": _speech_view(appearance),
        "identity": label_view(hit.identity) if hit.HasField("identity") else None,
        "evidence": [_step_view(step) for step in hit.evidence],
        "media": _media_view(appearance),
    }


def appearance_view(appearance: appearance_pb2.Appearance) -> View:
    """View an appearance with its boxes."""
    return {
        "appearance_id": appearance.appearance_id,
        "kind": kind_name(appearance.kind),
        "gallery": appearance.gallery,
        "video_id": appearance.video_id,
        "start_s": appearance.span.start_s,
        "end_s": appearance.span.end_s,
        "modalities": [modality_name(modality) for modality in appearance.modalities],
        "boxes": [_key_box_view(box) for box in appearance.boxes],
        "speech": _speech_view(appearance),
        "media": _media_view(appearance),
    }


def video_view(video: video_pb2.Video) -> View:
    """View a video; times in seconds, moments in ISO 8601 UTC."""
    return {
        "video_id": video.video_id,
        "gallery": video.gallery,
        "source_uri": video.source_uri,
        "state": state_name(video.state),
        "duration_s": video.duration_s,
        "width_px": video.width_px,
        "height_px": video.height_px,
        "frames_per_second": video.frames_per_second,
        "committed_s": video.committed_s,
        "appearance_count": video.appearance_count,
        "failure_reason": video.failure_reason or None,
        "camera_id": video.camera_id if video.HasField("camera_id") else None,
        "site": video.site if video.HasField("site") else None,
        "recorded_at": _moment(video.recorded_at) if video.HasField("recorded_at") else None,
        "create_time": _moment(video.create_time) if video.HasField("create_time") else None,
    }


def gallery_view(gallery: gallery_pb2.Gallery) -> View:
    """View a gallery."""
    created = _moment(gallery.create_time) if gallery.HasField("create_time") else None
    return {"name": gallery.name, "create_time": created, "video_count": gallery.video_count}


def erased_view(answer: ingest_service_pb2.EraseIdentityResponse) -> View:
    """View an erasure: who was erased, and what each store said."""
    return {
        "identity_id": answer.identity_id,
        "appearance_count": answer.appearance_count,
        "video_count": answer.video_count,
        "receipts": [receipt_view(receipt) for receipt in answer.receipts],
    }


def receipt_view(receipt: ingest_service_pb2.StoreReceipt) -> View:
    """View what one store deleted and still finds."""
    return {"store": receipt.store, "deleted": receipt.deleted, "remaining": receipt.remaining}


def box_view(box: geometry_pb2.Box) -> list[float]:
    """View a box as [x_min, y_min, x_max, y_max] in fractions of the picture."""
    return [round(edge, SCORE_DIGITS) for edge in (box.x_min, box.y_min, box.x_max, box.y_max)]


def modality_name(modality: modality_pb2.Modality.ValueType) -> str:
    """Name a modality, such as "face"."""
    return modality_pb2.Modality.Name(modality).removeprefix("MODALITY_").lower()


def kind_name(kind: appearance_pb2.AppearanceKind.ValueType) -> str:
    """Name a kind of appearance: "tracklet" or "speech"."""
    return appearance_pb2.AppearanceKind.Name(kind).removeprefix("APPEARANCE_KIND_").lower()


def state_name(state: video_pb2.VideoState.ValueType) -> str:
    """Name the state of a video, such as "ready"."""
    return video_pb2.VideoState.Name(state).removeprefix("VIDEO_STATE_").lower()


def _step_view(step: hit_pb2.EvidenceStep) -> View:
    from_part = step.WhichOneof("source") == "part_index"
    return {
        "part_index": step.part_index if from_part else None,
        "source_appearance_id": None if from_part else step.source_appearance_id,
        "target_appearance_id": step.target_appearance_id,
        "modality": modality_name(step.modality),
        "cosine": round(step.cosine, SCORE_DIGITS) if step.HasField("cosine") else None,
        "probability": round(step.probability, SCORE_DIGITS),
        "confirmed": step.confirmed,
    }


def _speech_view(appearance: appearance_pb2.Appearance) -> list[View]:
    return [
        {
            "start_s": spoken.span.start_s,
            "end_s": spoken.span.end_s,
            "confidence": round(spoken.confidence, SCORE_DIGITS),
        }
        for spoken in appearance.speech
    ]


def _media_view(appearance: appearance_pb2.Appearance) -> View:
    return {"key_frame_uri": appearance.key_frame_uri or None, "key_frame_s": appearance.key_frame_s}


def _key_box_view(box: geometry_pb2.KeyBox) -> View:
    view: View = {"time_s": box.time_s, "person": box_view(box.person)}
    view["head"] = box_view(box.head) if box.HasField("head") else None
    view["face"] = box_view(box.face) if box.HasField("face") else None
    return view


def _degraded(values: Iterable[person_search_service_pb2.Degradation.ValueType]) -> list[str]:
    names = (person_search_service_pb2.Degradation.Name(value) for value in values)
    return [name.removeprefix("DEGRADATION_").lower() for name in names]


def _moment(stamp: timestamp_pb2.Timestamp) -> str:
    return stamp.ToDatetime(dt.UTC).isoformat()
