"""Galleries are read behind the back of queries: all of them, once they are left alone, as far as there is room."""

from __future__ import annotations

import pytest

from packs.spec import Modality
from services.association.meaning import Meaning
from services.association.preparing import Preparer
from services.association.settings import LinkingSettings
from services.backends.associations.fake import FakeAssociationStore
from services.backends.associations.mirror import Shelf
from services.backends.schemas import Association
from services.runtime.errors import BackendUnavailableError

TOWN = "town"
VIDEOS = {"one": ["a", "b"], "two": ["c"], "three": ["d", "e"]}
AT_ONCE = LinkingSettings(mirror_pause_s=0.0, mirror_settle_s=0.0)


class KeptStore(FakeAssociationStore):
    """Keeps a shelf until it is told that something changed."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = Shelf(b"1")
        self.room = True
        self.change_after = -1
        self.filled = 0
        self.broken = False

    async def shelf(self, gallery):
        if self.broken:
            raise BackendUnavailableError("redis", "gone")
        return self.kept

    def has_room(self, shelf):
        return self.room

    async def fill(self, gallery, shelf, rows):
        self.filled += 1
        if self.filled == self.change_after:
            self.kept = Shelf(b"2", self.kept.roster)
        return await super().fill(gallery, shelf, rows)


@pytest.fixture
async def store() -> KeptStore:
    made = KeptStore()
    edges = [Association("a", "c", Modality.FACE, 0.75), Association("b", "e", Modality.BODY, 0.5)]
    for video, names in VIDEOS.items():
        await made.put_video(TOWN, video, names, [edge for edge in edges if edge.second in names])
    return made


def preparer_of(store: KeptStore, settings: LinkingSettings = AT_ONCE) -> Preparer:
    async def current(gallery: str) -> Meaning:
        shelf = await store.shelf(gallery)
        if not isinstance(shelf.beside, Meaning):
            shelf.beside = Meaning(shelf, None, None)
        return shelf.beside

    return Preparer(store, current, settings)


def lacking(store: KeptStore) -> list[str]:
    shelf = store.kept
    return shelf.roster.ids(shelf.lacking(shelf.roster.places([one for names in VIDEOS.values() for one in names])))


async def test_all_of_a_gallery_is_read(store: KeptStore) -> None:
    assert len(lacking(store)) == 5
    await preparer_of(store).prepare(TOWN)
    assert lacking(store) == []
    assert store.filled == len(VIDEOS)
    assert isinstance(store.kept.beside, Meaning)
    assert store.kept.beside.prepared


async def test_what_changes_meanwhile_is_read_anew(store: KeptStore) -> None:
    first, store.change_after = store.kept, 2
    await preparer_of(store).prepare(TOWN)
    assert store.kept is not first
    assert lacking(store) == []
    assert store.filled == 2 + len(VIDEOS)


async def test_it_stops_where_there_is_no_room(store: KeptStore) -> None:
    store.room = False
    await preparer_of(store).prepare(TOWN)
    assert len(lacking(store)) == 5
    assert isinstance(store.kept.beside, Meaning)
    assert store.kept.beside.prepared


async def test_queries_have_it_done_once_and_only_when_it_was_left_alone(store: KeptStore) -> None:
    meaning = store.kept.beside = Meaning(store.kept, None, None)
    waiting = preparer_of(store, LinkingSettings(mirror_settle_s=1e6))
    waiting.later(TOWN, meaning)
    assert not waiting._running
    preparer = preparer_of(store)
    for _ in range(2):
        preparer.later(TOWN, meaning)
    await preparer._running[TOWN]
    assert lacking(store) == []
    assert store.filled == len(VIDEOS)
    preparer.later(TOWN, meaning)
    assert not preparer._running
    preparer.later(TOWN, Meaning(Shelf(b"", kept=False), None, None))
    assert not preparer._running
    await preparer.aclose()


async def test_a_cache_that_does_not_answer_is_tried_again(store: KeptStore) -> None:
    meaning, preparer, store.broken = Meaning(store.kept, None, None), preparer_of(store), True
    preparer.later(TOWN, meaning)
    await preparer._running[TOWN]
    assert not preparer._running
    assert not meaning.prepared
    store.broken = False
    preparer.later(TOWN, meaning)
    assert TOWN in preparer._running
    await preparer.aclose()
