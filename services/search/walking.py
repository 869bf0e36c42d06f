"""The best chain to each appearance, one hop after the other, on arrays.

A chain is a record: the chain that it goes on from, the edge, and where it leads. Records are never changed: when a
better chain to an appearance is found, those that went on from the old one stay what they are. Of two chains with one
probability the shorter is better, then that with the smaller ids, so that no order of edges matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from packs.arrays import F64, I64
from services.backends.associations.blocks import MODALITY_CODES, EdgeBlock
from services.search.answer import Step
from services.search.paths import Path, steps_along
from services.search.reading import EdgeReader

__all__ = ["Walk"]

# The modalities by name, for which of two edges with one probability is told of.
_PLACES = np.zeros(256, dtype=np.int64)
for _place, _modality in enumerate(sorted(MODALITY_CODES)):
    _PLACES[MODALITY_CODES[_modality]] = _place


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """K chains that are one hop longer than known ones: what they go on from, their edge, their end and what they say.

    Attributes:
        sources: int64[K], rows.
        targets: int64[K], rows.
        edges: int64[K].
        probabilities: float64[K].
        lengths: int64[K], hops.
    """

    sources: I64
    targets: I64
    edges: I64
    probabilities: F64
    lengths: I64

    def those(self, which: I64) -> _Found:
        return _Found(
            self.sources.take(which),
            self.targets.take(which),
            self.edges.take(which),
            self.probabilities.take(which),
            self.lengths.take(which),
        )


class Walk:
    """Chains from seeds, whose rows are the first.

    Args:
        seeds: Probability by appearance id, in the order of their rows.
        stop: Weaker chains are not followed.
    """

    def __init__(self, seeds: Mapping[str, float], stop: float) -> None:
        self._stop = stop
        count = len(seeds)
        self._best = np.array(list(seeds.values()), dtype=np.float64)
        # By row: its chain, or -1.
        self._chains = np.arange(count, dtype=np.int64)
        # By chain: what it goes on from (-1: it is a seed), its edge, end, hops, and what it says.
        self._parents = np.full(count, -1, dtype=np.int64)
        self._edges = np.full(count, -1, dtype=np.int64)
        self._ends = np.arange(count, dtype=np.int64)
        self._lengths = np.zeros(count, dtype=np.int64)
        self._probabilities = self._best.copy()

    @property
    def touched(self) -> I64:
        """The rows that have a chain."""
        return np.flatnonzero(self._chains >= 0).astype(np.int64)

    @property
    def count(self) -> int:
        """How many rows have a chain."""
        return int(np.count_nonzero(self._chains >= 0))

    def worth(self, rows: I64) -> I64:
        """Those of some rows from which a chain is followed."""
        return rows[self._best[rows] >= self._stop]

    def step(self, reader: EdgeReader, frontier: I64, barred: I64, most: int) -> I64:
        """Go one hop on along the edges that were read; say which rows have a better chain now.

        Args:
            reader: Has read the edges at the frontier.
            frontier: int64[K], from which rows.
            barred: Rows that no chain may touch.
            most: Rows that may have a chain, all together.
        """
        block = reader.edges
        self._grow(len(block.names))
        marked = np.zeros(len(self._best), dtype=np.bool_)
        marked[frontier] = True
        found = self._further(block, reader.ways(marked), barred)
        found = found.those(self._strongest(found, block))
        found = self._room(found, block, most)
        self._keep(found)
        return found.targets

    def paths(self, block: EdgeBlock) -> dict[str, Path]:
        """The chains as objects, by the id of their ends."""
        rows, taken = self.touched, self._edges >= 0
        steps: list[Step | None] = [None] * len(taken)
        along = steps_along(block, self._edges[taken], self._ends[self._parents[taken]])
        for chain, step in zip(np.flatnonzero(taken).tolist(), along, strict=True):
            steps[chain] = step
        made: dict[int, Path] = {}
        ends = zip(block.some(rows), self._chains[rows].tolist(), strict=True)
        return {name: self._path(chain, block, steps, made) for name, chain in ends}

    def _grow(self, count: int) -> None:
        more = count - len(self._best)
        self._best = np.concatenate([self._best, np.full(more, -1.0)])
        self._chains = np.concatenate([self._chains, np.full(more, -1, dtype=np.int64)])

    def _further(self, block: EdgeBlock, ways: tuple[I64, I64, I64], barred: I64) -> _Found:
        """The strongest of what beats what is known; all are read from the state before the hop."""
        sources, targets, edges = ways
        said = self._best.take(sources) * block.probabilities.take(edges)
        strongest = np.maximum(self._best, np.nextafter(self._stop, -1.0))
        strongest[barred] = np.inf
        better = (said > strongest.take(targets)).nonzero()[0]
        targets, said = targets.take(better), said.take(better)
        np.maximum.at(strongest, targets, said)
        kept = (said == strongest.take(targets)).nonzero()[0]
        at = better.take(kept)
        sources = sources.take(at)
        lengths = self._lengths.take(self._chains.take(sources)) + 1
        return _Found(sources, targets.take(kept), edges.take(at), said.take(kept), lengths)

    def _strongest(self, found: _Found, block: EdgeBlock) -> I64:
        """The best chain to each end, ends rising; of those that say the same the shorter, then the smaller ids."""
        codes = block.codes[found.edges]
        chosen = np.zeros(len(self._best), dtype=np.int64)
        chosen[found.targets] = np.arange(len(found.targets))
        other = chosen[found.targets]
        # One edge is often there from both of its ends: that is no tie.
        tied = (found.sources != found.sources[other]) | (codes != codes[other])
        for target in np.unique(found.targets[tied]).tolist() if tied.any() else ():
            several = np.flatnonzero(found.targets == target).tolist()
            chosen[target] = min(several, key=lambda each: self._order(each, found, block))
        reached = np.zeros(len(self._best), dtype=np.bool_)
        reached[found.targets] = True
        return chosen[reached]

    def _order(self, each: int, found: _Found, block: EdgeBlock) -> tuple[int, tuple[str, ...], int]:
        ids = self._ids(int(found.sources[each]), block)
        return int(found.lengths[each]), ids, int(_PLACES[block.codes[found.edges[each]]])

    def _room(self, found: _Found, block: EdgeBlock, most: int) -> _Found:
        """All better chains to what had one, and of the others as many as there is room for, the strongest."""
        known = self._chains.take(found.targets) >= 0
        fresh = (~known).nonzero()[0]
        room = max(0, most - self.count)
        if len(fresh) <= room:
            return found
        fresh = fresh[np.lexsort((found.lengths[fresh], -found.probabilities[fresh]))]
        last = found.those(fresh[max(0, room - 1) : room + 1])
        if len(last.sources) == 2 and last.probabilities[0] == last.probabilities[1]:
            fresh = np.array(sorted(fresh.tolist(), key=lambda each: self._rank(each, found, block)), dtype=np.int64)
        return found.those(np.sort(np.concatenate([known.nonzero()[0], fresh[:room]])))

    def _keep(self, found: _Found) -> None:
        parents = self._chains[found.sources]
        self._chains[found.targets] = len(self._parents) + np.arange(len(parents))
        self._best[found.targets] = found.probabilities
        self._parents = np.concatenate([self._parents, parents])
        self._edges = np.concatenate([self._edges, found.edges])
        self._ends = np.concatenate([self._ends, found.targets])
        self._lengths = np.concatenate([self._lengths, found.lengths])
        self._probabilities = np.concatenate([self._probabilities, found.probabilities])

    def _rank(self, each: int, found: _Found, block: EdgeBlock) -> tuple[float, int, tuple[str, ...]]:
        end = block.names[int(found.targets[each])]
        ids = (*self._ids(int(found.sources[each]), block), end)
        return -float(found.probabilities[each]), int(found.lengths[each]), ids

    def _ids(self, row: int, block: EdgeBlock) -> tuple[str, ...]:
        """The ids along the chain to a row, from its seed on."""
        return tuple(block.names[int(self._ends[chain])] for chain in self._back(int(self._chains[row])))[::-1]

    def _back(self, chain: int) -> Iterable[int]:
        while chain >= 0:
            yield chain
            chain = int(self._parents[chain])

    def _path(self, chain: int, block: EdgeBlock, steps: Sequence[Step | None], made: dict[int, Path]) -> Path:
        """The chain as an object; those that it goes on from are made once."""
        if chain not in made:
            probability, step = float(self._probabilities[chain]), steps[chain]
            if step is None:
                made[chain] = Path(block.names[int(self._ends[chain])], (), probability)
            else:
                before = self._path(int(self._parents[chain]), block, steps, made)
                made[chain] = Path(before.seed, (*before.steps, step), probability)
        return made[chain]
