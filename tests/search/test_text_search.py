"""Descriptions as parts of a query, through a real server and client."""

from __future__ import annotations

from pathlib import Path

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2, status_pb2

from packs.spec import Modality
from packs.testing import write_tiny_pack
from personsearch.query import embedding, like, portrait, query, text
from personsearch.v1 import modality_pb2, query_pb2
from personsearch.v1 import person_search_service_pb2 as messages
from services.backends.inference.fake import FakeInferenceBackend
from services.backends.words import WordModels
from services.runtime.errors import NoKnownWordsError, UnsupportedModalityError
from services.search.query import Description, Query, QueryPart
from services.search.settings import SearchSettings
from services.search.texts import TextReader

FACE, TEXT = modality_pb2.MODALITY_FACE, modality_pb2.MODALITY_TEXT


async def ask(stub, *parts, **options) -> messages.SearchResponse:
    return await stub.Search(messages.SearchRequest(query=query(parts, gallery="town", **options)))


def scores(answer: messages.SearchResponse) -> dict[str, float]:
    return {hit.appearance.appearance_id: hit.score for hit in answer.hits}


def likely(answer: messages.SearchResponse) -> set[str]:
    return {hit.appearance.appearance_id for hit in answer.hits if hit.score >= 0.5}


async def refusal(call) -> tuple[grpc.StatusCode, str, dict[str, str], str, dict[str, str]]:
    """Code, reason, metadata, message and the wrong fields of a refused call."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    status = status_pb2.Status.FromString(dict(error.value.trailing_metadata())["grpc-status-details-bin"])
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert any(detail.Unpack(info) for detail in status.details)
    for detail in status.details:
        detail.Unpack(bad)
    fields = {one.field: one.description for one in bad.field_violations}
    return error.value.code(), info.reason.removeprefix("ERROR_REASON_"), dict(info.metadata), status.message, fields


@pytest.fixture
async def film(world) -> dict[str, str]:
    """Anna (face 1) in red, later in blue in another film; Bert (face 2) in red; Carl seen from behind, in green."""
    red, green, blue = (world.look(place) for place in range(3))
    put = world.put
    return {
        "anna": await put("anna", face=world.face(1), look=red, span=(0, 5)),
        "anna_blue": await put("anna_blue", face=world.face(1), look=blue, video="other", span=(0, 5)),
        "bert": await put("bert", face=world.face(2), look=red, span=(10, 15)),
        "carl": await put("carl", body=world.body(3), look=green, span=(20, 25)),
    }


async def test_a_description_finds_who_is_dressed_like_it(stub, film) -> None:
    answer = await ask(stub, text("A woman in a GREEN jacket"))
    assert answer.task == query_pb2.TASK_SEEN
    assert likely(answer) == {film["carl"]}
    assert set(scores(answer)) == set(film.values())
    hit = answer.hits[0]
    assert [(share.modality, share.share) for share in hit.shares] == [(TEXT, 1.0)]
    (step,) = hit.evidence
    assert (step.part_index, step.modality, step.target_appearance_id) == (0, TEXT, hit.appearance.appearance_id)
    assert step.cosine == pytest.approx(1.0, abs=1e-4)
    assert [(one.part_index, list(one.unknown_words)) for one in answer.text_readings] == [(0, [])]


async def test_those_who_answer_a_description_share_it(world, stub, film) -> None:
    """Two are in red, and one is meant: neither is likely, and both are far likelier than anybody else."""
    answer = await ask(stub, text("red"))
    assert [hit.appearance.appearance_id for hit in answer.hits[:2]] == sorted([film["anna"], film["bert"]])
    assert all(0.4 < hit.score < 0.5 for hit in answer.hits[:2])
    assert all(hit.score < 0.1 for hit in answer.hits[2:])
    portraits = scores(await ask(stub, portrait(world.portrait(1))))
    assert min(portraits[film["anna"]], portraits[film["anna_blue"]]) > 0.5


@pytest.mark.parametrize("expand", [True, False])
async def test_one_person_has_a_description_alone_however_often_seen(world, stub, film, expand: bool) -> None:
    world.associations.add("town", film["anna"], film["bert"], Modality.BODY, 0.9)
    answer = await ask(stub, text("red"), expand=expand)
    assert likely(answer) == {film["anna"], film["bert"]}


async def test_a_portrait_and_a_description_are_one_question(world, stub, film) -> None:
    """Both films show Anna and both show red; only one appearance is Anna in red, and it says so by both."""
    answer = await ask(stub, text("red"), portrait(world.portrait(1)))
    found = scores(answer)
    best = answer.hits[0]
    assert best.appearance.appearance_id == film["anna"]
    assert {share.modality for share in best.shares} == {FACE, TEXT}
    alone = scores(await ask(stub, portrait(world.portrait(1))))
    # The other clothes speak against Anna in blue, and the other face against Bert in red.
    assert found[film["anna"]] > alone[film["anna"]]
    assert found[film["anna_blue"]] < alone[film["anna_blue"]]
    assert found[film["bert"]] < 0.5


async def test_a_rejected_description_takes_away(world, stub, film) -> None:
    answer = await ask(stub, portrait(world.portrait(1)), text("in blue", weight=-1.0))
    assert likely(answer) == {film["anna"]}


async def test_associations_lead_from_clothes_to_the_person(world, stub, film) -> None:
    world.associations.add("town", film["anna"], film["anna_blue"], Modality.FACE, 0.95)
    followed = await ask(stub, text("blue jacket"))
    assert film["anna"] in likely(followed)
    (chain,) = [hit.evidence for hit in followed.hits if hit.appearance.appearance_id == film["anna"]]
    assert [step.modality for step in chain] == [TEXT, FACE]
    assert film["anna"] not in likely(await ask(stub, text("blue jacket"), expand=False))


async def test_what_is_unknown_is_told_and_left_out(world, stub, film) -> None:
    answer = await ask(stub, portrait(world.portrait(1)), text("a Crimson woman, in a red tweed, tweed jacket"))
    assert [(one.part_index, list(one.unknown_words)) for one in answer.text_readings] == [(1, ["crimson", "tweed"])]
    assert world.words.read == ["a woman , in a red , jacket"]
    assert answer.hits[0].appearance.appearance_id == film["anna"]


@pytest.mark.parametrize("said", ["grmpf xyzzy", "a the and in grmpf", "?!"])
async def test_nothing_known_is_an_error_with_examples(stub, film, said: str) -> None:
    code, reason, facts, message, _ = await refusal(ask(stub, text(said)))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "NO_KNOWN_WORDS")
    assert facts["part_index"] == "0"
    assert ("grmpf" in facts["unknown_words"]) is ("grmpf" in said)
    assert facts["known_words"].split(", ")[:3] == ["woman", "man", "jacket"]
    assert "in words such as woman, man, jacket" in message


async def test_more_than_can_be_read_at_once_is_refused(stub, film) -> None:
    code, reason, _, _, fields = await refusal(ask(stub, text("red " * 11)))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert "got 11 words and marks, expected at most 10" in fields["query.parts[0].text"]
    # Unknown words are not read, so they do not count.
    assert (await ask(stub, text("red " * 10 + "grmpf " * 5))).hits


@pytest.mark.parametrize(("said", "why"), [("   \t ", "nothing but spaces"), ("red " * 400, "1000")])
async def test_texts_that_break_the_schema_are_refused(stub, film, said: str, why: str) -> None:
    part = query_pb2.QueryPart(text=said)
    code, reason, _, _, fields = await refusal(ask(stub, part))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert why in fields["query.parts[0].text"]


async def test_an_empty_text_is_refused(stub, film) -> None:
    _, reason, _, _, fields = await refusal(ask(stub, query_pb2.QueryPart(text="")))
    assert reason == "INVALID_FIELD"
    assert "query.parts[0].text" in fields


async def test_more_like_this_compares_bodies_and_not_the_text_space(world, stub, film) -> None:
    """Two of the same look in the text space; what a cosine means there is known of sentences alone."""
    answer = await ask(stub, like(film["anna"]))
    assert film["bert"] not in likely(answer)
    steps = [step.modality for hit in answer.hits for step in hit.evidence]
    assert TEXT not in steps


async def test_a_vector_of_the_text_space_asks_as_a_description_does(world, stub, film) -> None:
    answer = await ask(stub, embedding(TEXT, world.look(1).tolist(), world.pack.digest))
    assert likely(answer) == {film["carl"]}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"text": False}, "searches by face, body, voice and has no text pair, .* run a pack with one"),
        ({"calibrated": False}, "has no calibration: fit one with `python -m training calibrate`"),
    ],
)
async def test_packs_that_cannot_say_so(world, make_pack, executor, options: dict[str, bool], said: str) -> None:
    other = type(world)(SearchSettings(answers={}), pack=make_pack(**options))
    await other.open()
    asked = Query((QueryPart(Description("red")),), "town")
    with pytest.raises(UnsupportedModalityError, match=said) as error:
        await other.handlers(executor).search(asked, 10)
    assert error.value.facts == {"modality": "TEXT"}


@pytest.fixture
def reader(tmp_path: Path) -> TextReader:
    tiny = write_tiny_pack(tmp_path, text=True)
    return TextReader(WordModels(FakeInferenceBackend(tiny.pack.models), tiny.pack))


async def test_the_reader_works_on_real_packs(reader: TextReader) -> None:
    read = await reader.read(0, Description("the woman in a PURPLE jacket"))
    assert read.unknown == ("purple",)
    assert np.linalg.norm(read.vector) == pytest.approx(1.0)
    same = await reader.read(0, Description("the woman in a jacket"))
    np.testing.assert_array_equal(read.vector, same.vector)
    with pytest.raises(NoKnownWordsError, match="in words such as woman, jacket, red, green, blue"):
        await reader.read(0, Description("purple"))
