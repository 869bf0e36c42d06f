"""Search through a real server and client: parts, filters, shares, chains, isolation, degraded answers, errors."""

from __future__ import annotations

import asyncio
import itertools
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2, status_pb2

from packs.spec import Modality
from personsearch.v1 import geometry_pb2, modality_pb2, query_pb2
from personsearch.v1 import person_search_service_pb2 as messages
from services.backends.index.protocol import IndexLoadingError
from services.backends.schemas import Gallery
from services.search.converters import answer_to_proto, query_from_proto
from services.search.query import Like, Portrait, Query, QueryPart

FACE, BODY = modality_pb2.MODALITY_FACE, modality_pb2.MODALITY_BODY
PORTRAIT = query_pb2.Portrait


def part(content, weight: float | None = None) -> query_pb2.QueryPart:
    match content:
        case bytes():
            return query_pb2.QueryPart(portrait=PORTRAIT(image=content), weight=weight)
        case str():
            return query_pb2.QueryPart(appearance_id=content, weight=weight)
        case query_pb2.RawEmbedding():
            return query_pb2.QueryPart(embedding=content, weight=weight)
        case _:
            return query_pb2.QueryPart(portrait=content, weight=weight)


def asking(*parts, gallery: str = "town", top_k: int | None = None, **options) -> messages.SearchRequest:
    where = {name: options.pop(name) for name in ("video_ids", "time_range", "min_score") if name in options}
    query = query_pb2.Query(
        parts=[one if isinstance(one, query_pb2.QueryPart) else part(one) for one in parts],
        filter=query_pb2.Filter(gallery=gallery, **where),
        **options,
    )
    return messages.SearchRequest(query=query, top_k=top_k)


def scores(response: messages.SearchResponse) -> dict[str, float]:
    return {hit.appearance.appearance_id: hit.score for hit in response.hits}


def check_hits(response: messages.SearchResponse, parts: int = 1) -> None:
    """What holds of every answer: order, shares, chains."""
    order = [(-hit.score, hit.appearance.appearance_id) for hit in response.hits]
    assert order == sorted(order)
    for hit in response.hits:
        assert 0.0 <= hit.score <= 1.0
        assert sum(share.share for share in hit.shares) == pytest.approx(1.0, abs=1e-5)
        assert [share.share for share in hit.shares] == sorted((share.share for share in hit.shares), reverse=True)
        assert hit.evidence[-1].target_appearance_id == hit.appearance.appearance_id
        assert hit.evidence[0].WhichOneof("source") == "part_index"
        assert 0 <= hit.evidence[0].part_index < parts
        for before, step in itertools.pairwise(hit.evidence):
            assert step.source_appearance_id == before.target_appearance_id
            assert not step.HasField("cosine")


async def reason_of(call) -> tuple[str, dict[str, str], grpc.StatusCode]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    metadata = dict(error.value.trailing_metadata())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return info.reason.removeprefix("ERROR_REASON_"), dict(info.metadata), error.value.code()


async def test_a_portrait_finds_the_face_and_by_association_the_rest(world, stub) -> None:
    here = await world.put("here", face=world.face(1), body=world.body(1), span=(0, 5))
    back = await world.put("back", body=world.body(1), span=(10, 15))
    later = await world.put("later", body=world.body(1), span=(50, 55))
    other = await world.put("other", face=world.face(2), body=world.body(2), span=(0, 5))
    world.associations.add("town", here, back, Modality.BODY, 0.9)
    world.associations.add("town", back, later, Modality.BODY, 0.8)

    response = await stub.Search(asking(world.portrait(1)))
    check_hits(response)
    assert [hit.appearance.appearance_id for hit in response.hits] == [here, back, later, other]
    assert response.degraded == []
    assert len(response.portrait_faces) == 1
    assert response.portrait_faces[0].x_min == pytest.approx(0.3)

    first, second, third, _ = response.hits
    assert [(step.part_index, step.modality, step.cosine) for step in first.evidence] == [(0, FACE, 1.0)]
    assert [share.modality for share in first.shares] == [FACE]
    assert second.score == pytest.approx(first.score * 0.9)
    assert [step.modality for step in third.evidence] == [FACE, BODY, BODY]
    assert {share.modality: pytest.approx(share.share) for share in third.shares} == {BODY: 2 / 3, FACE: 1 / 3}
    assert second.appearance.key_frame_uri == "file:///m/back.jpg"
    assert second.appearance.modalities == [BODY]
    assert second.appearance.boxes[0].person.y_max == pytest.approx(0.9)


async def test_without_expansion_only_what_the_portrait_matches(world, stub) -> None:
    here = await world.put("here", face=world.face(1))
    back = await world.put("back", body=world.body(1))
    world.associations.add("town", here, back, Modality.BODY, 0.9)
    response = await stub.Search(asking(world.portrait(1), expansion=query_pb2.EXPANSION_NONE))
    assert list(scores(response)) == [here]
    assert world.associations.asked == []


async def test_the_answer_is_as_long_as_asked_and_its_default_is_fifty(world, stub) -> None:
    for number in range(70):
        await world.put(f"t{number}", face=world.between(world.face(1), world.face(2), 0.9 - number / 100))
    everything = await stub.Search(asking(world.portrait(1), top_k=1000))
    assert len(everything.hits) == 70
    check_hits(everything)
    default = await stub.Search(asking(world.portrait(1)))
    three = await stub.Search(asking(world.portrait(1), top_k=3))
    assert list(default.hits) == list(everything.hits[:50])
    assert list(three.hits) == list(everything.hits[:3])


async def test_equal_scores_are_ordered_by_id(world, stub) -> None:
    names = [await world.put(f"t{number}", face=world.face(1)) for number in range(20)]
    response = await stub.Search(asking(world.portrait(1)))
    assert [hit.appearance.appearance_id for hit in response.hits] == sorted(names)


async def test_galleries_are_kept_apart(world, stub) -> None:
    await world.index.put_gallery(Gallery("other", 0.0))
    mine = await world.put("mine", face=world.face(1))
    theirs = await world.put("theirs", face=world.face(1), gallery="other")
    world.associations.add("other", mine, theirs, Modality.FACE, 0.99)
    assert list(scores(await stub.Search(asking(world.portrait(1))))) == [mine]
    assert list(scores(await stub.Search(asking(world.portrait(1), gallery="other")))) == [theirs]
    reason, facts, code = await reason_of(stub.Search(asking(theirs)))
    assert (reason, code) == ("APPEARANCE_NOT_FOUND", grpc.StatusCode.NOT_FOUND)
    assert facts == {"gallery": "town", "appearance_id": theirs}
    # Even an association that leads out of the gallery, which no service may give, reaches nothing.
    world.associations.add("town", mine, theirs, Modality.FACE, 0.99)
    assert list(scores(await stub.Search(asking(world.portrait(1))))) == [mine]


async def test_filters_by_video_time_and_score(world, stub) -> None:
    a = await world.put("a", face=world.face(1), video="one", span=(0, 5))
    b = await world.put("b", face=world.face(1), video="one", span=(20, 25))
    c = await world.put("c", face=world.face(1), video="two", span=(0, 5))
    d = await world.put("d", face=world.face(9), video="one", span=(0, 5))
    everything = await stub.Search(asking(world.portrait(1)))
    assert set(scores(everything)) == {a, b, c, d}
    one = await stub.Search(asking(world.portrait(1), video_ids=[world.an_id("one")]))
    assert set(scores(one)) == {a, b, d}
    early = await stub.Search(asking(world.portrait(1), time_range=geometry_pb2.Span(start_s=4, end_s=20)))
    assert set(scores(early)) == {a, c, d}
    sure = await stub.Search(asking(world.portrait(1), min_score=0.5))
    assert set(scores(sure)) == {a, b, c}


async def test_a_chain_may_start_outside_of_the_filter(world, stub) -> None:
    """The face is seen before the time that is asked for; in it, only clothes are."""
    face = await world.put("face", face=world.face(1), body=world.body(1), span=(0, 5))
    back = await world.put("back", body=world.body(1), span=(30, 35))
    world.associations.add("town", face, back, Modality.BODY, 0.9)
    response = await stub.Search(asking(world.portrait(1), time_range=geometry_pb2.Span(start_s=20, end_s=40)))
    check_hits(response)
    assert list(scores(response)) == [back]
    assert response.hits[0].evidence[0].target_appearance_id == face


async def test_what_is_not_committed_is_no_hit_and_no_step(world, stub) -> None:
    here = await world.put("here", face=world.face(1))
    gone = await world.put("gone", face=world.face(1), body=world.body(1), committed=False)
    back = await world.put("back", body=world.body(1))
    world.associations.add("town", gone, back, Modality.BODY, 0.9)
    assert list(scores(await stub.Search(asking(world.portrait(1))))) == [here]


async def test_like_an_appearance_by_all_it_has(world, stub) -> None:
    asked = await world.put("asked", face=world.face(1), body=world.body(1), span=(0, 5))
    near = await world.put("near", body=world.body(1), span=(30, 35))
    hour = await world.put("hour", body=world.body(1), span=(400, 405))
    elsewhere = await world.put("elsewhere", body=world.body(1), video="two", span=(30, 35))
    years = await world.put("years", face=world.face(1), body=world.body(8), video="two", span=(200, 205))
    response = await stub.Search(asking(asked, expansion=query_pb2.EXPANSION_NONE))
    check_hits(response)
    found = scores(response)
    assert found[asked] == 1.0
    assert found[near] > 0.99
    assert found[years] > 0.99
    # The same clothes, but out of their short-term reach: another video, or long after.
    assert hour not in found
    assert elsewhere not in found
    own = response.hits[0]
    assert own.appearance.appearance_id == asked
    assert [(step.part_index, step.target_appearance_id, step.probability) for step in own.evidence] == [(0, asked, 1)]


async def test_clothes_hold_between_the_cameras_of_a_site(world, stub) -> None:
    await world.put_video("one", site="gate", recorded_at=1000.0)
    await world.put_video("two", site="gate", recorded_at=1100.0)
    await world.put_video("three", site="yard", recorded_at=1100.0)
    asked = await world.put("asked", body=world.body(1), video="one", span=(100, 105))
    seen = await world.put("seen", body=world.body(1), video="two", span=(10, 15))
    before = await world.put("before", body=world.body(1), video="two", span=(200, 205))
    yard = await world.put("yard", body=world.body(1), video="three", span=(10, 15))
    found = scores(await stub.Search(asking(asked, expansion=query_pb2.EXPANSION_NONE)))
    assert set(found) == {asked, seen}
    assert not {before, yard} & set(found)


async def test_parts_support_each_other(world, stub) -> None:
    both = world.between(world.face(1), world.face(2), 0.7071)
    mixed = await world.put("mixed", face=both)
    alone = scores(await stub.Search(asking(world.portrait(1))))[mixed]
    raw = query_pb2.RawEmbedding(
        modality=FACE,
        vector=(3.0 * world.between(world.face(1), world.face(2), 0.8)).tolist(),
        pack_digest=world.pack.digest,
    )
    response = await stub.Search(asking(world.portrait(1), raw))
    check_hits(response, parts=2)
    assert scores(response)[mixed] > alone
    assert response.hits[0].evidence[0].part_index == 1


async def test_a_raw_body_embedding_is_searched_in_the_filter(world, stub) -> None:
    one = await world.put("one", body=world.body(1), video="one")
    two = await world.put("two", body=world.body(1), video="two", span=(500, 505))
    raw = query_pb2.RawEmbedding(modality=BODY, vector=world.body(1).tolist(), pack_digest=world.pack.digest)
    assert set(scores(await stub.Search(asking(raw)))) == {one, two}
    assert set(scores(await stub.Search(asking(raw, video_ids=[world.an_id("two")])))) == {two}


async def test_not_this_one_pushes_look_alikes_down(world, stub) -> None:
    """The twin's face is near to the asked one's; after the "no", so is neither the twin nor what the twin leads to."""
    twin_face = world.between(world.face(1), world.face(2), 0.75)
    own = await world.put("own", face=world.face(1), span=(0, 5))
    twin = await world.put("twin", face=twin_face, span=(0, 5))
    twin_again = await world.put("twin again", face=twin_face, span=(10, 15))
    twin_back = await world.put("twin back", body=world.body(2), span=(20, 25))
    world.associations.add("town", twin_again, twin_back, Modality.BODY, 0.95)
    world.associations.add("town", twin, twin_again, Modality.FACE, 0.95)

    before = scores(await stub.Search(asking(world.portrait(1))))
    assert min(before[twin], before[twin_again], before[twin_back]) > 0.9
    response = await stub.Search(asking(world.portrait(1), part(twin, -1.0)))
    check_hits(response, parts=2)
    after = scores(response)
    assert twin not in after
    assert after[own] > 0.9
    assert after[twin_again] < 0.05
    assert after.get(twin_back, 0.0) < 0.05
    milder = scores(await stub.Search(asking(world.portrait(1), part(twin, -0.2))))
    assert after[twin_again] < milder[twin_again] < before[twin_again]


async def test_a_rejected_portrait_carries_its_no_along_associations(world, stub) -> None:
    """The back is reached from both; the rejected person has the better claim to it.

    Their face is too unclear to tell by itself that they are somebody else.
    """
    own = await world.put("own", face=world.face(1), span=(0, 5))
    wrong = await world.put("wrong", face=world.face(2), span=(10, 15), quality=0.5)
    back = await world.put("back", body=world.body(1), span=(20, 25))
    world.associations.add("town", own, back, Modality.BODY, 0.72)
    world.associations.add("town", wrong, back, Modality.BODY, 0.95)
    before = scores(await stub.Search(asking(world.portrait(1))))
    after = scores(await stub.Search(asking(world.portrait(1), part(world.portrait(2), -1.0))))
    assert before[back] == pytest.approx(0.72, abs=0.01)
    assert after[back] < 0.2
    assert after[own] == pytest.approx(before[own], abs=0.05)


async def test_whose_face_is_somebody_elses_claims_what_looks_like_them(world, stub) -> None:
    own = await world.put("own", face=world.face(1), span=(0, 5))
    other = await world.put("other", face=world.face(2), span=(10, 15))
    alone, shared = [
        await world.put(name, body=world.body(1), span=(20 + 9 * n, 25 + 9 * n)) for n, name in enumerate("ab")
    ]
    for one in (alone, shared):
        world.associations.add("town", own, one, Modality.BODY, 0.72)
    world.associations.add("town", other, shared, Modality.BODY, 0.95)
    response = await stub.Search(asking(world.portrait(1)))
    check_hits(response, parts=1)
    found = scores(response)
    assert found[alone] == pytest.approx(0.72, abs=0.01)
    assert found[shared] < 0.2


async def test_a_query_that_tells_nobody_apart_follows_no_weak_association(world, stub) -> None:
    own = await world.put("own", face=world.face(1), body=world.body(1), span=(0, 5))
    back = await world.put("back", voice=world.voice(7), span=(20, 25))
    world.associations.add("town", own, back, Modality.BODY, 0.4)
    assert scores(await stub.Search(asking(world.portrait(1))))[back] == pytest.approx(0.4, abs=0.01)
    raw = query_pb2.RawEmbedding(modality=BODY, vector=world.body(1).tolist(), pack_digest=world.pack.digest)
    found = scores(await stub.Search(asking(raw)))
    assert own in found
    assert back not in found


async def test_nothing_is_reached_through_what_was_rejected(world, stub) -> None:
    own = await world.put("own", face=world.face(1), span=(0, 5))
    no = await world.put("no", body=world.body(1), span=(10, 15))
    behind = await world.put("behind", body=world.body(1), span=(20, 25))
    world.associations.add("town", own, no, Modality.BODY, 0.9)
    world.associations.add("town", no, behind, Modality.BODY, 0.9)
    assert {no, behind} <= set(scores(await stub.Search(asking(world.portrait(1)))))
    after = scores(await stub.Search(asking(world.portrait(1), part(no, -1.0))))
    assert list(after) == [own]


async def test_a_different_face_in_the_same_clothes_is_doubted(world, stub) -> None:
    own = await world.put("own", face=world.face(1), body=world.body(1), span=(0, 5))
    back = await world.put("back", body=world.body(1), span=(10, 15))
    uniform = await world.put("uniform", face=world.face(2), body=world.body(1), span=(10, 15))
    world.associations.add("town", own, back, Modality.BODY, 0.9)
    world.associations.add("town", own, uniform, Modality.BODY, 0.9)
    found = scores(await stub.Search(asking(world.portrait(1))))
    assert found[back] > 0.85
    assert found[uniform] < 0.2


async def test_a_different_face_is_heard_though_it_is_far_down_the_list(
    world, stub, executor: ThreadPoolExecutor
) -> None:
    own = await world.put("own", face=world.face(1), span=(0, 5))
    uniform = await world.put("uniform", face=world.face(2), body=world.body(1), span=(10, 15))
    world.associations.add("town", own, uniform, Modality.BODY, 0.9)
    handlers = world.handlers(executor, minimum_limit=1, maximum_limit=1)
    answer = await handlers.search(Query((QueryPart(Portrait(world.portrait(1))),), "town"), 10)
    assert {hit.appearance.appearance_id: hit.score > 0.5 for hit in answer.hits} == {own: True, uniform: False}


@pytest.mark.parametrize("how", ["fails", "hangs"])
async def test_without_associations_the_direct_matches_are_answered(world, executor, how: str) -> None:
    here = await world.put("here", face=world.face(1))
    back = await world.put("back", body=world.body(1))
    world.associations.add("town", here, back, Modality.BODY, 0.9)
    if how == "fails":
        world.associations.failing = True
    else:
        world.associations.released = asyncio.Event()
    handlers = world.handlers(executor, expansion_timeout_s=0.02)
    response = answer_to_proto(await handlers.search(query_from_proto(asking(world.portrait(1)).query), 50))
    assert list(scores(response)) == [here]
    assert response.degraded == [messages.DEGRADATION_ASSOCIATIONS]


async def test_without_fusion_the_strongest_modality_decides(world, stub) -> None:
    here = await world.put("here", face=world.face(1), body=world.body(1))
    world.fusion.failing = True
    response = await stub.Search(asking(world.portrait(1)))
    check_hits(response)
    assert scores(response)[here] > 0.99
    assert response.degraded == [messages.DEGRADATION_FUSION]


class Loading:
    """An index of which some reads meet a load."""

    def __init__(self, index, *, search: Modality | None = None, rows: bool = False) -> None:
        self._index = index
        self._search = search
        self._rows = rows

    def __getattr__(self, name: str):
        return getattr(self._index, name)

    async def search(self, modality, *rest):
        if modality is self._search:
            raise IndexLoadingError("loading")
        return await self._index.search(modality, *rest)

    async def get_appearances(self, *rest):
        if self._rows:
            raise IndexLoadingError("loading")
        return await self._index.get_appearances(*rest)


async def test_a_modality_that_loads_is_left_out(world, executor) -> None:
    asked = await world.put("asked", face=world.face(1), body=world.body(1), span=(0, 5))
    near = await world.put("near", body=world.body(1), span=(30, 35))
    await world.put("years", face=world.face(1), video="two", span=(200, 205))
    world.index = Loading(world.index, search=Modality.FACE)
    answer = await world.handlers(executor).search(Query((QueryPart(Like(asked)),), "town", expand=False), 50)
    assert {hit.appearance.appearance_id for hit in answer.hits} == {asked, near}
    assert answer.degraded == {"index_loading"}


async def test_while_appearances_load_the_answer_is_empty_and_says_so(world, executor) -> None:
    await world.put("here", face=world.face(1))
    world.index = Loading(world.index, rows=True)
    answer = await world.handlers(executor).search(Query((QueryPart(Portrait(world.portrait(1))),), "town"), 50)
    assert answer.hits == ()
    assert answer.degraded == {"index_loading"}


async def test_errors_of_portraits(world, stub) -> None:
    two = world.painted((1, (10, 10, 50, 50)), (2, (100, 20, 180, 100)))
    reason, facts, code = await reason_of(stub.Search(asking(world.portrait(1), two)))
    assert (reason, code) == ("SEVERAL_FACES", grpc.StatusCode.FAILED_PRECONDITION)
    assert facts["part_index"] == "1"
    first = [float(value) for value in facts["faces"].split(";")[1].split(",")]
    assert first == pytest.approx([0.05, 0.0625, 0.25, 0.3125])

    mine = await world.put("mine", face=world.face(1))
    box = geometry_pb2.Box(x_min=first[0], y_min=first[1], x_max=first[2], y_max=first[3])
    response = await stub.Search(asking(PORTRAIT(image=two, face=box), min_score=0.5))
    assert list(scores(response)) == [mine]

    reason, facts, code = await reason_of(stub.Search(asking(world.painted())))
    assert (reason, code, facts) == ("NO_FACE", grpc.StatusCode.INVALID_ARGUMENT, {"part_index": "0"})
    reason, facts, code = await reason_of(stub.Search(asking(b"no picture")))
    assert (reason, code) == ("UNREADABLE_IMAGE", grpc.StatusCode.INVALID_ARGUMENT)


async def test_errors_of_embeddings(world, stub) -> None:
    def raw(modality=FACE, vector=None, digest: str | None = None) -> messages.SearchRequest:
        values = world.face(1).tolist() if vector is None else vector
        made_by = world.pack.digest if digest is None else digest
        return asking(query_pb2.RawEmbedding(modality=modality, vector=values, pack_digest=made_by))

    reason, facts, code = await reason_of(stub.Search(raw(digest="0" * 64)))
    assert (reason, code) == ("OTHER_PACK", grpc.StatusCode.FAILED_PRECONDITION)
    assert facts == {"got": "0" * 64, "expected": world.pack.digest}
    for request in (raw(vector=[1.0, 2.0]), raw(vector=[0.0] * 16), raw(modality_pb2.MODALITY_HEAD)):
        reason, _, code = await reason_of(stub.Search(request))
        assert (reason, code) == ("UNSUPPORTED_MODALITY", grpc.StatusCode.INVALID_ARGUMENT)
    huge = await stub.Search(raw(vector=[3e38] * 16))
    assert list(huge.hits) == []


async def test_other_errors(world, stub) -> None:
    reason, facts, _ = await reason_of(stub.Search(asking(world.portrait(1), gallery="nowhere")))
    assert (reason, facts) == ("GALLERY_NOT_FOUND", {"gallery": "nowhere"})
    mine = await world.put("mine", face=world.face(1))
    for request in (asking(part(mine, -1.0)), asking(mine, part(mine, -1.0)), asking(part(mine, 0.0)), asking()):
        reason, _, code = await reason_of(stub.Search(request))
        assert (reason, code) == ("INVALID_FIELD", grpc.StatusCode.INVALID_ARGUMENT)
    bare = await world.put("bare")
    reason, _, _ = await reason_of(stub.Search(asking(bare)))
    assert reason == "UNSUPPORTED_MODALITY"


async def test_get_appearance(world, stub) -> None:
    mine = await world.put("mine", face=world.face(1), body=world.body(1), span=(2, 4))
    request = messages.GetAppearanceRequest(gallery="town", appearance_id=mine)
    appearance = (await stub.GetAppearance(request)).appearance
    assert (appearance.span.start_s, appearance.span.end_s) == (2, 4)
    assert appearance.modalities == [FACE, BODY]
    request.appearance_id = world.an_id("nobody")
    reason, _, _ = await reason_of(stub.GetAppearance(request))
    assert reason == "APPEARANCE_NOT_FOUND"
    request.gallery = "nowhere"
    reason, _, _ = await reason_of(stub.GetAppearance(request))
    assert reason == "GALLERY_NOT_FOUND"


async def test_get_track(world, stub) -> None:
    await world.put_video("late", recorded_at=2000.0)
    await world.put_video("early", recorded_at=1000.0)
    asked = await world.put("asked", body=world.body(1), video="late", span=(0, 5))
    front = await world.put("front", face=world.face(1), body=world.body(1), video="late", span=(5.5, 9))
    after = await world.put("after", body=world.body(1), video="late", span=(20, 25))
    before = await world.put("before", face=world.face(1), video="early", span=(3, 4))
    await world.put("stranger", face=world.face(2), body=world.body(2), video="late", span=(1, 5))
    world.associations.add("town", asked, front, Modality.BODY, 0.95)
    world.associations.add("town", front, after, Modality.BODY, 0.9)
    world.associations.add("town", front, before, Modality.FACE, 0.9)
    response = await stub.GetTrack(messages.GetTrackRequest(gallery="town", appearance_id=asked))
    spans = [
        (span.video_id, span.span.start_s, span.span.end_s, [hit.appearance.appearance_id for hit in span.hits])
        for span in response.spans
    ]
    assert spans == [
        (world.an_id("early"), 3, 4, [before]),
        (world.an_id("late"), 0, 9, [asked, front]),
        (world.an_id("late"), 20, 25, [after]),
    ]
    picky = await stub.GetTrack(messages.GetTrackRequest(gallery="town", appearance_id=asked, min_score=1.0))
    assert [hit.appearance.appearance_id for span in picky.spans for hit in span.hits] == [asked]


async def test_the_order_in_which_things_are_stored_does_not_matter(world, stub, executor) -> None:
    dice = np.random.default_rng(3)
    rows = []
    for number in range(40):
        face = world.between(world.face(1), world.face(2), float(dice.uniform(-0.2, 1.0)))
        rows.append((f"t{number}", face, world.body(number % 3), (number, number + 2.0)))
    answers = []
    for _ in range(3):
        fresh = type(world)(world.settings)
        await fresh.open()
        for row in dice.permutation(len(rows)):
            name, face, body, span = rows[row]
            await fresh.put(name, face=face, body=body, span=span)
        for one in dice.permutation(39):
            edge = (fresh.an_id(f"t{one}"), fresh.an_id(f"t{one + 1}"))
            fresh.associations.add("town", *edge, Modality.BODY, 0.5 + one / 100)
            query = Query((QueryPart(Portrait(world.portrait(1))),), "town")
        answers.append(await fresh.handlers(executor).search(query, 100))
    assert answers[0] == answers[1] == answers[2]
    assert len(answers[0].hits) == 40


async def test_two_large_pictures_fit_into_one_question(stub) -> None:
    """They are no pictures, but that is told, and not that the message is too long; four are too much."""
    large = bytes(12 * 2**20)
    reason, _, code = await reason_of(stub.Search(asking(large, large)))
    assert (reason, code) == ("UNREADABLE_IMAGE", grpc.StatusCode.INVALID_ARGUMENT)
    reason, _, code = await reason_of(stub.Search(asking(large, large, large, large[: 5 * 2**20])))
    assert (reason, code) == ("INVALID_FIELD", grpc.StatusCode.INVALID_ARGUMENT)
