"""Edges that were read from the cache, kept in the process as arrays: reading and naming them is most of an expansion.

Every change of a gallery's edges gives it another stamp in Redis. What was read under one stamp is put on one shelf,
and a read that meets another stamp begins an empty one. A shelf numbers the appearances that it met; an edge takes nine
bytes. It is a copy of a cache: without it, or when there is no room for more, the same edges come from Redis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from packs.arrays import F32, I32, I64, U8, Bool
from services.backends.associations.blocks import EdgeBlock, places_of

__all__ = ["EdgeMirror", "Shelf"]

_EDGE_BYTES = 4 + 1 + 4
# Of an appearance: its id twice (in the list and the table), and where its edges are.
_NAME_BYTES = 250


Column = TypeVar("Column", I64, I32, U8, F32)


class Shelf:
    """The edges of one gallery that were read under one stamp."""

    def __init__(self, stamp: bytes) -> None:
        self.stamp = stamp
        self._rows: dict[str, int] = {}
        self._names: list[str] = []
        # By row: where its edges begin, and how many there are; -1 for those that were not read.
        self._starts: I64 = np.zeros(0, dtype=np.int64)
        self._counts: I64 = np.zeros(0, dtype=np.int64)
        self._used = 0
        self._far: I32 = np.zeros(0, dtype=np.int32)
        self._codes: U8 = np.zeros(0, dtype=np.uint8)
        self._probabilities: F32 = np.zeros(0, dtype=np.float32)

    @property
    def size(self) -> int:
        """Bytes, about."""
        return _EDGE_BYTES * len(self._far) + _NAME_BYTES * len(self._names)

    def unread(self, appearance_ids: Sequence[str]) -> list[str]:
        """Those of some appearances whose edges are not here."""
        rows = [self._rows.get(one, -1) for one in appearance_ids]
        counts = self._counts
        return [one for one, row in zip(appearance_ids, rows, strict=True) if row < 0 or counts[row] < 0]

    def learn(self, appearance_ids: Sequence[str], sizes: Sequence[int], block: EdgeBlock) -> None:
        """Take the edges of some appearances.

        Args:
            appearance_ids: Which.
            sizes: How many edges each has.
            block: All of them, those of the first appearance first; `one` is the appearance.
        """
        before = len(self._names)
        places = places_of(block.names, self._rows)
        self._names += [block.names[at] for at in np.flatnonzero(places >= before).tolist()]
        end = self._used + len(block)
        self._starts, self._counts = _grown(self._starts, len(self._rows), 0), _grown(self._counts, len(self._rows), -1)
        self._far = _grown(self._far, end, 0)
        self._codes, self._probabilities = _grown(self._codes, end, 0), _grown(self._probabilities, end, 0)
        self._far[self._used : end] = places[block.other]
        self._codes[self._used : end] = block.codes
        self._probabilities[self._used : end] = block.probabilities
        own = places_of(appearance_ids, self._rows)
        counts = np.array(sizes, dtype=np.int64)
        self._starts[own] = self._used + np.cumsum(counts) - counts
        self._counts[own] = counts
        self._used = end

    def block(self, appearance_ids: Sequence[str], wanted: Bool, least: float) -> EdgeBlock:
        """The edges of some appearances, of the wanted modalities, bool[256] by code, and of at least a probability."""
        known = [row for one in appearance_ids if (row := self._rows.get(one)) is not None]
        asked = np.array(known, dtype=np.int64)
        counts = np.maximum(self._counts[asked], 0)
        ends = np.cumsum(counts)
        at = np.repeat(self._starts[asked] - ends + counts, counts) + np.arange(ends[-1] if len(ends) else 0)
        codes, probabilities = self._codes[at], self._probabilities[at].astype(np.float64)
        own, far = np.repeat(asked, counts), self._far[at]
        kept = wanted[codes] & (probabilities >= least)
        if not kept.all():
            codes, probabilities, own, far = codes[kept], probabilities[kept], own[kept], far[kept]
        met = np.zeros(len(self._names), dtype=np.bool_)
        met[asked] = met[far] = True
        rows = np.flatnonzero(met)
        local = np.empty(len(self._names), dtype=np.int64)
        local[rows] = np.arange(len(rows))
        names = [self._names[row] for row in rows.tolist()]
        return EdgeBlock(names, local[own], local[far], codes, probabilities, np.zeros(len(own), dtype=np.bool_))


class EdgeMirror:
    """The shelves of all galleries.

    Args:
        room_bytes: For all of them; 0 keeps nothing.
    """

    def __init__(self, room_bytes: int) -> None:
        self._room = room_bytes
        self._shelves: dict[str, Shelf] = {}

    def shelf(self, gallery: str, stamp: bytes | None) -> Shelf | None:
        """The shelf of a gallery under its stamp; None without one, or without room."""
        shelf = self._shelves.get(gallery)
        if stamp is None or not self._room:
            self._shelves.pop(gallery, None)
            return None
        if shelf is None or shelf.stamp != stamp or shelf.size > self._room:
            shelf = self._shelves[gallery] = Shelf(stamp)
        elif sum(each.size for each in self._shelves.values()) > self._room:
            self._shelves = {gallery: shelf}
        return shelf


def _grown(column: Column, size: int, filling: int) -> Column:
    """A column with room for at least so many."""
    if len(column) >= size:
        return column
    more = np.full(max(size, 2 * len(column)) - len(column), filling, dtype=column.dtype)
    return np.concatenate([column, more])
