"""The edges of one expansion, read once for each appearance and kept as arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from packs.arrays import I32, I64, AnyArray, Bool
from services.backends.associations.blocks import EdgeBlock
from services.backends.associations.roster import Named
from services.backends.associations.views import EdgeView

__all__ = ["EdgeReader"]

# Room for the edges of an answer of 50 hits; more is made when there are more.
_EDGES = 2**15


class EdgeReader:
    """Reads edges, and gives every appearance that it meets a row of its own: those of the roster are of a gallery.

    Args:
        view: Where they are.
        seeds: Ids of the appearances that have the first rows, in order.
    """

    def __init__(self, view: EdgeView, seeds: Sequence[str]) -> None:
        self._view = view
        # By row: that of the roster; and by row of the roster ours, or -1.
        self._met = view.roster.places(seeds)
        self._places = np.full(len(view.roster), -1, dtype=np.int32)
        self._places[self._met] = np.arange(len(self._met))
        # In which read each appearance was asked for (-1: in none yet).
        self._read_of_row = np.full(len(self._met), -1, dtype=np.int64)
        self._reads = self._count = 0
        self._one: I64 = np.empty(_EDGES, dtype=np.int64)
        self._other: I64 = np.empty(_EDGES, dtype=np.int64)
        self._codes = np.empty(_EDGES, dtype=np.uint8)
        self._probabilities = np.empty(_EDGES)
        self._confirmed = np.empty(_EDGES, dtype=np.bool_)
        # Of each edge, in which read it was.
        self._read: I64 = np.empty(_EDGES, dtype=np.int64)

    @property
    def names(self) -> Named:
        """The id of each row."""
        return Named(self._view.roster, self._met, self._places)

    @property
    def edges(self) -> EdgeBlock:
        """What was read so far."""
        end = self._count
        return EdgeBlock(
            self.names,
            self._one[:end],
            self._other[:end],
            self._codes[:end],
            self._probabilities[:end],
            self._confirmed[:end],
        )

    async def read(self, frontier: I64) -> None:
        """Read the edges at some rows, but of those that were read before. Raises PortUnavailableError."""
        fresh = frontier[self._read_of_row[frontier] < 0]
        if not len(fresh):
            return
        self._take(await self._view.read(self._met[fresh]))
        self._read_of_row[fresh] = self._reads
        self._reads += 1

    def ways(self, frontier: Bool) -> tuple[I64, I64, I64]:
        """The ways from some of the rows, bool[N]: each edge as it was read with that row, in both directions.

        Returns:
            int64[K] each: where from, where to, and along which edge.
        """
        one, other, read = self._one[: self._count], self._other[: self._count], self._read[: self._count]
        from_one, from_other = frontier.take(one), frontier.take(other)
        # -1 is no read: of an edge at the frontier one end was asked for then, or another one that is at the frontier.
        asked = np.where(frontier, self._read_of_row, -1)
        known = (asked.take(one) == read) | (asked.take(other) == read)
        forth, back = (known & from_one).nonzero()[0], (known & from_other).nonzero()[0]
        edges = np.concatenate([forth, back])
        sources = np.concatenate([one.take(forth), other.take(back)])
        return sources, np.concatenate([other.take(forth), one.take(back)]), edges

    def _take(self, block: EdgeBlock) -> None:
        """Append what was read."""
        one, other = self._places_of(block.one), self._places_of(block.other)
        start, end = self._count, self._count + len(block)
        if end > len(self._one):
            self._grow(end)
        self._one[start:end], self._other[start:end] = one, other
        self._codes[start:end], self._probabilities[start:end] = block.codes, block.probabilities
        self._confirmed[start:end], self._read[start:end] = block.confirmed, self._reads
        self._count = end

    def _places_of(self, rows: I64) -> I32:
        """Our rows of some of the roster; those that are new here get the next."""
        count = len(self._view.roster)
        if len(self._places) < count:
            self._places = np.concatenate([self._places, np.full(count - len(self._places), -1, dtype=np.int32)])
        places = self._places.take(rows)
        lacking = (places < 0).nonzero()[0]
        if not len(lacking):
            return places
        fresh = rows.take(lacking)
        # Of those that are there more than once the last one's mark stays.
        marks = np.arange(len(fresh), dtype=np.int32)
        self._places[fresh] = marks
        fresh = fresh[self._places.take(fresh) == marks]
        self._places[fresh] = len(self._met) + np.arange(len(fresh))
        self._met = np.concatenate([self._met, fresh])
        self._read_of_row = np.concatenate([self._read_of_row, np.full(len(fresh), -1, dtype=np.int64)])
        return self._places.take(rows)

    def _grow(self, size: int) -> None:
        room = max(size, 2 * len(self._one))
        self._one, self._other = _with_room(self._one, room), _with_room(self._other, room)
        self._codes, self._probabilities = _with_room(self._codes, room), _with_room(self._probabilities, room)
        self._confirmed, self._read = _with_room(self._confirmed, room), _with_room(self._read, room)


def _with_room(column: AnyArray, room: int) -> AnyArray:
    return np.concatenate([column, np.empty(room - len(column), dtype=column.dtype)])
