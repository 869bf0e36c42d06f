"""Voice clips, and the tasks SEEN, HEARD and SEEN_AND_HEARD, through a real server and client."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from packs.spec import Modality
from personsearch.query import embedding, like, portrait, query, unlike, voice
from personsearch.v1 import appearance_pb2, modality_pb2, query_pb2
from personsearch.v1 import person_search_service_pb2 as messages
from services.backends.index.protocol import IndexLoadingError
from services.backends.schemas import AppearanceKind, SpeechSpan
from services.runtime.errors import InvalidFieldError, UnsupportedModalityError
from services.search.converters import query_from_proto
from services.search.fakes import ToneHearing
from services.search.query import Portrait, Query, QueryPart, Task, VoiceClip

SEEN, HEARD, BOTH = query_pb2.TASK_SEEN, query_pb2.TASK_HEARD, query_pb2.TASK_SEEN_AND_HEARD
FACE, BODY, VOICE = modality_pb2.MODALITY_FACE, modality_pb2.MODALITY_BODY, modality_pb2.MODALITY_VOICE
SPEECH = AppearanceKind.SPEECH


async def ask(stub, *parts, **options) -> messages.SearchResponse:
    return await stub.Search(messages.SearchRequest(query=query(parts, gallery="town", **options)))


def scores(answer: messages.SearchResponse) -> dict[str, float]:
    return {hit.appearance.appearance_id: hit.score for hit in answer.hits}


def likely(answer: messages.SearchResponse) -> set[str]:
    return {hit.appearance.appearance_id for hit in answer.hits if hit.score >= 0.5}


def shares(hit) -> dict[int, float]:
    return {share.modality: share.share for share in hit.shares}


async def reason_of(call) -> tuple[str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    status = status_pb2.Status.FromString(dict(error.value.trailing_metadata())["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return info.reason.removeprefix("ERROR_REASON_"), dict(info.metadata)


@pytest.fixture
async def film(world) -> dict[str, str]:
    """Anna (1) speaks on screen and off, is seen silent and from behind; Bert (2) does so elsewhere."""
    put = world.put
    return {
        "speaks": await put("speaks", face=world.face(1), body=world.body(1), voice=world.voice(1), span=(0, 5)),
        "silent": await put("silent", face=world.face(1), body=world.body(1), span=(6, 9)),
        "behind": await put("behind", body=world.body(1), span=(10, 14)),
        "off": await put("off", voice=world.voice(1), kind=SPEECH, span=(20, 22)),
        "bert": await put("bert", face=world.face(2), body=world.body(2), voice=world.voice(2), span=(30, 35)),
        "bert_off": await put("bert_off", voice=world.voice(2), kind=SPEECH, span=(40, 42)),
    }


def linked(world, film: dict[str, str]) -> None:
    add = world.associations.add
    add("town", film["speaks"], film["silent"], Modality.FACE, 0.95)
    add("town", film["speaks"], film["behind"], Modality.BODY, 0.9)
    add("town", film["speaks"], film["off"], Modality.VOICE, 0.9)


async def test_a_voice_alone_finds_where_it_is_heard_on_screen_and_off(world, stub, film) -> None:
    answer = await ask(stub, voice(world.clip((1, 2.0))))
    assert answer.task == HEARD
    assert list(answer.voice_speech_s) == [pytest.approx(2.0, abs=0.05)]
    assert likely(answer) == {film["speaks"], film["off"]}
    assert set(scores(answer)) == {film["speaks"], film["off"], film["bert"], film["bert_off"]}
    off = next(hit for hit in answer.hits if hit.appearance.appearance_id == film["off"])
    assert off.appearance.kind == appearance_pb2.APPEARANCE_KIND_SPEECH
    assert (off.appearance.span.start_s, off.appearance.span.end_s) == (20, 22)
    assert [(one.span.start_s, one.span.end_s) for one in off.appearance.speech] == [(20, 22)]
    assert not off.appearance.boxes
    assert shares(off) == {VOICE: 1.0}
    assert [(step.part_index, step.modality) for step in off.evidence] == [(0, VOICE)]


async def test_a_voice_asked_where_it_is_seen_finds_the_speaker_and_by_association_the_silent(
    world, stub, film
) -> None:
    linked(world, film)
    answer = await ask(stub, voice(world.clip((1, 2.0))), task=SEEN)
    assert answer.task == SEEN
    assert likely(answer) == {film["speaks"], film["silent"], film["behind"]}
    behind = next(hit for hit in answer.hits if hit.appearance.appearance_id == film["behind"])
    assert [step.modality for step in behind.evidence] == [VOICE, BODY]


async def test_a_portrait_asked_where_the_person_is_heard_goes_over_their_voice(world, stub, film) -> None:
    linked(world, film)
    answer = await ask(stub, portrait(world.portrait(1)), task=HEARD)
    assert likely(answer) == {film["speaks"], film["off"]}
    assert film["silent"] not in scores(answer)
    off = next(hit for hit in answer.hits if hit.appearance.appearance_id == film["off"])
    assert [step.modality for step in off.evidence] == [FACE, VOICE]
    assert shares(off) == {FACE: pytest.approx(0.5), VOICE: pytest.approx(0.5)}


async def test_a_portrait_finds_the_same_with_voices_in_the_index(world, stub, film) -> None:
    answer = await ask(stub, portrait(world.portrait(1)))
    assert answer.task == SEEN
    assert set(scores(answer)) == {film["speaks"], film["silent"], film["bert"]}
    assert all(set(shares(hit)) == {FACE} for hit in answer.hits)


async def test_seen_and_heard_is_on_screen_and_speaking(world, stub, film) -> None:
    linked(world, film)
    for part in (portrait(world.portrait(1)), voice(world.clip((1, 2.0)))):
        answer = await ask(stub, part, task=BOTH)
        assert likely(answer) == {film["speaks"]}
        assert film["off"] not in scores(answer)
        assert film["silent"] not in scores(answer)


async def test_a_portrait_and_a_voice_support_each_other(world, stub, film) -> None:
    face = world.between(world.face(1), world.face(7), 0.56)
    speech = world.between(world.voice(1), world.voice(5), 0.56)
    both = await world.put("both", face=face, voice=speech, span=(50, 55))
    parts = portrait(world.portrait(1)), voice(world.clip((1, 30.0)))
    alone = [scores(await ask(stub, part, task=SEEN))[both] for part in parts]
    answer = await ask(stub, *parts)
    assert answer.task == SEEN
    assert scores(answer)[both] > max(alone)
    hit = next(hit for hit in answer.hits if hit.appearance.appearance_id == both)
    assert shares(hit) == {FACE: pytest.approx(0.5, abs=0.02), VOICE: pytest.approx(0.5, abs=0.02)}
    assert scores(answer)[film["silent"]] > 0.99


async def test_a_voice_that_is_not_meant_takes_away(world, stub) -> None:
    mixed = world.between(world.voice(1), world.voice(2), 0.75)
    twin = await world.put("twin", voice=mixed, kind=SPEECH)
    wanted = voice(world.clip((1, 3.0)))
    before = scores(await ask(stub, wanted))[twin]
    answer = await ask(stub, wanted, voice(world.clip((2, 3.0)), weight=-1.0))
    assert answer.task == HEARD
    assert scores(answer)[twin] < before - 0.1
    assert len(answer.voice_speech_s) == 2


async def test_a_link_that_may_be_wrong_shows_less_than_it_lets_hear(world, stub) -> None:
    doubtful = SpeechSpan(0.0, 5.0, 0.6)
    one = await world.put("one", voice=world.voice(1), heard=(doubtful,), span=(0, 5))
    clip = voice(world.clip((1, 3.0)))
    heard = scores(await ask(stub, clip))[one]
    seen = scores(await ask(stub, clip, task=SEEN))[one]
    assert heard > 0.99
    assert seen == pytest.approx(0.6, abs=0.05)


async def test_a_wrong_speech_link_does_not_spoil_a_portrait(world, stub) -> None:
    """Anna's voice was linked to Bert's face: along it, her portrait would find him."""
    hers = await world.put("hers", face=world.face(1), voice=world.voice(1), span=(0, 5))
    his = await world.put("his", face=world.face(2), voice=world.voice(1), span=(10, 15))
    without = scores(await ask(stub, portrait(world.portrait(1)), expand=False))
    world.associations.add("town", hers, his, Modality.VOICE, 0.8)
    answer = await ask(stub, portrait(world.portrait(1)))
    assert scores(answer)[hers] >= without[hers]
    assert scores(answer)[his] < 0.1
    # Who asks where she is heard gets it all the same.
    assert scores(await ask(stub, portrait(world.portrait(1)), task=HEARD))[his] > 0.7


async def test_another_voice_contradicts_the_same_clothes(world, stub) -> None:
    speaks = await world.put("speaks", body=world.body(1), voice=world.voice(1), span=(0, 5))
    double = await world.put("double", body=world.body(1), voice=world.voice(2), span=(10, 15))
    quiet = await world.put("quiet", body=world.body(1), span=(20, 25))
    world.associations.add("town", speaks, double, Modality.BODY, 0.9)
    world.associations.add("town", speaks, quiet, Modality.BODY, 0.9)
    found = scores(await ask(stub, voice(world.clip((1, 3.0))), task=SEEN))
    assert found[quiet] > 0.8
    assert found[double] < 0.3


async def test_like_an_appearance_by_its_voice(world, stub, film) -> None:
    answer = await ask(stub, like(film["off"]))
    assert answer.task == SEEN
    assert likely(answer) == {film["speaks"]}
    heard = await ask(stub, like(film["off"]), task=HEARD)
    assert likely(heard) == {film["speaks"], film["off"]}
    assert scores(heard)[film["off"]] == 1.0
    rejected = await ask(stub, voice(world.clip((1, 2.0))), unlike(film["off"]))
    assert film["off"] not in scores(rejected)
    assert not likely(rejected)


async def test_a_tracklet_named_is_heard_as_far_as_it_is_who_speaks(world, stub) -> None:
    one = await world.put("one", face=world.face(1), voice=world.voice(1), heard=(SpeechSpan(0.0, 1.0, 0.7),))
    silent = await world.put("silent", face=world.face(1), span=(5, 6))
    for expand in (True, False):
        assert scores(await ask(stub, like(one), task=HEARD, expand=expand)) == {one: pytest.approx(0.7)}
    assert silent not in scores(await ask(stub, like(silent), task=HEARD))
    assert scores(await ask(stub, like(one)))[one] == 1.0


async def test_a_track_holds_speech_off_screen_too(world, stub, film) -> None:
    linked(world, film)
    request = messages.GetTrackRequest(gallery="town", appearance_id=film["speaks"])
    spans = (await stub.GetTrack(request)).spans
    on_track = [hit.appearance.appearance_id for span in spans for hit in span.hits]
    assert on_track == [film["speaks"], film["silent"], film["behind"], film["off"]]


async def test_a_span_of_the_clip_leaves_the_other_speaker_out(world, stub, film) -> None:
    clip = world.clip((2, 3.0), (None, 0.5), (1, 3.0))
    answer = await ask(stub, voice(clip, span_s=(3.5, 6.5)))
    assert likely(answer) == {film["speaks"], film["off"]}
    assert list(answer.voice_speech_s) == [pytest.approx(3.0, abs=0.05)]


async def test_a_snippet_says_little(world, stub, film) -> None:
    whole = scores(await ask(stub, voice(world.clip((1, 5.0)))))
    snippet = scores(await ask(stub, voice(world.clip((1, 0.4)))))
    assert snippet[film["off"]] < whole[film["off"]]
    assert snippet[film["bert_off"]] > whole[film["bert_off"]]


async def test_an_embedding_of_a_voice_is_a_voice(world, stub, film) -> None:
    raw = embedding(VOICE, world.voice(1).tolist(), world.pack.digest)
    answer = await ask(stub, raw)
    assert answer.task == HEARD
    assert likely(answer) == {film["speaks"], film["off"]}


@pytest.mark.parametrize(
    ("parts", "task"),
    [
        pytest.param((voice(b"a"),), Task.HEARD, id="a voice"),
        pytest.param(
            (voice(b"a"), voice(b"b"), like("0" * 32, weight=-1.0)), Task.HEARD, id="voices, and not that one"
        ),
        pytest.param((embedding(VOICE, [1.0], "0" * 64),), Task.HEARD, id="a voice as an embedding"),
        pytest.param((voice(b"a"), portrait(b"b")), Task.SEEN, id="a voice and a face"),
        pytest.param((portrait(b"b"), voice(b"a", weight=-1.0)), Task.SEEN, id="a face, and not that voice"),
        pytest.param((like("0" * 32),), Task.SEEN, id="an appearance"),
    ],
)
def test_what_is_asked_when_nothing_is_said(parts, task) -> None:
    assert query_from_proto(query(parts, gallery="town")).task is task
    assert query_from_proto(query(parts, gallery="town", task=BOTH)).task is Task.SEEN_AND_HEARD


async def test_what_is_wrong_with_a_clip_is_told(world, stub) -> None:
    reason, facts = await reason_of(ask(stub, portrait(world.portrait(1)), voice(world.clip((None, 1.0), (1, 0.2)))))
    assert (reason, facts["part_index"], facts["expected_s"]) == ("NO_SPEECH", "1", "0.30")
    assert float(facts["speech_s"]) == pytest.approx(0.2, abs=0.03)
    reason, facts = await reason_of(ask(stub, voice(b"no sound")))
    assert reason == "UNREADABLE_SOUND"
    assert "WAV" in facts["expected"]
    reason, _ = await reason_of(ask(stub, voice(b"")))
    assert reason == "INVALID_FIELD"


async def test_a_pack_that_cannot_hear_refuses_voices_and_still_finds_faces(
    world, executor: ThreadPoolExecutor, film
) -> None:
    world.hearing = ToneHearing(world.voice, can_hear=False)
    handlers = world.handlers(executor)
    for asked in (
        Query((QueryPart(VoiceClip(world.clip((1, 1.0)))),), "town", task=Task.HEARD),
        Query((QueryPart(Portrait(world.portrait(1))),), "town", task=Task.HEARD),
    ):
        with pytest.raises(UnsupportedModalityError) as error:
            await handlers.search(asked, 10)
        assert error.value.facts == {"modality": "VOICE"}
    answer = await handlers.search(Query((QueryPart(Portrait(world.portrait(1))),), "town"), 10)
    assert len(answer.hits) == 3


async def test_what_is_sent_is_bounded_all_together(world, executor: ThreadPoolExecutor) -> None:
    parts = tuple(QueryPart(VoiceClip(bytes(11 * 2**20))) for _ in range(4))
    with pytest.raises(InvalidFieldError, match="together"):
        await world.handlers(executor).search(Query(parts, "town", task=Task.HEARD), 10)


async def test_without_who_speaks_nobody_is_heard_and_the_answer_says_so(world, stub, film) -> None:
    async def loading(_gallery, _ids):
        raise IndexLoadingError("not yet")

    world.index.get_appearances = loading
    answer = await ask(stub, voice(world.clip((1, 1.0))))
    assert list(answer.hits) == []
    assert list(answer.degraded) == [messages.DEGRADATION_INDEX_LOADING]


async def test_without_fusion_the_strongest_decides_and_links_still_count(world, stub) -> None:
    world.fusion.failing = True
    one = await world.put("one", face=world.face(1), heard=(SpeechSpan(0.0, 1.0, 0.5),), voice=world.voice(3))
    answer = await ask(stub, portrait(world.portrait(1)), task=HEARD)
    assert scores(answer)[one] == pytest.approx(0.5, abs=0.01)
    assert list(answer.degraded) == [messages.DEGRADATION_FUSION]
