"""A reindex on the fakes, with real networks: complete, cut off anywhere, beside ingests and deletions, and back."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

import numpy as np
import pytest

from packs.spec import Modality
from services.backends.index.live import is_live
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import Association, Place, Scope, VideoState
from services.ingest.associations import Dropped
from services.ingest.deletion import Deletion, Receipt
from services.ingest.identifiers import SHUT_KEY, lease_name
from services.reindex import mover as mover_module
from services.reindex.difference import compare
from services.reindex.testing import GALLERY, LEASE, MAKES, Town, one_id, video_id
from services.reindex.tidy import IncompleteCopyError, tidy
from services.reindex.ways import Way

ALL = Scope(GALLERY)


class NoEdges:
    """Associations of which there are none."""

    async def associate_video(self, gallery: str, video_id: str) -> int:
        return 0

    async def drop_video(self, gallery: str, video_id: str) -> Dropped:
        return Dropped(0, 0)


class Killed(BaseException):
    """Ends a run at once, as a kill does: nothing in it is caught or put right."""


async def vectors(index: VectorIndex, modality: Modality) -> dict[str, np.ndarray]:
    return {row.appearance_id: row.vector for row in await index.list_embeddings(modality, ALL)}


async def assert_complete(town: Town) -> None:
    """The new pack has all appearances of the old one, each embedding once, and each is its own network's."""
    source, target = town.old.index, town.new.index
    rows = await source.list_appearances(ALL)
    for modality in (None, *MAKES):
        assert await target.list_places(modality, ALL) == await source.list_places(modality, ALL)
    expected = await town.new.pictures(town.media).embed(rows)
    for modality in MAKES:
        found = await vectors(target, modality)
        assert found.keys() == expected[modality].keys()
        for one, vector in found.items():
            np.testing.assert_allclose(vector, expected[modality][one].vector, atol=1e-5)
    assert {row.appearance_id: row.boxes for row in await target.list_appearances(ALL)} == {
        row.appearance_id: row.boxes for row in rows
    }


async def test_all_is_brought_over_and_the_old_pack_is_left_as_it_was(town: Town) -> None:
    for number, count in enumerate((5, 0, 9)):
        await town.add_video(number, count)
    before = await vectors(town.old.index, Modality.FACE)
    totals = await town.reindexer().run()
    assert (totals.appearances, totals.removed, totals.lost) == (14, 0, Counter())
    await assert_complete(town)
    after = await vectors(town.old.index, Modality.FACE)
    assert all(np.array_equal(before[one], after[one]) for one in before)
    new = await vectors(town.new.index, Modality.FACE)
    assert max(float(before[one] @ new[one]) for one in before) < 0.999
    assert await is_live(town.old.index)


async def test_a_second_run_finds_nothing_to_do(town: Town) -> None:
    await town.add_video(1, 4)
    await town.reindexer().run()
    assert (await town.reindexer("again").run()).appearances == 0


@pytest.mark.parametrize("after", range(1, 9))
async def test_cut_off_anywhere_it_is_finished_by_the_next_run(
    town: Town, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off before each of the first writes: between embeddings of two modalities, and before the appearances."""
    monkeypatch.setattr(mover_module, "BATCH", 4)
    await town.add_video(1, 10)
    left = after

    def mortal(method):
        async def write(*arguments):
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed
            await method(*arguments)

        return write

    with monkeypatch.context() as patch:
        patch.setattr(town.new.index, "put_embeddings", mortal(town.new.index.put_embeddings))
        patch.setattr(town.new.index, "put_appearances", mortal(town.new.index.put_appearances))
        with pytest.raises(Killed):
            await town.reindexer("first").run()
    assert len(await town.new.index.list_places(None, ALL)) == 4 * ((after - 1) // 3)
    await town.reindexer("second").run()
    await assert_complete(town)


async def test_a_lease_of_a_killed_run_is_waited_for(town: Town) -> None:
    video = await town.add_video(1, 3)
    await town.ephemeral.acquire_lease(lease_name(video.video_id), "the dead", 0.7)
    await town.reindexer().run()
    assert town.watcher.waits == ["others work on them"] * len(town.watcher.waits)
    assert town.watcher.waits
    await assert_complete(town)


async def test_embeddings_of_nobody_and_halves_are_put_right(town: Town) -> None:
    video = await town.add_video(1, 6)
    await town.reindexer().run()
    scope = Scope(GALLERY, (video.video_id,))
    one, other = one_id(video.video_id, 0), one_id(video.video_id, 1)
    # What kills leave: embeddings without their appearance; and what no kill leaves: an appearance without them.
    await town.new.index.delete_appearances(GALLERY, [one])
    await town.new.index.delete_embeddings(Modality.BODY, GALLERY, [other])
    assert await tidy(town.new.index, scope) == [other]
    assert len(await town.new.index.list_places(Modality.FACE, ALL)) == 4
    await town.reindexer("again").run()
    await assert_complete(town)


async def test_what_cannot_be_put_right_is_an_error(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    await town.add_video(1, 3)

    async def lost(modality: Modality, rows: object) -> None:
        """A write that the index takes and forgets."""

    monkeypatch.setattr(town.new.index, "put_embeddings", lost)
    with pytest.raises(IncompleteCopyError, match="3 appearances"):
        await town.reindexer().run()


async def test_what_was_ingested_meanwhile_ends_in_both(town: Town) -> None:
    await town.add_video(1, 6)
    added = []

    def ingest(total: int) -> None:
        if not added:
            added.append(asyncio.ensure_future(town.add_video(2, 5)))

    town.watcher.on_written = ingest
    reindexer = town.reindexer()
    await reindexer.run()
    await asyncio.gather(*added)
    await reindexer.cut_over()
    await assert_complete(town)
    assert {place.video_id for place in await town.new.index.list_places(None, ALL)} == {video_id(1), video_id(2)}


async def test_videos_that_are_not_ready_are_left_alone(town: Town) -> None:
    await town.add_video(1, 2)
    await town.add_video(2, 2, VideoState.FAILED)
    await town.reindexer().run()
    assert {place.video_id for place in await town.new.index.list_places(None, ALL)} == {video_id(1)}


async def test_what_is_deleted_meanwhile_is_gone_from_both(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deletion asks for the lease, the reindex lets go between two batches, and nothing is written afterwards."""
    monkeypatch.setattr(mover_module, "BATCH", 2)
    doomed = await town.add_video(1, 8)
    await town.add_video(2, 3)
    deletion = Deletion(
        index=town.old.index,
        media=town.media,
        associations=NoEdges(),
        ephemeral=town.ephemeral,
        lease=LEASE,
        stop_wait_s=5.0,
        logger=logging.getLogger(__name__),
    )
    deleting: list[asyncio.Future[list[Receipt]]] = []

    def begin(total: int) -> None:
        if not deleting:
            deleting.append(asyncio.ensure_future(deletion.delete(GALLERY, doomed.video_id)))

    town.watcher.on_written = begin
    await town.reindexer().run()
    receipts = {receipt.store: receipt for receipt in await deleting[0]}
    # Eight appearances with two embeddings each and the video itself, and what was already brought over.
    assert receipts["index"].deleted > 8 * 3 + 1
    assert [receipt.remaining for receipt in receipts.values()] == [0, 0, 0]
    assert await town.new.index.count_video(GALLERY, doomed.video_id) == 0
    await assert_complete(town)
    assert len(await town.new.index.list_places(None, ALL)) == 3


async def test_a_write_that_crossed_a_deletion_is_swept(town: Town) -> None:
    """A process that slept through its lease may write after the deletion has looked."""
    ghost = await town.add_video(1, 2)
    await town.reindexer().run()
    rows = await town.new.index.list_embeddings(Modality.FACE, ALL)
    await town.old.index.erase_video(GALLERY, ghost.video_id)
    await town.new.index.put_embeddings(Modality.FACE, rows)
    await town.add_video(2, 2)
    assert (await town.reindexer("again").run()).removed == 2
    assert await town.new.index.count_video(GALLERY, ghost.video_id) == 0


async def test_a_film_that_is_deleted_and_ingested_again_is_brought_over_again(town: Town) -> None:
    await town.add_video(1, 2)
    reindexer = town.reindexer()
    await reindexer.run()
    await town.old.index.erase_video(GALLERY, video_id(1))
    again = await town.add_video(1, 3)
    await town.old.index.put_video(again.with_changes(created_at=99.0))
    await reindexer.run()
    await assert_complete(town)


async def test_cut_over_waits_for_ingests_and_shuts_the_gate(town: Town) -> None:
    await town.add_video(1, 2)
    under_way = await town.add_video(2, 2, VideoState.INGESTING)
    await town.ephemeral.acquire_lease(lease_name(under_way.video_id), "worker", 60.0)
    reindexer = town.reindexer()
    cutting = asyncio.ensure_future(reindexer.cut_over())
    await town.watcher.waited.wait()
    assert town.watcher.waits[0] == "their ingest is under way"
    assert await town.ephemeral.get(SHUT_KEY) is not None
    assert await is_live(town.old.index)
    await town.old.index.put_video(under_way.with_changes(state=VideoState.READY))
    await town.ephemeral.release_lease(lease_name(under_way.video_id), "worker")
    await cutting
    assert await is_live(town.new.index)
    assert await town.ephemeral.get(SHUT_KEY) is None
    await assert_complete(town)


async def test_cut_over_forgets_the_edges_of_the_old_pack(town: Town) -> None:
    video = await town.add_video(1, 2)
    ids = [one_id(video.video_id, number) for number in range(2)]
    edge = Association(min(ids), max(ids), Modality.FACE, 0.9)
    await town.associations.put_video(GALLERY, video.video_id, ids, [edge])
    await town.reindexer().cut_over()
    assert await town.associations.known_videos(GALLERY) == frozenset()


async def test_nothing_is_cut_over_that_is_not_complete(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    await town.add_video(1, 3)
    reindexer = town.reindexer()
    await reindexer.run()
    monkeypatch.setattr("services.reindex.run.PAUSE_S", 0.01)
    await town.new.index.delete_appearances(GALLERY, [one_id(video_id(1), 0)])
    with pytest.raises(IncompleteCopyError, match="1 appearances are missing"):
        await reindexer.check()
    with pytest.raises(IncompleteCopyError):
        await reindexer.cut_over()
    assert await is_live(town.old.index)


async def test_back_brings_over_what_came_since(town: Town) -> None:
    await town.add_video(1, 3)
    await town.reindexer().cut_over()
    assert await town.new.index.previous_pack() == town.old.index.pack_key
    turned = town.turned()
    await turned.add_video(2, 4)
    back = turned.reindexer()
    assert (await back.run()).appearances == 4
    await back.cut_over()
    assert await is_live(town.old.index)
    await assert_complete(turned)


async def test_the_same_network_is_not_asked_again(town: Town) -> None:
    await town.add_video(1, 3)
    ways = {Modality.FACE: Way.COPY, Modality.BODY: Way.KEY_FRAME}
    await town.reindexer(ways=ways).run()
    old, new = await vectors(town.old.index, Modality.FACE), await vectors(town.new.index, Modality.FACE)
    assert all(np.array_equal(old[one], new[one]) for one in old)


async def test_what_is_lost_is_counted_and_the_appearance_stays(town: Town) -> None:
    video = await town.add_video(1, 3)
    await town.media.delete_prefix(f"{GALLERY}/{video.video_id}")
    totals = await town.reindexer().run()
    assert totals.lost == {Modality.FACE: 3, Modality.BODY: 3}
    assert len(await town.new.index.list_places(None, ALL)) == 3
    assert all(row.modalities == () for row in await town.new.index.list_appearances(ALL))
    assert await town.new.index.list_places(Modality.FACE, ALL) == []


async def test_the_difference_is_none_to_itself_and_some_to_another(town: Town) -> None:
    await town.add_video(1, 30)
    await town.reindexer().run()
    same = await compare(town.old.index, town.old.index)
    assert same.modalities[Modality.FACE].overlap == 1.0
    other = await compare(town.old.index, town.new.index, sample=20)
    face = other.modalities[Modality.FACE]
    assert (other.old_appearances, other.new_appearances, face.old, face.new, face.sampled) == (30, 30, 30, 30, 20)
    assert face.overlap is not None
    assert 0.2 < face.overlap < 1.0
    assert Modality.VOICE not in other.modalities


async def test_the_difference_of_nothing(town: Town) -> None:
    found = await compare(town.old.index, town.new.index)
    assert (found.old_appearances, found.new_appearances, found.modalities) == (0, 0, {})
    assert await town.new.index.list_places(None, ALL) == list[Place]()
