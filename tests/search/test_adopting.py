"""A hit that shows no face goes on by that of the appearance to which its looks lead."""

import pytest

from packs.spec import Modality
from personsearch.v1 import hit_pb2, modality_pb2, query_pb2
from personsearch.v1 import person_search_service_pb2 as messages

FACE, BODY = modality_pb2.MODALITY_FACE, modality_pb2.MODALITY_BODY


def asked(appearance_id: str, **options: int) -> messages.SearchRequest:
    part = query_pb2.QueryPart(appearance_id=appearance_id)
    query = query_pb2.Query(parts=[part], filter=query_pb2.Filter(gallery="town"), **options)
    return messages.SearchRequest(query=query, top_k=100)


def found(response: messages.SearchResponse) -> dict[str, hit_pb2.Hit]:
    return {hit.appearance.appearance_id: hit for hit in response.hits}


async def test_it_finds_by_the_face_that_its_looks_lead_to_and_says_how(world, stub) -> None:
    back = await world.put("back", body=world.body(1), span=(0, 5))
    front = await world.put("front", face=world.face(1), body=world.body(1), span=(10, 15))
    far = await world.put("far", face=world.face(1), video="other", span=(0, 5))
    world.associations.add("town", back, front, Modality.BODY, 0.95)
    hit = found(await stub.Search(asked(back)))[far]
    # By no edge: the face was searched for, and is no surer than whose it is.
    assert hit.score == pytest.approx(0.95, abs=1e-3)
    assert [(step.target_appearance_id, step.modality) for step in hit.evidence] == [
        (back, BODY),
        (front, BODY),
        (far, FACE),
    ]
    assert hit.evidence[0].part_index == 0
    assert hit.evidence[2].source_appearance_id == front


@pytest.mark.parametrize("quality", [None, 0.3])
async def test_what_the_hit_itself_leads_to_has_its_own_way_for_a_reason(world, stub, quality) -> None:
    """Also where all that is known of the hit is a face too unclear to ask by."""
    face = world.face(1) if quality is not None else None
    back = await world.put(
        "back", face=face, body=None if quality else world.body(1), span=(0, 5), quality=quality or 1.0
    )
    front = await world.put("front", face=world.face(1), span=(10, 15))
    aside = await world.put("aside", voice=world.voice(3), span=(20, 25))
    for other in (front, aside):
        world.associations.add("town", back, other, Modality.BODY, 0.95)
    hit = found(await stub.Search(asked(back)))[aside]
    assert [step.target_appearance_id for step in hit.evidence] == [back, aside]
    assert hit.evidence[0].part_index == 0


@pytest.mark.parametrize(("quality", "probability"), [(0.6, 0.95), (1.0, 0.85)])
async def test_neither_an_unclear_face_nor_an_unsure_way_is_adopted(world, stub, quality, probability) -> None:
    back = await world.put("back", body=world.body(1), span=(0, 5))
    front = await world.put("front", face=world.face(1), span=(10, 15), quality=quality)
    far = await world.put("far", face=world.face(1), video="other", span=(0, 5))
    world.associations.add("town", back, front, Modality.BODY, probability)
    hits = found(await stub.Search(asked(back)))
    assert front in hits
    assert far not in hits


async def test_a_hit_with_a_clear_face_asks_by_its_own(world, stub) -> None:
    own = await world.put("own", face=world.face(1), body=world.body(1), span=(0, 5))
    other = await world.put("other", face=world.face(2), body=world.body(1), span=(10, 15))
    theirs = await world.put("theirs", face=world.face(2), video="other", span=(0, 5))
    world.associations.add("town", own, other, Modality.BODY, 0.95)
    hits = found(await stub.Search(asked(own)))
    assert theirs not in hits or hits[theirs].score < 0.1


async def test_looks_lead_along_associations_alone_where_there_are_any(world, stub) -> None:
    """Two in one uniform are told apart where pairs are judged; compared with a hit's looks both would be certain."""
    back = await world.put("back", body=world.body(1), span=(0, 5))
    same = await world.put("same", body=world.body(1), span=(10, 15))
    like = await world.put("like", body=world.body(1), span=(20, 25))
    world.associations.add("town", back, same, Modality.BODY, 0.8)
    hits = found(await stub.Search(asked(back)))
    assert same in hits
    assert like not in hits
    world.associations.failing = True
    answer = await stub.Search(asked(back))
    assert {same, like} <= set(found(answer))
    assert list(answer.degraded)


async def test_whoever_is_on_screen_with_a_hit_is_somebody_else(world, stub) -> None:
    """Two of one team, side by side: neither the other is found, nor what they alone lead to, nor by their face."""
    own = await world.put("own", body=world.body(1), span=(0, 5))
    beside = await world.put("beside", face=world.face(2), body=world.body(1), span=(3, 8))
    later = await world.put("later", body=world.body(1), span=(8, 12))
    theirs = await world.put("theirs", face=world.face(2), video="other", span=(0, 5))
    world.associations.add("town", own, beside, Modality.BODY, 0.95)
    world.associations.add("town", own, later, Modality.BODY, 0.95)
    world.associations.add("town", beside, theirs, Modality.FACE, 0.95)
    hits = found(await stub.Search(asked(own)))
    assert later in hits
    assert beside not in hits
    assert theirs not in hits


async def test_without_expansion_nothing_is_adopted(world, stub) -> None:
    back = await world.put("back", body=world.body(1), span=(0, 5))
    front = await world.put("front", face=world.face(1), span=(10, 15))
    far = await world.put("far", face=world.face(1), video="other", span=(0, 5))
    world.associations.add("town", back, front, Modality.BODY, 0.95)
    assert far not in found(await stub.Search(asked(back, expansion=query_pb2.EXPANSION_NONE)))


async def test_a_hit_that_is_known_by_a_face_finds_by_looks_only_what_associations_say(world, stub) -> None:
    """Two people in one uniform: no body may outweigh that nobody links them."""
    own = await world.put("own", face=world.face(1), body=world.body(1), span=(0, 5))
    twin = await world.put("twin", body=world.body(1), span=(10, 15))
    linked = await world.put("linked", body=world.body(2), span=(20, 25))
    world.associations.add("town", own, linked, Modality.BODY, 0.95)
    hits = found(await stub.Search(asked(own)))
    assert hits[linked].score == pytest.approx(0.95, abs=1e-3)
    assert twin not in hits
