"""No field and no enum value is forgotten: found by reflection, both ways."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from packs.spec import Modality
from personsearch.v1 import appearance_pb2, geometry_pb2, modality_pb2, query_pb2
from personsearch.v1 import person_search_service_pb2 as messages
from services.backends.schemas import Appearance, AppearanceKind, Box, KeyBox, SpeechSpan
from services.runtime.modalities import modality_from_proto, modality_to_proto
from services.search import converters, remote
from services.search.answer import Answer, Belief, Degradation, Hit, Share, Step, TextReading, Track, TrackSpan, Who
from services.search.listing import Page
from services.search.ports import Candidate, Evidence
from services.search.query import Like, Portrait, RawEmbedding, Task, VoiceClip

BOX = Box(0.125, 0.25, 0.5, 0.75)


def a_hit() -> Hit:
    appearance = Appearance(
        "it",
        "town",
        "film",
        AppearanceKind.TRACKLET,
        1.5,
        4.0,
        1,
        tuple(Modality),
        (KeyBox(2.0, BOX, BOX, BOX),),
        "u",
        2.0,
        (SpeechSpan(2.0, 3.0, 0.75),),
    )
    steps = (Step(1, "that", Modality.FACE, 0.5, 0.25), Step("that", "it", Modality.BODY, 0.75, confirmed=True))
    shares = (Share(Modality.FACE, 0.5), Share(Modality.BODY, 0.5))
    return Hit(appearance, Belief("it", 0.5, shares, steps), Who("e", "Anna"))


def fields_left_empty(message, path: str = "") -> list[str]:
    """Fields of a message, and of all messages in it, that say nothing; a oneof counts once."""
    empty = []
    present = {descriptor.name: value for descriptor, value in message.ListFields()}
    for descriptor in message.DESCRIPTOR.fields:
        where = f"{path}.{descriptor.name}"
        oneof = descriptor.containing_oneof
        if descriptor.name not in present:
            if oneof is None or len(oneof.fields) == 1 or message.WhichOneof(oneof.name) is None:
                empty.append(where)
            continue
        value = present[descriptor.name]
        if descriptor.message_type is not None:
            several = value if descriptor.is_repeated else [value]
            for one in several:
                empty.extend(fields_left_empty(one, where))
    return empty


def test_every_field_of_an_answer_is_told() -> None:
    answer = Answer((a_hit(),), frozenset(Degradation), (BOX,), Task.HEARD, (1.5,), (TextReading(1, ("grmpf",)),))
    # The second step was read from the cache and has no cosine; the first was not confirmed.
    empty = [".hits.evidence.confirmed", ".hits.evidence.cosine"]
    assert fields_left_empty(converters.answer_to_proto(answer)) == empty
    track = Track((TrackSpan("film", 1.5, 4.0, (a_hit(),)),), frozenset(Degradation))
    assert fields_left_empty(converters.track_to_proto(track)) == [f".spans{one}" for one in empty]
    page = converters.page_to_proto(Page((a_hit().appearance,), "on"))
    assert fields_left_empty(page) == []


def test_values_of_an_answer() -> None:
    hit = converters.hit_to_proto(a_hit())
    assert (hit.appearance.span.start_s, hit.appearance.span.end_s, hit.score) == (1.5, 4.0, 0.5)
    assert hit.appearance.modalities == sorted(hit.appearance.modalities)
    assert [step.WhichOneof("source") for step in hit.evidence] == ["part_index", "source_appearance_id"]
    assert hit.evidence[0].part_index == 1
    assert [step.HasField("cosine") for step in hit.evidence] == [True, False]


def test_the_first_part_is_a_source_too() -> None:
    step = converters.step_to_proto(Step(0, "it", Modality.FACE, 0.5, 0.5))
    assert step.WhichOneof("source") == "part_index"


def test_every_enum_value_is_known() -> None:
    modalities = set(modality_pb2.Modality.values()) - {0}
    assert {modality_to_proto(modality) for modality in Modality} == modalities
    assert {modality_from_proto(number) for number in modalities} == set(Modality)
    with pytest.raises(ValueError, match="none of"):
        modality_from_proto(0)
    degraded = set(messages.Degradation.values()) - {0}
    assert set(converters.degraded_to_proto(Degradation)) == degraded
    kinds = {converters.appearance_to_proto(Appearance("", "", "", kind, 0, 1, 1)).kind for kind in AppearanceKind}
    assert kinds == set(appearance_pb2.AppearanceKind.values()) - {0}
    tasks = {converters.query_from_proto(query_pb2.Query(task=task)).task for task in query_pb2.Task.values()}
    # Whoever is present, seen or heard, is asked for by tracks alone.
    assert tasks == set(Task) - {Task.PRESENT}
    assert {converters.task_of(query_pb2.Query(task=converters.task_to_proto(task))) for task in tasks} == tasks
    expansions = [
        converters.query_from_proto(query_pb2.Query(expansion=expansion)).expand
        for expansion in query_pb2.Expansion.values()
    ]
    assert expansions == [True, False, True]


def test_boxes_round_trip() -> None:
    assert converters.box_from_proto(converters.box_to_proto(BOX)) == BOX


def test_a_whole_query() -> None:
    parts = [
        query_pb2.QueryPart(portrait=query_pb2.Portrait(image=b"x", face=converters.box_to_proto(BOX))),
        query_pb2.QueryPart(appearance_id="it", weight=-0.5),
        query_pb2.QueryPart(
            embedding=query_pb2.RawEmbedding(modality=modality_pb2.MODALITY_BODY, vector=[0.5, -1.0], pack_digest="ab"),
            weight=0.25,
        ),
        query_pb2.QueryPart(
            voice=query_pb2.VoiceClip(sound=b"s", span=geometry_pb2.Span(start_s=1.5, end_s=2.0)), weight=0.5
        ),
        query_pb2.QueryPart(voice=query_pb2.VoiceClip(sound=b"t")),
    ]
    message = query_pb2.Query(
        parts=parts, filter=query_pb2.Filter(gallery="town", video_ids=["a", "b"], min_score=0.125)
    )
    message.filter.time_range.start_s = 1.0
    message.filter.time_range.end_s = 2.0
    query = converters.query_from_proto(message)
    assert (query.gallery, query.video_ids, query.time_range, query.min_score) == (
        "town",
        ("a", "b"),
        (1.0, 2.0),
        0.125,
    )
    assert [part.weight for part in query.parts] == [1.0, -0.5, 0.25, 0.5, 1.0]
    first, second, third, fourth, fifth = (part.content for part in query.parts)
    assert first == Portrait(b"x", BOX)
    assert second == Like("it")
    assert (fourth, fifth) == (VoiceClip(b"s", (1.5, 2.0)), VoiceClip(b"t"))
    assert isinstance(third, RawEmbedding)
    assert (third.modality, third.pack_digest) == (Modality.BODY, "ab")
    assert third.vector.dtype == np.float32
    assert third.vector.tolist() == [0.5, -1.0]


def test_a_bare_query() -> None:
    message = query_pb2.Query(parts=[query_pb2.QueryPart(portrait=query_pb2.Portrait(image=b"x"))])
    query = converters.query_from_proto(message)
    assert query.parts[0].content == Portrait(b"x", None)
    assert (query.time_range, query.min_score, query.task, query.expand, query.narrow) == (
        None,
        0.0,
        Task.SEEN,
        True,
        False,
    )
    with pytest.raises(ValueError, match="expected portrait"):
        converters.part_from_proto(query_pb2.QueryPart())


def test_evidence_for_fusion() -> None:
    pieces = tuple(Evidence(3, modality, 0.5, -0.25, 0.75) for modality in Modality)
    candidate = remote.candidate_to_proto(Candidate(pieces, 0.5))
    assert fields_left_empty(candidate) == []
    assert {piece.modality for piece in candidate.evidence} == set(modality_pb2.Modality.values()) - {0}
    odd = [remote.evidence_to_proto(Evidence(0, Modality.FACE, 0.5, 1.0, quality)).quality for quality in (-0.1, 1.7)]
    assert odd == [0.0, 1.0]


def test_every_content_of_a_part_is_known() -> None:
    contents = [field.name for field in query_pb2.QueryPart.DESCRIPTOR.oneofs_by_name["content"].fields]
    made = {
        "portrait": query_pb2.QueryPart(portrait=query_pb2.Portrait(image=b"x")),
        "voice": query_pb2.QueryPart(voice=query_pb2.VoiceClip(sound=b"x")),
        "text": query_pb2.QueryPart(text="a woman in red"),
        "appearance_id": query_pb2.QueryPart(appearance_id="it"),
        "embedding": query_pb2.QueryPart(embedding=query_pb2.RawEmbedding(modality=1, vector=[1.0])),
    }
    assert sorted(made) == sorted(contents)
    kinds = [type(converters.part_from_proto(made[name]).content) for name in contents]
    assert all(one is not other for one, other in itertools.combinations(kinds, 2))
