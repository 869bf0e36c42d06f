"""Between the stored values and the rows of Milvus.

Key boxes are packed column by column, since a VARCHAR holds at most 65,535 bytes: their number, then 4 bytes of time
and 1 of flags for each, then 8 bytes for each of person, head and face that is there; all of it in base64. A time is
exact to 0.05 ms, an edge to 1/131,070 of the frame. What is too long for the field even so (1,655 boxes with all three)
keeps every second box, again and again, its first and last always.

Speech spans stand in `details` in milliseconds, with the confidence in thousandths; spans that a row has no room for
are left out, the least sure first.
"""

from __future__ import annotations

import base64
import itertools
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from packs.spec import Modality
from services.backends.schemas import (
    Appearance,
    AppearanceKind,
    Box,
    EmbeddingRow,
    Gallery,
    KeyBox,
    Neighbour,
    SpeechSpan,
    Video,
    VideoState,
)

__all__ = [
    "MAX_TEXT_BYTES",
    "appearance_of_row",
    "check_vectors",
    "embedding_of_row",
    "gallery_of_row",
    "neighbour_of_hit",
    "pack_boxes",
    "row_of_appearance",
    "row_of_embedding",
    "row_of_gallery",
    "row_of_video",
    "unpack_boxes",
    "video_of_row",
]

Row = dict[str, Any]

MAX_TEXT_BYTES = 65_535
_MAX_BOXES_BYTES = 48_000  # base64 of it is 64,000 characters
_HEAD, _FACE = 1, 2
_TICKS_PER_S = 10_000
_EDGE_STEPS = 65_535
_MOST_SPANS = 2_000  # at most 25 bytes each; ingest cuts at a minute, which holds a few dozen
_DUMMY_VECTOR = [1.0, 0.0]  # Milvus asks for a vector in every collection
_VIDEO_COLUMNS = ("video_id", "gallery", "state", "created_at")


def check_vectors(
    modality: Modality, dimensions: Mapping[Modality, int], vectors: Sequence[Any] | NDArray[Any]
) -> None:
    """Refuse vectors of a modality that is not open, or of another length, with ValueError."""
    expected = dimensions.get(modality)
    if expected is None:
        opened = ", ".join(dimensions) or "none"
        raise ValueError(f"the index holds no {modality} embeddings: it was opened for {opened}")
    for vector in vectors:
        if np.shape(vector) != (expected,):
            got = np.shape(vector)
            raise ValueError(f"a {modality} embedding has {expected} numbers, got an array of shape {got}")


def pack_boxes(boxes: Sequence[KeyBox]) -> str:
    """Pack key boxes to base64 text of at most 64,000 characters."""
    kept = list(boxes)
    while len(kept) > 2 and _packed_bytes(kept) > _MAX_BOXES_BYTES:
        last = kept[-1]
        kept = kept[::2]
        if kept[-1] is not last:
            kept.append(last)
    ticks = np.array([round(box.time_s * _TICKS_PER_S) for box in kept], "<u4")
    flags = np.array([(_HEAD if box.head else 0) | (_FACE if box.face else 0) for box in kept], np.uint8)
    parts = [part for box in kept for part in (box.person, box.head, box.face) if part is not None]
    edges = np.array([(part.x_min, part.y_min, part.x_max, part.y_max) for part in parts], np.float64)
    scaled = np.round(np.clip(edges, 0.0, 1.0) * _EDGE_STEPS).astype("<u2")
    columns = (struct.pack("<I", len(kept)), ticks.tobytes(), flags.tobytes(), scaled.tobytes())
    return base64.b64encode(b"".join(columns)).decode("ascii")


def unpack_boxes(text: str) -> tuple[KeyBox, ...]:
    """Read what `pack_boxes` wrote."""
    data = base64.b64decode(text)
    (count,) = struct.unpack_from("<I", data)
    ticks = (np.frombuffer(data, "<u4", count, offset=4) / _TICKS_PER_S).tolist()
    flags = data[4 + 4 * count : 4 + 5 * count]
    edges = np.frombuffer(data, "<u2", offset=4 + 5 * count).reshape(-1, 4) / _EDGE_STEPS
    parts = itertools.starmap(Box, edges.tolist())
    return tuple(
        KeyBox(time_s, next(parts), next(parts) if flag & _HEAD else None, next(parts) if flag & _FACE else None)
        for time_s, flag in zip(ticks, flags, strict=True)
    )


def _packed_bytes(boxes: Sequence[KeyBox]) -> int:
    return sum(5 + 8 * (1 + (box.head is not None) + (box.face is not None)) for box in boxes)


def row_of_gallery(gallery: Gallery) -> Row:
    """Make the row of a gallery."""
    return {"gallery": gallery.name, "created_at": gallery.created_at, "vector": _DUMMY_VECTOR}


def gallery_of_row(row: Mapping[str, Any]) -> Gallery:
    """Read the row of a gallery."""
    return Gallery(name=row["gallery"], created_at=row["created_at"])


def row_of_video(video: Video) -> Row:
    """Make the row of a video; what is never asked for in a filter goes into `details`, as JSON."""
    columns: Row = {name: getattr(video, name) for name in _VIDEO_COLUMNS}
    details = {name: getattr(video, name) for name in Video.__slots__ if name not in _VIDEO_COLUMNS}
    columns["state"] = str(video.state)
    return {**columns, "details": _text(details), "vector": _DUMMY_VECTOR}


def video_of_row(row: Mapping[str, Any]) -> Video:
    """Read the row of a video."""
    columns = {name: row[name] for name in _VIDEO_COLUMNS}
    columns["state"] = VideoState(columns["state"])
    return Video(**columns, **json.loads(row["details"]))


def row_of_appearance(appearance: Appearance) -> Row:
    """Make the row of an appearance."""
    details: Row = {
        "modalities": [str(modality) for modality in appearance.modalities],
        "key_frame_uri": appearance.key_frame_uri,
        "key_frame_s": appearance.key_frame_s,
    }
    if appearance.speech:
        details["speech"] = _pack_speech(appearance.speech)
    return {
        **_placed(appearance),
        "kind": str(appearance.kind),
        "details": _text(details),
        "boxes": pack_boxes(appearance.boxes),
        "vector": _DUMMY_VECTOR,
    }


def appearance_of_row(row: Mapping[str, Any]) -> Appearance:
    """Read the row of an appearance."""
    details = json.loads(row["details"])
    return Appearance(
        appearance_id=row["appearance_id"],
        gallery=row["gallery"],
        video_id=row["video_id"],
        kind=AppearanceKind(row["kind"]),
        start_s=row["start_s"],
        end_s=row["end_s"],
        generation=row["generation"],
        modalities=tuple(Modality(name) for name in details["modalities"]),
        boxes=unpack_boxes(row["boxes"]),
        key_frame_uri=details["key_frame_uri"],
        key_frame_s=details["key_frame_s"],
        speech=tuple(
            SpeechSpan(start / 1000.0, end / 1000.0, sure / 1000.0) for start, end, sure in details.get("speech", ())
        ),
    )


def _pack_speech(spans: Sequence[SpeechSpan]) -> list[list[int]]:
    surest = sorted(spans, key=lambda span: -span.confidence)[:_MOST_SPANS]
    return [
        [round(1000.0 * value) for value in (span.start_s, span.end_s, span.confidence)]
        for span in sorted(surest, key=lambda span: span.start_s)
    ]


def row_of_embedding(embedding: EmbeddingRow) -> Row:
    """Make the row of an embedding."""
    return {
        **_placed(embedding),
        "quality": float(embedding.quality),
        "vector": np.asarray(embedding.vector, np.float32),
    }


def embedding_of_row(row: Mapping[str, Any]) -> EmbeddingRow:
    """Read the row of an embedding."""
    return EmbeddingRow(
        appearance_id=row["appearance_id"],
        gallery=row["gallery"],
        video_id=row["video_id"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        generation=row["generation"],
        quality=row["quality"],
        vector=np.asarray(row["vector"], np.float32),
    )


def neighbour_of_hit(hit: Mapping[str, Any]) -> Neighbour:
    """Read a match of a search; rounding in the server may leave a cosine just above 1."""
    entity = hit["entity"]
    return Neighbour(
        appearance_id=entity["appearance_id"],
        video_id=entity["video_id"],
        start_s=entity["start_s"],
        end_s=entity["end_s"],
        quality=entity["quality"],
        cosine=min(max(float(hit["distance"]), -1.0), 1.0),
    )


def _placed(value: Appearance | EmbeddingRow) -> Row:
    return {
        "appearance_id": value.appearance_id,
        "gallery": value.gallery,
        "video_id": value.video_id,
        "start_s": float(value.start_s),
        "end_s": float(value.end_s),
        "generation": int(value.generation),
    }


def _text(details: Mapping[str, Any]) -> str:
    text = json.dumps(details, separators=(",", ":"))
    if len(text) > MAX_TEXT_BYTES:
        raise ValueError(f"the details take {len(text)} bytes, a row holds at most {MAX_TEXT_BYTES}: shorten the URIs")
    return text
