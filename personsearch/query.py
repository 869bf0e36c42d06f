"""Builds the parts of a query."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from personsearch.v1 import geometry_pb2, modality_pb2, query_pb2

__all__ = ["embedding", "like", "portrait", "query", "text", "unlike", "voice"]


def portrait(
    source: bytes | str | PathLike[str], *, face: geometry_pb2.Box | None = None, weight: float | None = None
) -> query_pb2.QueryPart:
    """Make a part from a picture (its bytes, or the path of a file): "the person with this face".

    `face` picks one of several faces, in fractions of the picture. Raises OSError when the file cannot be read.
    """
    image = source if isinstance(source, bytes) else Path(source).read_bytes()
    return query_pb2.QueryPart(portrait=query_pb2.Portrait(image=image, face=face), weight=weight)


def voice(
    source: bytes | str | PathLike[str], *, weight: float | None = None, span_s: tuple[float, float] | None = None
) -> query_pb2.QueryPart:
    """Make a part from sound (its bytes, or the path of a file): "the person who speaks here".

    `span_s` keeps to [start, end) of the clip, in seconds; whoever else speaks must lie outside of it. Raises OSError
    when the file cannot be read.
    """
    sound = source if isinstance(source, bytes) else Path(source).read_bytes()
    span = geometry_pb2.Span(start_s=span_s[0], end_s=span_s[1]) if span_s else None
    return query_pb2.QueryPart(voice=query_pb2.VoiceClip(sound=sound, span=span), weight=weight)


def text(description: str, *, weight: float | None = None) -> query_pb2.QueryPart:
    """Make a part from words: "the person who looks like this", such as "a woman in a red jacket with glasses".

    Below 0 `weight` says "nobody who looks like this". Raises ValueError for a description of nothing but spaces.
    """
    if not description.strip():
        raise ValueError("got a description of nothing but spaces, expected what the person looks like")
    return query_pb2.QueryPart(text=description, weight=weight)


def like(appearance_id: str, *, weight: float | None = None) -> query_pb2.QueryPart:
    """Make a part that says "more like this appearance"."""
    return query_pb2.QueryPart(appearance_id=appearance_id, weight=weight)


def unlike(appearance_id: str, *, weight: float = -1.0) -> query_pb2.QueryPart:
    """Make a part that says "not the person of this appearance"; `weight` is below 0."""
    if weight >= 0:
        raise ValueError(f"got the weight {weight} for a negative part, expected a number in [-1, 0)")
    return query_pb2.QueryPart(appearance_id=appearance_id, weight=weight)


def embedding(
    modality: modality_pb2.Modality.ValueType, vector: Sequence[float], pack_digest: str, *, weight: float | None = None
) -> query_pb2.QueryPart:
    """Make a part from an embedding that the caller computed with the same pack; `vector` has the modality's length."""
    raw = query_pb2.RawEmbedding(modality=modality, vector=vector, pack_digest=pack_digest)
    return query_pb2.QueryPart(embedding=raw, weight=weight)


def query(
    parts: Sequence[query_pb2.QueryPart],
    *,
    gallery: str,
    video_ids: Sequence[str] = (),
    time_range_s: tuple[float, float] | None = None,
    min_score: float | None = None,
    expand: bool = True,
    task: query_pb2.Task.ValueType | None = None,
) -> query_pb2.Query:
    """Join parts and filters into a query; `time_range_s` is [start, end) in seconds of each video.

    Without a `task` the service takes TASK_HEARD for a query of nothing but voices, else TASK_SEEN.
    """
    span = geometry_pb2.Span(start_s=time_range_s[0], end_s=time_range_s[1]) if time_range_s else None
    chosen = query_pb2.Filter(gallery=gallery, video_ids=video_ids, time_range=span, min_score=min_score)
    expansion = query_pb2.EXPANSION_ASSOCIATIONS if expand else query_pb2.EXPANSION_NONE
    return query_pb2.Query(parts=parts, filter=chosen, expansion=expansion, task=task or query_pb2.TASK_UNSPECIFIED)
