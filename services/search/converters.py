"""The wire's messages to plain values and back; nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from personsearch.v1 import (
    appearance_pb2,
    geometry_pb2,
    hit_pb2,
    identity_pb2,
    modality_pb2,
    person_search_service_pb2,
    query_pb2,
)
from services.backends.schemas import Appearance, AppearanceKind, Box, KeyBox
from services.runtime.modalities import modality_from_proto, modality_to_proto
from services.search.answer import Answer, Degradation, Hit, Share, Step, TextReading, Track, TrackSpan, Who
from services.search.listing import Page
from services.search.query import Description, Like, Portrait, Query, QueryPart, RawEmbedding, Task, VoiceClip

DEFAULT_TOP_K = 50
DEFAULT_TRACK_SCORE = 0.5
DEFAULT_PAGE_SIZE = 200

_KINDS = {
    AppearanceKind.TRACKLET: appearance_pb2.APPEARANCE_KIND_TRACKLET,
    AppearanceKind.SPEECH: appearance_pb2.APPEARANCE_KIND_SPEECH,
}
_DEGRADATIONS = {
    Degradation.ASSOCIATIONS: person_search_service_pb2.DEGRADATION_ASSOCIATIONS,
    Degradation.INDEX_LOADING: person_search_service_pb2.DEGRADATION_INDEX_LOADING,
    Degradation.FUSION: person_search_service_pb2.DEGRADATION_FUSION,
}
_TASKS = {
    query_pb2.TASK_SEEN: Task.SEEN,
    query_pb2.TASK_SEEN_AND_HEARD: Task.SEEN_AND_HEARD,
    query_pb2.TASK_HEARD: Task.HEARD,
}


def box_from_proto(box: geometry_pb2.Box) -> Box:
    """A box in fractions."""
    return Box(box.x_min, box.y_min, box.x_max, box.y_max)


def box_to_proto(box: Box) -> geometry_pb2.Box:
    """A box in fractions."""
    return geometry_pb2.Box(x_min=box.x_min, y_min=box.y_min, x_max=box.x_max, y_max=box.y_max)


def query_from_proto(query: query_pb2.Query) -> Query:
    """A query that passed validation."""
    where = query.filter
    time_range = (where.time_range.start_s, where.time_range.end_s) if where.HasField("time_range") else None
    return Query(
        parts=tuple(part_from_proto(part) for part in query.parts),
        gallery=where.gallery,
        video_ids=tuple(where.video_ids),
        time_range=time_range,
        min_score=where.min_score,
        task=task_of(query),
        expand=query.expansion != query_pb2.EXPANSION_NONE,
    )


def task_of(query: query_pb2.Query) -> Task:
    """What is asked; where nothing is said and all that is known is a voice, where it is heard, else who is seen."""
    if query.task in _TASKS:
        return _TASKS[query.task]
    known = [part for part in query.parts if not part.HasField("weight") or part.weight > 0.0]
    return Task.HEARD if known and all(map(_is_voice, known)) else Task.SEEN


def task_to_proto(task: Task) -> query_pb2.Task.ValueType:
    """A task that is on the wire."""
    return next(number for number, known in _TASKS.items() if known is task)


def _is_voice(part: query_pb2.QueryPart) -> bool:
    raw = part.WhichOneof("content") == "embedding" and part.embedding.modality == modality_pb2.MODALITY_VOICE
    return raw or part.WhichOneof("content") == "voice"


def part_from_proto(part: query_pb2.QueryPart) -> QueryPart:
    """One part of a query; exactly one content is set."""
    weight = part.weight if part.HasField("weight") else 1.0
    match part.WhichOneof("content"):
        case "portrait":
            face = box_from_proto(part.portrait.face) if part.portrait.HasField("face") else None
            return QueryPart(Portrait(part.portrait.image, face), weight)
        case "voice":
            clip = part.voice
            span = (clip.span.start_s, clip.span.end_s) if clip.HasField("span") else None
            return QueryPart(VoiceClip(clip.sound, span), weight)
        case "text":
            return QueryPart(Description(part.text), weight)
        case "appearance_id":
            return QueryPart(Like(part.appearance_id), weight)
        case "embedding":
            raw = part.embedding
            vector = np.array(raw.vector, dtype=np.float32)
            return QueryPart(RawEmbedding(modality_from_proto(raw.modality), vector, raw.pack_digest), weight)
        case unknown:
            raise ValueError(f"a part holds {unknown!r}; expected portrait, voice, text, appearance_id or embedding")


def fill_box(message: geometry_pb2.Box, box: Box) -> None:
    """Write a box into a message that is there: a hit has dozens, and building them apart costs three times as much."""
    message.x_min, message.y_min, message.x_max, message.y_max = box.x_min, box.y_min, box.x_max, box.y_max


def add_key_box(message: appearance_pb2.Appearance, box: KeyBox) -> None:
    """Where a person stands at one time, added to an appearance."""
    key_box = message.boxes.add(time_s=box.time_s)
    fill_box(key_box.person, box.person)
    if box.head is not None:
        fill_box(key_box.head, box.head)
    if box.face is not None:
        fill_box(key_box.face, box.face)


def appearance_to_proto(appearance: Appearance) -> appearance_pb2.Appearance:
    """A stored appearance; its modalities in the order of their numbers."""
    message = appearance_pb2.Appearance(
        appearance_id=appearance.appearance_id,
        gallery=appearance.gallery,
        video_id=appearance.video_id,
        kind=_KINDS[appearance.kind],
        span=geometry_pb2.Span(start_s=appearance.start_s, end_s=appearance.end_s),
        modalities=sorted(modality_to_proto(modality) for modality in appearance.modalities),
        key_frame_uri=appearance.key_frame_uri,
        key_frame_s=appearance.key_frame_s,
    )
    for box in appearance.boxes:
        add_key_box(message, box)
    for spoken in appearance.speech:
        span = geometry_pb2.Span(start_s=spoken.start_s, end_s=spoken.end_s)
        message.speech.add(span=span, confidence=spoken.confidence)
    return message


def share_to_proto(share: Share) -> hit_pb2.ModalityShare:
    """How much one modality counted."""
    return hit_pb2.ModalityShare(modality=modality_to_proto(share.modality), share=share.share)


def step_to_proto(step: Step) -> hit_pb2.EvidenceStep:
    """One step of a chain."""
    message = hit_pb2.EvidenceStep(
        target_appearance_id=step.target,
        modality=modality_to_proto(step.modality),
        cosine=step.cosine,
        probability=step.probability,
        confirmed=step.confirmed,
    )
    if isinstance(step.source, int):
        message.part_index = step.source
    else:
        message.source_appearance_id = step.source
    return message


def hit_to_proto(hit: Hit) -> hit_pb2.Hit:
    """A hit with its reasons."""
    return hit_pb2.Hit(
        appearance=appearance_to_proto(hit.appearance),
        score=hit.belief.score,
        shares=[share_to_proto(share) for share in hit.belief.shares],
        evidence=[step_to_proto(step) for step in hit.belief.chain],
        identity=who_to_proto(hit.who) if hit.who is not None else None,
    )


def who_to_proto(who: Who) -> identity_pb2.IdentityLabel:
    """The identity of a hit."""
    return identity_pb2.IdentityLabel(identity_id=who.identity_id, name=who.name)


def answer_to_proto(answer: Answer) -> person_search_service_pb2.SearchResponse:
    """An answer."""
    return person_search_service_pb2.SearchResponse(
        hits=[hit_to_proto(hit) for hit in answer.hits],
        degraded=degraded_to_proto(answer.degraded),
        portrait_faces=[box_to_proto(face) for face in answer.portrait_faces],
        task=task_to_proto(answer.task),
        voice_speech_s=answer.voice_speech_s,
        text_readings=[reading_to_proto(reading) for reading in answer.text_readings],
    )


def reading_to_proto(reading: TextReading) -> person_search_service_pb2.TextReading:
    """How a text was read."""
    return person_search_service_pb2.TextReading(part_index=reading.part_index, unknown_words=reading.unknown_words)


def span_to_proto(span: TrackSpan) -> person_search_service_pb2.TrackSpan:
    """A stretch of a track."""
    return person_search_service_pb2.TrackSpan(
        video_id=span.video_id,
        span=geometry_pb2.Span(start_s=span.start_s, end_s=span.end_s),
        hits=[hit_to_proto(hit) for hit in span.hits],
    )


def track_to_proto(track: Track) -> person_search_service_pb2.GetTrackResponse:
    """A track."""
    return person_search_service_pb2.GetTrackResponse(
        spans=[span_to_proto(span) for span in track.spans], degraded=degraded_to_proto(track.degraded)
    )


def page_to_proto(page: Page) -> person_search_service_pb2.ListAppearancesResponse:
    """A page of a video's appearances."""
    return person_search_service_pb2.ListAppearancesResponse(
        appearances=[appearance_to_proto(appearance) for appearance in page.appearances],
        next_page_token=page.next_page_token,
    )


def degraded_to_proto(degraded: Iterable[Degradation]) -> list[person_search_service_pb2.Degradation.ValueType]:
    """What was missing, in the order of the numbers."""
    return sorted(_DEGRADATIONS[one] for one in degraded)
