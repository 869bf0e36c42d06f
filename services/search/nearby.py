"""Faces and voices that queries were compared with, kept close by: reading a thousand from the index takes 0.1 s.

A query is compared with everybody around what it reaches, to know who is somebody else, and next queries of a gallery
meet many of the same. So what was read is kept in this process, up to a number of bytes, the oldest going first; and
that an appearance has none is kept too. It is biometric data: every so often all of it is checked against the videos
of the index, and what is of a video that is gone, or was ingested anew, is dropped; so is all when that cannot be done.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from packs.arrays import F32, F64, I64, Bool
from packs.spec import Modality
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import EmbeddingRow, Video, VideoState
from services.runtime.errors import DomainError

__all__ = ["Near", "NearVectors"]

_UNKNOWN, _NONE = -2, -1
_FLOAT_BYTES = 4


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


class _Pool:
    """The embeddings of one modality, in slots that are used again, the oldest first."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._next = 0
        self.vectors: F32 = np.empty((0, 0), dtype=np.float32)
        self.qualities: F64 = np.empty(0)
        # Of each slot its gallery, appearance, video and generation.
        self.rows: list[tuple[str, str, str, int] | None] = []
        self.places: defaultdict[str, dict[str, int]] = defaultdict(dict)

    def capacity(self, dimension: int) -> int:
        return max(1, self._room // (_FLOAT_BYTES * dimension))

    def put(self, row: EmbeddingRow) -> None:
        slot = self.places[row.gallery].get(row.appearance_id, _UNKNOWN)
        if slot < 0:
            slot = self._oldest(len(row.vector))
            self.free(slot)
        self.vectors[slot], self.qualities[slot] = row.vector, row.quality
        self.rows[slot] = (row.gallery, row.appearance_id, row.video_id, row.generation)
        self.places[row.gallery][row.appearance_id] = slot

    def free(self, slot: int) -> None:
        old = self.rows[slot]
        if old is not None and self.places[old[0]].get(old[1]) == slot:
            del self.places[old[0]][old[1]]
        self.rows[slot] = None
        self.vectors[slot] = 0.0

    def _oldest(self, dimension: int) -> int:
        if self._next >= len(self.rows) and len(self.rows) < self.capacity(dimension):
            self._grow(min(self.capacity(dimension), max(1024, 2 * len(self.rows))), dimension)
        slot = self._next % len(self.rows)
        self._next = slot + 1
        return slot

    def _grow(self, size: int, dimension: int) -> None:
        vectors, qualities = np.zeros((size, dimension), dtype=np.float32), np.zeros(size)
        if len(self.rows):
            vectors[: len(self.rows)], qualities[: len(self.rows)] = self.vectors, self.qualities
        self.rows += [None] * (size - len(self.rows))
        self.vectors, self.qualities = vectors, qualities


class NearVectors:
    """Reads embeddings, and keeps them.

    Args:
        index: Where they are.
        room_bytes: For each modality.
        recheck_s: How long what is kept may be of a video that is gone.
    """

    def __init__(self, index: VectorIndex, room_bytes: int, recheck_s: float) -> None:
        self._index, self._room, self._recheck_s = index, room_bytes, recheck_s
        self._pools: dict[Modality, _Pool] = {}
        self._videos: dict[str, Mapping[str, int]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._checking: asyncio.Task[None] | None = None
        self._checked = asyncio.Event()

    @property
    def count(self) -> int:
        """How many embeddings are kept."""
        return sum(row is not None for pool in self._pools.values() for row in pool.rows)

    async def of(self, modality: Modality, gallery: str, appearance_ids: Sequence[str]) -> Near:
        """The embeddings of some appearances of one modality. Raises what the index does."""
        pool = self._pools.setdefault(modality, _Pool(self._room))
        places, count = pool.places[gallery], len(appearance_ids)
        at = np.fromiter((places.get(one, _UNKNOWN) for one in appearance_ids), np.int64, count)
        # What is here is taken before anything is waited for, and so before it may be put out.
        near = _taken(pool, at)
        unknown = np.flatnonzero(at == _UNKNOWN).tolist()
        if not unknown:
            return near
        rows = await self._index.get_embeddings(modality, gallery, [appearance_ids[one] for one in unknown])
        near = _filled(near, appearance_ids, unknown, rows)
        for one in unknown:
            row = rows.get(appearance_ids[one])
            if row is not None:
                pool.put(row)
            else:
                places[appearance_ids[one]] = _NONE
        self._check_later()
        return near

    async def check(self) -> None:
        """Drop what is of videos that are gone or were ingested anew."""
        for gallery in {gallery for pool in self._pools.values() for gallery in pool.places}:
            try:
                videos = {video.video_id: video.generation for video in await self._ready(gallery)}
            except DomainError:
                videos = {}
            for pool in self._pools.values():
                self._drop(pool, gallery, videos)
            self._videos[gallery] = videos

    async def aclose(self) -> None:
        """Stop, and forget everything."""
        if self._timer is not None:
            self._timer.cancel()
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.gather(self._checking, return_exceptions=True)
        self._pools.clear()

    async def _ready(self, gallery: str) -> Sequence[Video]:
        return [one for one in await self._index.list_videos(gallery) if one.state is not VideoState.DELETING]

    def _drop(self, pool: _Pool, gallery: str, videos: Mapping[str, int]) -> None:
        places = pool.places.get(gallery, {})
        if videos != self._videos.get(gallery):
            # Who had none may have one now.
            for one in [one for one, slot in places.items() if slot == _NONE]:
                del places[one]
        for slot in [slot for slot in places.values() if slot >= 0]:
            row = pool.rows[slot]
            if row is not None and videos.get(row[2]) != row[3]:
                pool.free(slot)
        if not places:
            pool.places.pop(gallery, None)

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


def _taken(pool: _Pool, at: I64) -> Near:
    there = at >= 0
    if not there.any():
        return Near(np.zeros((len(at), pool.vectors.shape[1]), np.float32), np.zeros(len(at)), there)
    # A place of none is -1: the last slot, which is masked.
    vectors, qualities = pool.vectors[np.maximum(at, 0)], pool.qualities[np.maximum(at, 0)]
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
