"""The edges of one expansion, read once for each appearance and kept as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from packs.arrays import I64, Bool
from services.backends.associations.blocks import EdgeBlock
from services.backends.associations.roster import Named
from services.backends.associations.views import EdgeView

__all__ = ["EdgeReader"]

class EdgeReader:
    """Reads edges, and gives every appearance that it meets a row of its own: those of the roster are of a gallery.

    Args:
        view: Where they are.
        seeds: Ids of the appearances that have the first rows, in order.

    Attributes:
        edges: What was read so far.
    """

    def __init__(self, view: EdgeView, seeds: Sequence[str]) -> None:
        self._view = view
        # By row: that of the roster; and by row of the roster ours, or -1.
        self._met = view.roster.places(seeds)
        self._places = np.full(len(view.roster), -1, dtype=np.int64)
        self._places[self._met] = np.arange(len(self._met))
        # In which read each edge was, and each appearance asked for (-1: in none yet).
        self._read_of_edge = np.empty(0, dtype=np.int64)
        self._read_of_row = np.full(len(self._met), -1, dtype=np.int64)
        self._reads = 0
        self.edges = replace(EdgeBlock.of(()), names=self.names)

    @property
    def names(self) -> Named:
        """The id of each row."""
        return Named(self._view.roster, self._met, self._places)

    async def read(self, frontier: I64) -> None:
        """Read the edges at some rows, but of those that were read before. Raises PortUnavailableError."""
        fresh = frontier[self._read_of_row[frontier] < 0]
        if not len(fresh):
            return
        self._take(await self._view.read(self._met[fresh]))
        self._read_of_row[fresh] = self._reads
        self._reads += 1

    def at(self, frontier: Bool) -> tuple[I64, I64, I64]:
        """The ways from some of the rows, bool[N]: each edge as it was read with that row, in both directions.

        Returns:
            int64[K] each: where from, where to, and along which edge.
        """
        edges, read = self.edges, self._read_of_edge
        from_one, from_other = frontier[edges.one], frontier[edges.other]
        with_one = from_one & (self._read_of_row[edges.one] == read)
        with_other = from_other & (self._read_of_row[edges.other] == read)
        known = with_one | with_other
        forth, back = np.flatnonzero(known & from_one), np.flatnonzero(known & from_other)
        sources = np.concatenate([edges.one[forth], edges.other[back]])
        targets = np.concatenate([edges.other[forth], edges.one[back]])
        return sources, targets, np.concatenate([forth, back])

    def _take(self, block: EdgeBlock) -> None:
        """Append what was read."""
        self._meet(block.one)
        self._meet(block.other)
        before = self.edges
        self.edges = EdgeBlock(
            self.names,
            np.concatenate([before.one, self._places[block.one]]),
            np.concatenate([before.other, self._places[block.other]]),
            np.concatenate([before.codes, block.codes]),
            np.concatenate([before.probabilities, block.probabilities]),
            np.concatenate([before.confirmed, block.confirmed]),
        )
        more = np.full(len(block), self._reads, dtype=np.int64)
        self._read_of_edge = np.concatenate([self._read_of_edge, more])

    def _meet(self, rows: I64) -> None:
        """Give rows of the roster that are new here their own."""
        count = len(self._view.roster)
        if len(self._places) < count:
            self._places = np.concatenate([self._places, np.full(count - len(self._places), -1, dtype=np.int64)])
        fresh = rows[self._places[rows] < 0]
        if not len(fresh):
            return
        # Of those that are there more than once the last one's mark stays.
        self._places[fresh] = np.arange(len(fresh))
        fresh = fresh[self._places[fresh] == np.arange(len(fresh))]
        self._places[fresh] = len(self._met) + np.arange(len(fresh))
        self._met = np.concatenate([self._met, fresh])
        self._read_of_row = np.concatenate([self._read_of_row, np.full(len(fresh), -1, dtype=np.int64)])
