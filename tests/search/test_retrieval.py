"""Neighbour lists, what they leave out, and what they cost."""

from __future__ import annotations

import pytest

from packs.spec import Modality
from services.backends.schemas import Scope
from services.search.nearby import NearVectors
from services.search.reach import Stretch
from services.search.retrieval import Retriever
from services.search.retrieved import QueryVector, Retrieved, merged, unheard

TOWN = Scope("town")


class Counting:
    """An index that notes what it is asked."""

    def __init__(self, index) -> None:
        self._index = index
        self.calls: list[tuple[str, object]] = []

    async def search(self, modality, vectors, scope, limit):
        self.calls.append(("search", (modality, len(vectors), scope.video_ids)))
        return await self._index.search(modality, vectors, scope, limit)

    async def get_embeddings(self, modality, gallery, ids):
        self.calls.append(("read", (modality, sorted(ids))))
        return await self._index.get_embeddings(modality, gallery, ids)


@pytest.fixture
def index(world) -> Counting:
    return Counting(world.index)


@pytest.fixture
def retriever(index: Counting) -> Retriever:
    return Retriever(index, NearVectors(index, 2**20, 30.0))


def cosines(retrieved: Retrieved, name: str) -> dict[tuple[int, Modality], float]:
    return {(piece.part_index, piece.modality): piece.cosine for piece in retrieved.evidence.get(name, ())}


async def test_long_term_vectors_share_a_call_and_short_term_ones_ask_stretch_by_stretch(
    world, index, retriever
) -> None:
    stretches = (Stretch("one", 0.0, 60.0), Stretch("two", 10.0, 20.0))
    vectors = [
        QueryVector(0, Modality.FACE, 1.0, world.face(1)),
        QueryVector(1, Modality.FACE, 1.0, world.face(2)),
        QueryVector(0, Modality.BODY, 1.0, world.body(1), stretches),
    ]
    await retriever.nearest(vectors, TOWN, 10)
    assert index.calls == [
        ("search", (Modality.FACE, 2, ())),
        ("search", (Modality.BODY, 1, ("one",))),
        ("search", (Modality.BODY, 1, ("two",))),
    ]


async def test_a_list_that_was_not_full_left_nothing_out(world, index, retriever) -> None:
    a = await world.put("a", face=world.face(1))
    b = await world.put("b", face=world.face(2))
    vectors = [QueryVector(part, Modality.FACE, 1.0, world.face(part + 1)) for part in (0, 1)]
    found = await retriever.nearest(vectors, TOWN, 3)
    assert found.cut == frozenset()
    assert await retriever.completed(vectors, "town", found) is found
    assert [kind for kind, _ in index.calls] == ["search"]
    assert cosines(found, a) == {(0, Modality.FACE): 1.0, (1, Modality.FACE): 0.0}
    assert cosines(found, b) == {(0, Modality.FACE): 0.0, (1, Modality.FACE): 1.0}


async def test_what_a_full_list_left_out_is_compared(world, index, retriever) -> None:
    a = await world.put("a", face=world.between(world.face(1), world.face(2), 0.8))
    b = await world.put("b", face=world.face(2), body=world.body(1))
    vectors = [
        QueryVector(0, Modality.FACE, 1.0, world.face(1)),
        QueryVector(1, Modality.FACE, -1.0, world.face(2)),
    ]
    found = await retriever.nearest(vectors, TOWN, 1)
    assert found.cut == {(0, Modality.FACE), (1, Modality.FACE)}
    assert set(found.evidence) == {a, b}
    whole = await retriever.completed(vectors, "town", found)
    assert cosines(whole, a) == pytest.approx({(0, Modality.FACE): 0.8, (1, Modality.FACE): 0.6})
    assert cosines(whole, b) == {(0, Modality.FACE): 0.0, (1, Modality.FACE): 1.0}
    assert index.calls[-1] == ("read", (Modality.FACE, sorted([a, b])))


async def test_comparing_respects_the_reach(world, retriever) -> None:
    near = await world.put("near", body=world.body(1), video="film", span=(0, 5))
    far = await world.put("far", body=world.body(1), video="film", span=(300, 305))
    vector = QueryVector(0, Modality.BODY, 1.0, world.body(1), (Stretch(world.an_id("film"), 0.0, 60.0),))
    compared = await retriever.compare([vector], "town", [near, far])
    assert set(compared.evidence) == {near}
    assert (await retriever.compare([vector], "town", [])).evidence == {}


async def test_merged_counts_each_vector_once(world, retriever) -> None:
    a = await world.put("a", face=world.face(1))
    vectors = [QueryVector(0, Modality.FACE, 1.0, world.face(1))]
    one = await retriever.nearest(vectors, TOWN, 1)
    other = await retriever.nearest(vectors, TOWN, 10)
    both = merged([one, other])
    assert len(both.evidence[a]) == 1
    assert both.cut == one.cut
    assert unheard(both, vectors, [a, "b", "c"]) == ["b", "c"]
    assert unheard(both, (), [a, "b"]) == []
    in_vain = merged([both, Retrieved({}, heard=frozenset({"b"}))])
    assert unheard(in_vain, vectors, [a, "b", "c"]) == ["c"]
