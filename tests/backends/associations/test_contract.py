"""What every association cache does."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence

import numpy as np
import pytest

from packs.spec import Modality
from services.backends.associations.blocks import EdgeBlock, wanted_codes
from services.backends.associations.fake import FakeAssociationStore
from services.backends.associations.protocol import AssociationStore
from services.backends.associations.redis import RedisAssociationStore
from services.backends.schemas import Association
from services.runtime.errors import BackendUnavailableError

LIMITS = dict.fromkeys(Modality, 3)
ONE, TWO, THREE = "1" * 32, "2" * 32, "3" * 32
A, B, C, D, E, F, G, H, J, Z = (32 * "a", 32 * "b", 32 * "c", 32 * "d", 32 * "e", *(16 * f"f{i}" for i in range(5)))


@pytest.fixture(params=["fake", "embedded", "server", "mirrored"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[AssociationStore]:
    if request.param == "fake":
        yield FakeAssociationStore(LIMITS)
        return
    name = "redis_server_url" if request.param == "server" else "embedded_redis_url"
    mirror_bytes = 2**20 if request.param == "mirrored" else 0
    redis = RedisAssociationStore(request.getfixturevalue(name), limits=LIMITS, mirror_bytes=mirror_bytes)
    yield redis
    await redis.aclose()


@pytest.fixture
def gallery() -> str:
    return f"g-{uuid.uuid4().hex}"


def edge(one: str, other: str, probability: float, modality: Modality = Modality.FACE) -> Association:
    return Association(min(one, other), max(one, other), modality, probability)


def far_ends(one: str, edges: Sequence[Association]) -> list[tuple[str, float]]:
    return [(each.second if each.first == one else each.first, each.probability) for each in edges]


async def test_an_edge_is_read_at_both_ends(store: AssociationStore, gallery: str) -> None:
    ab = edge(A, B, 0.75)
    await store.put_video(gallery, ONE, [A, B], [ab])
    assert await store.edges_of(gallery, [A, B]) == {A: [ab], B: [ab]}


async def test_strongest_first_and_only_the_modalities_asked(store: AssociationStore, gallery: str) -> None:
    edges = [edge(A, B, 0.5), edge(A, C, 0.875), edge(A, B, 0.625, Modality.BODY)]
    await store.put_video(gallery, ONE, [A, B, C], edges)
    assert (await store.edges_of(gallery, [A]))[A] == [edges[1], edges[2], edges[0]]
    assert (await store.edges_of(gallery, [A], [Modality.BODY]))[A] == [edges[2]]


async def test_unknown_appearances_are_left_out_and_lonely_ones_are_not(store: AssociationStore, gallery: str) -> None:
    await store.put_video(gallery, ONE, [A], [])
    assert await store.edges_of(gallery, [A, Z]) == {A: []}
    assert await store.edges_of(gallery, []) == {}


async def test_a_video_without_appearances_is_known(store: AssociationStore, gallery: str) -> None:
    assert await store.known_videos(gallery) == frozenset()
    await store.put_video(gallery, ONE, [], [])
    assert await store.known_videos(gallery) == {ONE}
    assert await store.count_video(gallery, ONE) == 1
    assert await store.drop_video(gallery, ONE) == 1
    assert await store.known_videos(gallery) == frozenset()


async def test_each_end_keeps_its_strongest(store: AssociationStore, gallery: str) -> None:
    ids = [f"{i:032x}" for i in range(6)]
    await store.put_video(gallery, ONE, [A, *ids], [edge(A, one, 0.5 + i / 16) for i, one in enumerate(ids)])
    found = await store.edges_of(gallery, [A, *ids])
    assert far_ends(A, found[A]) == [(ids[5], 0.8125), (ids[4], 0.75), (ids[3], 0.6875)]
    assert all(len(found[one]) == 1 for one in ids)


async def test_equally_strong_edges_are_kept_by_id(store: AssociationStore, gallery: str) -> None:
    ids = [f"{i:032x}" for i in range(6)]
    await store.put_video(gallery, ONE, [A, *ids], [edge(A, one, 0.5) for one in reversed(ids)])
    assert far_ends(A, (await store.edges_of(gallery, [A]))[A]) == [(one, 0.5) for one in ids[:3]]


async def test_the_order_of_videos_does_not_matter(store: AssociationStore, gallery: str) -> None:
    chance = random.Random(7)
    owners = {ONE: [A, B, C], TWO: [D, E, F], THREE: [G, H, J]}
    pairs = list(itertools.combinations([one for of in owners.values() for one in of], 2))
    edges = [edge(*pair, chance.randrange(1, 64) / 64) for pair in pairs]
    seen = []
    for order in itertools.permutations(owners):
        name = f"{gallery}-{len(seen)}"
        placed: set[str] = set()
        for video in order:
            placed |= set(owners[video])
            touching = [each for each in edges if {each.first, each.second} <= placed]
            await store.put_video(
                name,
                video,
                owners[video],
                [each for each in touching if {each.first, each.second} & set(owners[video])],
            )
        seen.append(await store.edges_of(name, sorted(placed)))
    assert all(each == seen[0] for each in seen)


async def test_putting_again_replaces(store: AssociationStore, gallery: str) -> None:
    await store.put_video(gallery, ONE, [A, B], [edge(A, B, 0.75)])
    await store.put_video(gallery, TWO, [C], [edge(A, C, 0.5)])
    await store.put_video(gallery, TWO, [C, D], [edge(B, D, 0.5)])
    found = await store.edges_of(gallery, [A, B, C, D])
    assert {one: [end for end, _ in far_ends(one, edges)] for one, edges in found.items()} == {
        A: [B],
        B: [A, D],
        C: [],
        D: [B],
    }


async def test_dropping_a_video_leaves_nothing_of_it(store: AssociationStore, gallery: str) -> None:
    await store.put_video(gallery, ONE, [A, B], [edge(A, B, 0.75)])
    await store.put_video(gallery, TWO, [C], [edge(A, C, 0.5), edge(B, C, 0.5, Modality.BODY)])
    # Known, one appearance, and two edges with two ends each.
    assert await store.count_video(gallery, TWO) == 6
    assert await store.drop_video(gallery, TWO) == 6
    assert await store.count_video(gallery, TWO) == 0
    assert await store.drop_video(gallery, TWO) == 0
    found = await store.edges_of(gallery, [A, B, C])
    assert found == {A: [edge(A, B, 0.75)], B: [edge(A, B, 0.75)]}


async def test_dropping_finds_ends_that_the_video_itself_let_go(store: AssociationStore, gallery: str) -> None:
    await store.put_video(gallery, ONE, [A], [])
    await store.put_video(gallery, TWO, [Z], [edge(A, Z, 0.5)])
    better = [f"{i:032x}" for i in range(3)]
    await store.put_video(gallery, THREE, better, [edge(A, one, 0.75) for one in better])
    found = await store.edges_of(gallery, [A, Z])
    assert Z not in dict(far_ends(A, found[A]))
    assert far_ends(Z, found[Z]) == [(A, 0.5)]
    assert await store.drop_video(gallery, ONE) == 1 + 1 + 3 + 3 + 1
    assert await store.edges_of(gallery, [Z, *better]) == {Z: [], **{one: [] for one in better}}


async def test_dropping_appearances_leaves_their_videos_known(store: AssociationStore, gallery: str) -> None:
    await store.put_video(gallery, ONE, [A, B], [edge(A, B, 0.75)])
    await store.put_video(gallery, TWO, [C, D], [edge(A, C, 0.5), edge(B, C, 0.5, Modality.BODY), edge(B, D, 0.25)])
    # Two appearances, and four edges with two ends each, one of them between the two.
    assert await store.count_appearances(gallery, [B, C, Z]) == 2 + 2 * 4
    assert await store.drop_appearances(gallery, [B, C, Z]) == 2 + 2 * 4
    assert await store.count_appearances(gallery, [B, C, Z]) == 0
    assert await store.drop_appearances(gallery, [B, C, Z]) == 0
    assert await store.edges_of(gallery, [A, B, C, D]) == {A: [], D: []}
    assert await store.known_videos(gallery) == {ONE, TWO}
    assert await store.appearances_of(gallery, TWO) == [D]
    assert await store.drop_appearances(gallery, []) == 0


async def test_dropping_appearances_finds_ends_that_they_let_go(store: AssociationStore, gallery: str) -> None:
    await store.put_video(gallery, ONE, [A], [])
    await store.put_video(gallery, TWO, [Z], [edge(A, Z, 0.5)])
    better = [f"{i:032x}" for i in range(3)]
    await store.put_video(gallery, THREE, better, [edge(A, one, 0.75) for one in better])
    # One appearance, its three edges, the far ends of these, and the end that only Z has kept.
    assert await store.drop_appearances(gallery, [A]) == 1 + 3 + 3 + 1
    assert await store.edges_of(gallery, [Z, *better]) == {Z: [], **{one: [] for one in better}}
    await store.put_video(gallery + ".2", ONE, [A, B], [edge(A, B, 0.75)])
    assert await store.drop_appearances(gallery, [A, B]) == 0
    assert await store.count_appearances(gallery + ".2", [A, B]) == 4


async def test_what_was_kept_of_dropped_appearances_is_not_read_again(store: AssociationStore, gallery: str) -> None:
    await store.put_video(gallery, ONE, [A, B, C], [edge(A, B, 0.75), edge(B, C, 0.5)])
    assert len((await block_of(store, gallery, [A, B, C]))[0].associations()) == 2
    await store.drop_appearances(gallery, [A])
    block, missing = await block_of(store, gallery, [A, B, C])
    assert (block.associations(), missing) == ([edge(B, C, 0.5)], [A])


async def test_galleries_know_nothing_of_each_other(store: AssociationStore, gallery: str) -> None:
    other = gallery + ".2"
    await store.put_video(gallery, ONE, [A, B], [edge(A, B, 0.75)])
    await store.put_video(other, TWO, [C, D], [edge(C, D, 0.75)])
    assert await store.edges_of(other, [A, B]) == {}
    assert await store.known_videos(other) == {TWO}
    assert await store.drop_video(other, ONE) == 0
    assert await store.drop_gallery(gallery) == 1 + 2 + 2
    assert await store.drop_gallery(gallery) == 0
    assert await store.known_videos(gallery) == frozenset()
    assert await store.known_videos(other) == {TWO}


async def test_probabilities_are_exact_to_a_millionth(store: AssociationStore, gallery: str) -> None:
    await store.put_video(gallery, ONE, [A, B], [edge(A, B, 1 / 3)])
    assert (await store.edges_of(gallery, [A]))[A][0].probability == pytest.approx(1 / 3, abs=1e-6)


def each_once(found: Mapping[str, Sequence[Association]]) -> list[Association]:
    edges = {edge for of in found.values() for edge in of}
    return sorted(edges, key=lambda edge: (-edge.probability, edge.first, edge.second, edge.modality))


async def block_of(
    store: AssociationStore,
    gallery: str,
    asked: Sequence[str],
    modalities: Sequence[Modality] = (),
    least: float = 0.0,
) -> tuple[EdgeBlock, list[str]]:
    """What a shelf has of some appearances once it was filled, and of which nothing is known."""
    shelf = await store.shelf(gallery)
    rows = shelf.roster.places(list(dict.fromkeys(asked)))
    missing = await store.fill(gallery, shelf, rows)
    return shelf.block(shelf.roster.ids(rows), wanted_codes(modalities), least), shelf.roster.ids(missing)


@pytest.mark.parametrize("modalities", [(), (Modality.BODY,), (Modality.FACE, Modality.VOICE)])
async def test_a_block_has_the_same_edges(store: AssociationStore, gallery: str, modalities: list[Modality]) -> None:
    chance = random.Random(11)
    # Some share the first half of their id, and one of them half of it with nobody.
    ids = sorted({chance.choice("05f") * 16 + chance.choice("18") * 16 for _ in range(20)} | {A, B, 32 * "0"})
    pairs = list(itertools.combinations(ids, 2))
    edges = [
        edge(*chance.choice(pairs), chance.random(), chance.choice([Modality.FACE, Modality.BODY])) for _ in range(40)
    ]
    await store.put_video(gallery, ONE, ids, edges)
    for asked in ([], [A], [*ids, Z], [ids[0], ids[0], Z, ids[3]]):
        block, missing = await block_of(store, gallery, asked, modalities, 0.25)
        found = each_once(await store.edges_of(gallery, asked, modalities))
        assert block.associations() == [edge for edge in found if edge.probability >= 0.25]
        assert missing == [one for one in [Z] if one in asked]
        assert len(set(block.names)) == len(block.names)
        assert set(asked) - {Z} <= set(block.names)


async def test_a_block_follows_every_change(store: AssociationStore, gallery: str) -> None:
    """Whatever is kept of what was read before."""
    chance = random.Random(13)
    owners = {video: [f"{number}{place:031x}" for place in range(5)] for number, video in enumerate((ONE, TWO, THREE))}
    everybody = [one for of in owners.values() for one in of]
    placed: set[str] = set()
    for step in range(40):
        video = chance.choice(list(owners))
        if video in placed and chance.random() < 0.4:
            await store.drop_video(gallery, video)
            placed.discard(video)
        else:
            placed.add(video)
            ends = [one for other in placed for one in owners[other]]
            pairs = [(chance.choice(owners[video]), chance.choice(ends)) for _ in range(6)]
            edges = [edge(*pair, chance.random()) for pair in pairs if pair[0] != pair[1]]
            await store.put_video(gallery, video, owners[video], edges)
        asked = chance.sample(everybody, 8)
        block, missing = await block_of(store, gallery, asked)
        found = await store.edges_of(gallery, asked)
        assert block.associations() == each_once(found), step
        assert missing == [one for one in asked if one not in found]
    await store.drop_gallery(gallery)
    block, missing = await block_of(store, gallery, everybody)
    assert not len(block)
    assert missing == everybody


async def test_a_shelf_has_the_edges_that_it_was_filled_with(store: AssociationStore, gallery: str) -> None:
    ab, ac = edge(A, B, 0.75), edge(A, C, 0.5, Modality.BODY)
    await store.put_video(gallery, ONE, [A, B, C], [ab, ac])
    shelf = await store.shelf(gallery)
    rows = shelf.roster.places([A, Z, B])
    missing = await store.fill(gallery, shelf, rows)
    assert shelf.roster.ids(missing) == [Z]
    at, counts = shelf.slots(rows)
    assert counts.tolist() == [2, 0, 1]
    far = shelf.roster.ids(shelf.far[at].astype(np.int64))
    assert sorted(zip(far, shelf.probabilities[at].tolist(), strict=True)) == [(A, 0.75), (B, 0.75), (C, 0.5)]
    assert shelf.weakest <= 0.5
    assert await store.appearances_of(gallery, ONE) == [A, B, C]
    assert await store.appearances_of(gallery, TWO) == []
    await store.put_video(gallery, TWO, [D], [edge(A, D, 0.25)])
    after = await store.shelf(gallery)
    assert after is not shelf
    await store.fill(gallery, after, after.roster.places([A]))
    assert after.slots(after.roster.places([A]))[1].tolist() == [3]


async def test_answers(store: AssociationStore) -> None:
    assert await store.ping()


async def test_many_edges_take_a_bounded_space(redis_server_url: str, gallery: str) -> None:
    """32 face edges and 16 of the body take below 1.25 KB an appearance, its id in the video's set included."""
    store = RedisAssociationStore(redis_server_url)
    ids = [uuid.uuid4().hex for _ in range(200)]
    modalities = (Modality.FACE, Modality.BODY)
    edges = [edge(ids[0], one, i / 200, modality) for i, one in enumerate(ids[1:]) for modality in modalities]
    await store.put_video(gallery, ONE, ids, edges)
    assert len((await store.edges_of(gallery, ids[:1]))[ids[0]]) == 32 + 16
    records = await store._redis.memory_usage(f"assoc:{{{gallery}}}:e:{ids[0]}")
    members = await store._redis.memory_usage(f"assoc:{{{gallery}}}:v:{ONE}", samples=0)
    assert records is not None
    assert members is not None
    assert records + members / len(ids) < 1280
    await store.drop_gallery(gallery)
    await store.aclose()


@pytest.mark.parametrize("wrong", ["", "a", 31 * "a", 34 * "a", 32 * "x"])
async def test_ids_that_are_no_ids_are_refused(redis_server_url: str, gallery: str, wrong: str) -> None:
    store = RedisAssociationStore(redis_server_url)
    with pytest.raises(ValueError):
        await store.put_video(gallery, ONE, [A], [edge(A, wrong, 0.5)])
    assert await store.known_videos(gallery) == frozenset()
    await store.aclose()


async def test_says_when_redis_is_not_there() -> None:
    store = RedisAssociationStore("unix:///nonexistent/redis.sock", timeout_s=0.2)
    assert not await store.ping()
    with pytest.raises(BackendUnavailableError, match="redis"):
        await store.known_videos("town")
    await store.aclose()


async def test_a_broken_connection_is_made_anew(embedded_redis_url: str, gallery: str) -> None:
    store = RedisAssociationStore(embedded_redis_url)
    ab = edge(A, B, 0.75)
    await store.put_video(gallery, ONE, [A, B], [ab])
    for _ in range(2):
        block, _missing = await block_of(store, gallery, [A])
        assert block.associations() == [ab]
        other = RedisAssociationStore(embedded_redis_url)
        await other._redis.client_kill_filter(_type="normal", skipme=True)
        await other.aclose()
    await store.drop_gallery(gallery)
    await store.aclose()
