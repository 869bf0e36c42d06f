"""Edges that were read from the cache, kept in the process as arrays: reading and naming them is most of an expansion.

Every change of a gallery's edges gives it another stamp in Redis. What was read under one stamp is put on one shelf,
and a read that meets another stamp begins an empty one. The appearances of a gallery have numbers (`roster`), which all
of its shelves share; an edge takes seventeen bytes, of which eight are for what the association service makes of it.
It is a copy of a cache: without it, or when there is no room for more, the same edges come from Redis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from packs.arrays import F32, I32, I64, U8, Bool
from services.backends.associations.blocks import EdgeBlock
from services.backends.associations.roster import Roster

__all__ = ["EdgeMirror", "Shelf", "grown"]

_EDGE_BYTES = 4 + 1 + 4 + 8
# Of an appearance: its id twice (in the list and the table), and where its edges are.
_NAME_BYTES = 250


Column = TypeVar("Column", I64, I32, U8, F32, Bool)


class Shelf:
    """The edges of one gallery that were read under one stamp.

    Args:
        stamp: The stamp.
        roster: Numbers the gallery's appearances.
        kept: Whether next reads will meet it.

    Attributes:
        far: int32[>= E], by edge: the row of its other end.
        codes: uint8[>= E], what it rests on.
        probabilities: float32[>= E], in (0, 1].
        weakest: What every edge says at least.
        beside: What its reader makes of its edges, kept as long as it is.
    """

    def __init__(self, stamp: bytes, roster: Roster | None = None, *, kept: bool = True) -> None:
        self.stamp, self.roster, self.kept = stamp, roster if roster is not None else Roster(), kept
        self.beside: object = None
        self.weakest = 1.0
        # By row: where its edges begin, and how many there are; -1 for those that were not read.
        self._starts: I64 = np.zeros(0, dtype=np.int64)
        self._counts: I64 = np.zeros(0, dtype=np.int64)
        self._used = 0
        self.far: I32 = np.zeros(0, dtype=np.int32)
        self.codes: U8 = np.zeros(0, dtype=np.uint8)
        self.probabilities: F32 = np.zeros(0, dtype=np.float32)

    @property
    def size(self) -> int:
        """Bytes, about."""
        return _EDGE_BYTES * self._used + _NAME_BYTES * len(self.roster)

    def lacking(self, rows: I64) -> I64:
        """Those of some rows whose edges are not here."""
        count = len(self.roster)
        self._starts, self._counts = grown(self._starts, count, 0), grown(self._counts, count, -1)
        return rows[self._counts[rows] < 0]

    def learn(self, appearance_ids: Sequence[str], sizes: Sequence[int], block: EdgeBlock) -> None:
        """Take the edges of some appearances.

        Args:
            appearance_ids: Which.
            sizes: How many edges each has.
            block: All of them, those of the first appearance first; `one` is the appearance.
        """
        places, own = self.roster.places(block.names), self.roster.places(appearance_ids)
        end, counts = self._used + len(block), np.array(sizes, dtype=np.int64)
        self.far, self.codes = grown(self.far, end, 0), grown(self.codes, end, 0)
        self.probabilities = grown(self.probabilities, end, 0)
        self.far[self._used : end] = places[block.other]
        self.codes[self._used : end] = block.codes
        self.probabilities[self._used : end] = block.probabilities
        self.lacking(own)
        self._starts[own] = self._used + np.cumsum(counts) - counts
        self._counts[own] = counts
        self._used = end
        self.weakest = min(self.weakest, float(block.probabilities.min(initial=1.0)))

    def slots(self, rows: I64) -> tuple[I64, I64]:
        """Where the edges of some rows are, int64[K], and how many each has; those that were not read have none."""
        self.lacking(rows)
        counts = np.maximum(self._counts.take(rows), 0)
        ends = counts.cumsum()
        total = int(ends[-1]) if len(ends) else 0
        return (self._starts.take(rows) - ends + counts).repeat(counts) + np.arange(total), counts

    def block(self, appearance_ids: Sequence[str], wanted: Bool, least: float) -> EdgeBlock:
        """The edges of some appearances, of the wanted modalities, bool[256] by code, and of at least a probability."""
        asked = self.roster.places(appearance_ids)
        at, counts = self.slots(asked)
        own = np.repeat(asked, counts)
        kept = wanted[self.codes[at]] & (self.probabilities[at].astype(np.float64) >= least)
        at, own = at[kept], own[kept]
        probabilities, none = self.probabilities[at].astype(np.float64), np.zeros(len(at), dtype=np.bool_)
        far = self.far[at].astype(np.int64)
        return EdgeBlock(self.roster.names, own, far, self.codes[at], probabilities, none).compact(asked)


class EdgeMirror:
    """The shelves of all galleries.

    Args:
        room_bytes: For all of them; 0 keeps nothing.
    """

    def __init__(self, room_bytes: int) -> None:
        self._room = room_bytes
        self._shelves: dict[str, Shelf] = {}

    def has_room(self, shelf: Shelf) -> bool:
        """Whether the edges of one more video may be put on a shelf without others going for them."""
        return shelf.size + sum(each.size for each in self._shelves.values() if each is not shelf) <= 0.9 * self._room

    def shelf(self, gallery: str, stamp: bytes | None) -> Shelf | None:
        """The shelf of a gallery under its stamp; None without one, or without room."""
        shelf = self._shelves.get(gallery)
        if stamp is None or not self._room:
            self._shelves.pop(gallery, None)
            return None
        if shelf is None or shelf.size > self._room:
            shelf = self._shelves[gallery] = Shelf(stamp)
        elif shelf.stamp != stamp:
            shelf = self._shelves[gallery] = Shelf(stamp, shelf.roster)
        elif sum(each.size for each in self._shelves.values()) > self._room:
            self._shelves = {gallery: shelf}
        return shelf


def grown(column: Column, size: int, filling: int | bool) -> Column:
    """A column with room for at least so many."""
    if len(column) >= size:
        return column
    more = np.full(max(size, len(column) * 5 // 4) - len(column), filling, dtype=column.dtype)
    return np.concatenate([column, more])
