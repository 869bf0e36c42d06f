"""From direct matches along associations: the best chain to each appearance, bounded in hops, nodes and time.

The score of a chain is the product of its steps' probabilities, and the best chain to an appearance is its score: the
strongest neighbour speaks, not the mean of all ("competitive consensus" of Huang, Liu and Lin, Person Search in Videos
with One Portrait through Visual and Temporal Links, ECCV 2018). Which edges there are is the association service's
matter: face edges are long-term and cross videos, body edges are short-term and stay within a window.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from packs.spec import Modality
from services.backends.associations.blocks import EdgeBlock
from services.backends.associations.views import EdgeView
from services.search.paths import Path
from services.search.ports import Associations, PortUnavailableError
from services.search.reading import EdgeReader
from services.search.settings import SearchSettings
from services.search.walking import Walk

__all__ = ["Bounds", "Expanded", "Expander", "Path"]

_NOBODY = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far an expansion may go; the fields are documented in `settings.SearchSettings`."""

    max_hops: int
    max_nodes: int
    min_edge_probability: float
    stop_probability: float
    timeout_s: float

    @classmethod
    def of(cls, settings: SearchSettings) -> Self:
        """The bounds that the settings give."""
        return cls(
            settings.max_hops,
            settings.max_nodes,
            settings.min_edge_probability,
            settings.stop_probability,
            settings.expansion_timeout_s,
        )


class Expanded:
    """What an expansion touched; `complete` unless time or service failed.

    `edges` are those of all that was touched, for what else is known of who they are; the seeds are among its names.
    """

    def __init__(self, walk: Walk, edges: EdgeBlock, *, complete: bool) -> None:
        self._walk = walk
        self.edges, self.complete = edges, complete

    @property
    def paths(self) -> Mapping[str, Path]:
        """The best path to each appearance, seeds included; made anew each time."""
        return self._walk.paths(self.edges)


class Expander:
    """Follows associations."""

    def __init__(self, associations: Associations, bounds: Bounds) -> None:
        self._associations = associations
        self._bounds = bounds

    async def view(self, gallery: str, modalities: Sequence[Modality], least: float = 0.0) -> EdgeView | None:
        """The edges of a gallery as they are now; None where they cannot be had in time.

        Args:
            gallery: The gallery; edges never leave it.
            modalities: The kinds of edges that are followed.
            least: Weaker edges are not followed, where that is more than the bounds say.
        """
        least = max(least, self._bounds.min_edge_probability)
        try:
            async with asyncio.timeout(self._bounds.timeout_s):
                return await self._associations.view(gallery, modalities, least)
        except (TimeoutError, PortUnavailableError):
            return None

    async def expand(
        self,
        gallery: str,
        seeds: Mapping[str, float],
        modalities: Sequence[Modality],
        blocked: Collection[str] = (),
        most: int | None = None,
        least: float = 0.0,
    ) -> Expanded:
        """Find the best path to whatever the seeds lead to: `follow` along the view of this moment."""
        return await self.follow(await self.view(gallery, modalities, least), seeds, blocked, most)

    async def follow(
        self,
        view: EdgeView | None,
        seeds: Mapping[str, float],
        blocked: Collection[str] = (),
        most: int | None = None,
        *,
        chains: bool = True,
    ) -> Expanded:
        """Find the best path to whatever the seeds lead to.

        Args:
            view: The edges; without them nothing is reached.
            seeds: Probability by appearance id.
            blocked: Appearances that no path may touch.
            most: Most appearances that are touched, seeds included; the bounds' own when None, and never more.
            chains: Whether the best paths are wanted, and not only who is touched: once there are as many as may be,
                further hops change paths alone.
        """
        walk = Walk(seeds, self._bounds.stop_probability)
        if view is None:
            return Expanded(walk, EdgeBlock.of((), seeds), complete=False)
        room = min(most or self._bounds.max_nodes, self._bounds.max_nodes)
        reader = EdgeReader(view, list(seeds))
        try:
            async with asyncio.timeout(self._bounds.timeout_s):
                await self._rounds(reader, walk, blocked, room, chains=chains)
                await reader.read(walk.touched)
        except (TimeoutError, PortUnavailableError):
            return Expanded(walk, reader.edges, complete=False)
        return Expanded(walk, reader.edges, complete=True)

    async def _rounds(
        self, reader: EdgeReader, walk: Walk, blocked: Collection[str], most: int, *, chains: bool
    ) -> None:
        frontier = walk.touched
        for _ in range(self._bounds.max_hops):
            frontier = walk.worth(frontier)
            if not len(frontier) or not (chains or walk.count < most):
                return
            await reader.read(frontier)
            barred = reader.names.find(list(blocked)) if blocked else _NOBODY
            frontier = walk.step(reader, frontier, barred[barred >= 0], most)
