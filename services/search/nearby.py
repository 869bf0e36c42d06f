"""Faces and voices that queries were compared with, kept close by: reading a thousand from the index takes 0.1 s.

A query is compared with everybody around what it reaches, to know who is somebody else, and next queries of a gallery
meet many of the same. So what was read is kept in this process, up to a number of bytes, the oldest going first; and
that an appearance has none is kept too. It is biometric data: every so often all of it is checked against the videos
of the index, and what is of a video that is gone, or was ingested anew, is dropped; so is all when that cannot be done.
Of a video that has fewer appearances than before somebody was erased: it is asked who is left.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from packs.arrays import F32, F64, I64, Bool
from packs.spec import Modality
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import EmbeddingRow, Place, Scope, Video, VideoState
from services.runtime.chunks import chunks_of
from services.runtime.errors import DomainError
from services.runtime.tasks import end_tasks
from services.search.pools import NONE, SILENT, UNKNOWN, Pool

__all__ = ["Near", "NearVectors"]

# Videos whose appearances are listed at once, for which the index takes its time; and whose embeddings are read at
# once, since queries have to wait until these are unpacked.
_VIDEOS_LISTED, _VIDEOS_READ = 64, 4


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Embeddings of N appearances.

    Attributes:
        vectors: float32[N, D], L2-normalised; 0 where there is none.
        qualities: float64[N], in [0, 1]; 0 where there is none.
        there: bool[N], whether there is one.
    """

    vectors: F32
    qualities: F64
    there: Bool


_Key = tuple[Modality, str]


@dataclass(frozen=True, slots=True)
class _Whole:
    """A video of which all is here: its generation, and who in it has no embedding."""

    generation: int
    silent: tuple[str, ...]


class NearVectors:
    """Reads embeddings, and keeps them.

    Args:
        index: Where they are.
        room_bytes: For each modality.
        recheck_s: How long what is kept may be of a video that is gone.
        pause_s: What lies between two reads of a gallery's videos, when all that there is room for is read behind the
            first query's back; None reads what is asked for, and no more.
    """

    def __init__(self, index: VectorIndex, room_bytes: int, recheck_s: float, pause_s: float | None = None) -> None:
        self._index, self._room, self._recheck_s, self._pause_s = index, room_bytes, recheck_s, pause_s
        # The videos of which all is here, and whether that is so of all for which there was room.
        self._whole: defaultdict[_Key, dict[str, _Whole]] = defaultdict(dict)
        self._filled: set[_Key] = set()
        self._filling: dict[_Key, asyncio.Task[None]] = {}
        self._pools: dict[Modality, Pool] = {}
        self._videos: dict[str, Mapping[str, int]] = {}
        # How many appearances a video had when those of it that are kept were last found to be there.
        self._counts: dict[_Key, Mapping[str, int]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._checking: asyncio.Task[None] | None = None
        self._checked = asyncio.Event()

    @property
    def count(self) -> int:
        """How many embeddings are kept."""
        return sum(row is not None for pool in self._pools.values() for row in pool.rows)

    async def of(self, modality: Modality, gallery: str, appearance_ids: Sequence[str]) -> Near:
        """The embeddings of some appearances of one modality. Raises what the index does."""
        pool = self._pools.setdefault(modality, Pool(self._room))
        at = pool.slots(gallery, appearance_ids)
        self._fill_later(modality, gallery)
        # What is here is taken before anything is waited for, and so before it may be put out.
        near = _taken(pool, at)
        unknown = np.flatnonzero(at == UNKNOWN).tolist()
        if not unknown:
            return near
        rows = await self._index.get_embeddings(modality, gallery, [appearance_ids[one] for one in unknown])
        near = _filled(near, appearance_ids, unknown, rows)
        for one in unknown:
            row = rows.get(appearance_ids[one])
            if row is not None:
                pool.put(row)
            else:
                pool.mark(gallery, appearance_ids[one], NONE)
        self._check_later()
        return near

    async def fill(self, modality: Modality, gallery: str) -> None:
        """Read all that is not here yet of a gallery's videos, as far as there is room. Raises what the index does."""
        pool, whole = self._pools.setdefault(modality, Pool(self._room)), self._whole[modality, gallery]
        videos = [one for one in await self._ready(gallery) if one.video_id not in whole]
        for some in chunks_of(videos, _VIDEOS_LISTED):
            scope = Scope(gallery, tuple(video.video_id for video in some))
            everybody: dict[str, list[Place]] = defaultdict(list)
            for place in await self._index.list_places(None, scope):
                everybody[place.video_id].append(place)
            for part in chunks_of(some, _VIDEOS_READ):
                scope = Scope(gallery, tuple(video.video_id for video in part))
                rows = await self._index.list_embeddings(modality, scope)
                if rows and not pool.has_room(len(rows[0].vector), len(rows)):
                    self._filled.add((modality, gallery))
                    return
                _take(pool, gallery, whole, {video.video_id: video for video in part}, everybody, rows)
                self._check_later()
                await asyncio.sleep(self._pause_s or 0.0)
        self._filled.add((modality, gallery))

    async def check(self) -> None:
        """Drop what is of videos that are gone or were ingested anew, and of people who were erased."""
        for gallery in {gallery for pool in self._pools.values() for gallery in pool.places}:
            try:
                ready = await self._ready(gallery)
                for modality, pool in list(self._pools.items()):
                    await self._drop_erased(modality, pool, gallery, ready)
            except DomainError:
                ready = []
            videos = {video.video_id: video.generation for video in ready}
            for modality, pool in self._pools.items():
                self._drop(modality, pool, gallery, videos)
            self._videos[gallery] = videos

    async def aclose(self) -> None:
        """Stop, and forget everything."""
        if self._timer is not None:
            self._timer.cancel()
        if self._checking is not None:
            await end_tasks([self._checking])
        await end_tasks(self._filling.values())
        self._pools.clear()

    async def _ready(self, gallery: str) -> Sequence[Video]:
        return [one for one in await self._index.list_videos(gallery) if one.state is not VideoState.DELETING]

    async def _drop_erased(self, modality: Modality, pool: Pool, gallery: str, videos: Sequence[Video]) -> None:
        """Ask who is left of the videos whose count is another than it was, or was never looked at."""
        here, before = pool.videos(gallery), self._counts.get((modality, gallery), {})
        counts = {one.video_id: one.appearance_count for one in videos if one.video_id in here}
        doubtful = [one for one in videos if one.video_id in here and before.get(one.video_id) != counts[one.video_id]]
        left: set[str] = set()
        for part in chunks_of(doubtful, _VIDEOS_LISTED):
            scope = Scope(gallery, tuple(video.video_id for video in part))
            left.update(place.appearance_id for place in await self._index.list_places(modality, scope))
        pool.keep_only(gallery, {video.video_id for video in doubtful}, left)
        self._counts[modality, gallery] = counts

    def _drop(self, modality: Modality, pool: Pool, gallery: str, videos: Mapping[str, int]) -> None:
        places, whole = pool.places.get(gallery, {}), self._whole[modality, gallery]
        if videos != self._videos.get(gallery):
            # Who had none may have one now.
            changed = [name for name, one in whole.items() if videos.get(name) != one.generation]
            silent = [one for name in changed for one in whole.pop(name).silent]
            for one in [*silent, *(one for one, slot in places.items() if slot == NONE)]:
                if places.get(one, 0) < 0:
                    pool.forget(gallery, one)
            self._filled.discard((modality, gallery))
        for slot in [slot for slot in places.values() if slot >= 0]:
            row = pool.rows[slot]
            if row is not None and videos.get(row[2]) != row[3]:
                pool.free(slot)
        if not places:
            pool.places.pop(gallery, None)

    def _fill_later(self, modality: Modality, gallery: str) -> None:
        key = modality, gallery
        if self._pause_s is not None and key not in self._filled and key not in self._filling:
            self._filling[key] = asyncio.get_running_loop().create_task(self._fill(modality, gallery))

    async def _fill(self, modality: Modality, gallery: str) -> None:
        # Where it fails, what is asked for is read all the same, and the next query tries again.
        with contextlib.suppress(DomainError):
            await self.fill(modality, gallery)
        self._filling.pop((modality, gallery), None)

    def _check_later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._recheck_s, self._check_now)

    def _check_now(self) -> None:
        self._checking = asyncio.get_running_loop().create_task(self._check())

    async def _check(self) -> None:
        try:
            await self.check()
        finally:
            self._timer = None
            self._checked.set()
            if any(pool.places for pool in self._pools.values()):
                self._check_later()


def _take(
    pool: Pool,
    gallery: str,
    whole: dict[str, _Whole],
    videos: Mapping[str, Video],
    everybody: Mapping[str, Sequence[Place]],
    rows: Sequence[EmbeddingRow],
) -> None:
    """Keep all of some videos, and who in them has no embedding."""
    places = pool.places[gallery]
    for row in rows:
        if row.generation == videos[row.video_id].generation and places.get(row.appearance_id, UNKNOWN) < 0:
            pool.put(row)
    for name, video in videos.items():
        mine = (one.appearance_id for one in everybody.get(name, ()) if one.generation == video.generation)
        silent = tuple(one for one in mine if places.get(one, UNKNOWN) < 0)
        for one in silent:
            pool.mark(gallery, one, SILENT)
        whole[name] = _Whole(video.generation, silent)


def _taken(pool: Pool, at: I64) -> Near:
    there = at >= 0
    if not there.any():
        return Near(np.zeros((len(at), pool.vectors.shape[1]), np.float32), np.zeros(len(at)), there)
    # What stands for no slot is below 0: there the first is taken, and masked.
    slots = np.maximum(at, 0)
    vectors, qualities = pool.vectors.take(slots, axis=0), pool.qualities.take(slots)
    if not there.all():
        vectors[~there], qualities[~there] = 0.0, 0.0
    return Near(vectors, qualities, there)


def _filled(near: Near, ids: Sequence[str], unknown: Sequence[int], rows: Mapping[str, EmbeddingRow]) -> Near:
    found = [(one, rows[ids[one]]) for one in unknown if ids[one] in rows]
    if not found:
        return near
    vectors = near.vectors
    if not vectors.shape[1]:
        vectors = np.zeros((len(ids), len(found[0][1].vector)), dtype=np.float32)
    at = np.array([one for one, _ in found])
    vectors[at] = np.stack([row.vector for _, row in found])
    near.qualities[at] = [row.quality for _, row in found]
    near.there[at] = True
    return Near(vectors, near.qualities, near.there)
