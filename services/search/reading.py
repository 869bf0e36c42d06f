"""The edges of one expansion, read once for each appearance and kept as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from packs.arrays import I64, Bool
from packs.spec import Modality
from services.backends.associations.blocks import EdgeBlock, places_of
from services.search.ports import Associations

__all__ = ["EdgeReader"]


class EdgeReader:
    """Reads edges, and gives every appearance that it meets a row.

    Args:
        associations: Where they are.
        gallery: Of which gallery.
        modalities: Of which kinds.
        min_probability: The least that they say.
        seeds: Ids of the appearances that have the first rows, in order.
    """

    def __init__(
        self,
        associations: Associations,
        gallery: str,
        modalities: Sequence[Modality],
        min_probability: float,
        seeds: Sequence[str],
    ) -> None:
        self._associations = associations
        self._gallery, self._modalities, self._min_probability = gallery, modalities, min_probability
        self._rows = {name: row for row, name in enumerate(seeds)}
        self.edges = EdgeBlock.of((), seeds)
        # In which read each edge was, and each appearance asked for (-1: in none yet).
        self._read_of_edge = np.empty(0, dtype=np.int64)
        self._read_of_row = np.full(len(self._rows), -1, dtype=np.int64)
        self._reads = 0

    @property
    def rows(self) -> Mapping[str, int]:
        """The row of each appearance."""
        return self._rows

    async def read(self, frontier: I64) -> None:
        """Read the edges at some rows, but of those that were read before. Raises PortUnavailableError."""
        fresh = frontier[self._read_of_row[frontier] < 0]
        if not len(fresh):
            return
        names = sorted(self.edges.names[row] for row in fresh.tolist())
        block = await self._associations.edge_block(self._gallery, names, self._modalities, self._min_probability)
        self._take(block)
        self._read_of_row[fresh] = self._reads
        self._reads += 1

    def at(self, frontier: Bool) -> I64:
        """Which edges are at some of the rows, bool[N]: int64[K], each as it was read with that row."""
        edges = self.edges
        of_one = frontier[edges.one] & (self._read_of_row[edges.one] == self._read_of_edge)
        of_other = frontier[edges.other] & (self._read_of_row[edges.other] == self._read_of_edge)
        return np.flatnonzero(of_one | of_other).astype(np.int64)

    def _take(self, block: EdgeBlock) -> None:
        at, edges = places_of(block.names, self._rows), self.edges
        self.edges = EdgeBlock(
            list(self._rows),
            np.concatenate([edges.one, at[block.one]]),
            np.concatenate([edges.other, at[block.other]]),
            np.concatenate([edges.codes, block.codes]),
            np.concatenate([edges.probabilities, block.probabilities]),
            np.concatenate([edges.confirmed, block.confirmed]),
        )
        more = np.full(len(block), self._reads, dtype=np.int64)
        self._read_of_edge = np.concatenate([self._read_of_edge, more])
        unread = np.full(len(self._rows) - len(self._read_of_row), -1, dtype=np.int64)
        self._read_of_row = np.concatenate([self._read_of_row, unread])
