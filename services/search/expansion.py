"""From direct matches along associations: the best chain to each appearance, bounded in hops, nodes and time.

The score of a chain is the product of its steps' probabilities, and the best chain to an appearance is its score: the
strongest neighbour speaks, not the mean of all ("competitive consensus" of Huang, Liu and Lin, Person Search in Videos
with One Portrait through Visual and Temporal Links, ECCV 2018). Which edges there are is the association service's
matter: face edges are long-term and cross videos, body edges are short-term and stay within a window.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from packs.spec import Modality
from services.backends.schemas import Association
from services.search.answer import Step
from services.search.ports import Associations, PortUnavailableError
from services.search.settings import SearchSettings


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


@dataclass(frozen=True, slots=True)
class Path:
    """The best chain of associations from a seed to an appearance; without steps it is the seed itself.

    Attributes:
        seed: Id of the direct match that it starts from.
        steps: The associations.
        probability: The seed's, times that of each step.
    """

    seed: str
    steps: tuple[Step, ...]
    probability: float

    @property
    def rank(self) -> tuple[float, int, str, tuple[str, ...]]:
        """Smaller is better: probability, then fewer steps, then ids, so that no order of edges matters."""
        return -self.probability, len(self.steps), self.seed, tuple(step.target for step in self.steps)

    def followed_by(self, step: Step) -> Path:
        """The path, one step longer."""
        return Path(self.seed, (*self.steps, step), self.probability * step.probability)


def step_along(edge: Association, source: str) -> Step:
    """The step along an association from one of its ends to the other."""
    target = edge.second if source == edge.first else edge.first
    return Step(source, target, edge.modality, edge.probability, confirmed=edge.confirmed)


@dataclass(frozen=True, slots=True)
class Expanded:
    """The best path to each appearance that was touched, seeds included; `complete` unless time or service failed.

    `edges` are those of all of them, for what else is known of who they are.
    """

    paths: Mapping[str, Path]
    complete: bool
    edges: tuple[Association, ...] = ()


class Expander:
    """Follows associations."""

    def __init__(self, associations: Associations, bounds: Bounds) -> None:
        self._associations = associations
        self._bounds = bounds

    async def expand(
        self,
        gallery: str,
        seeds: Mapping[str, float],
        modalities: Sequence[Modality],
        blocked: Collection[str] = (),
        most: int | None = None,
        least: float = 0.0,
    ) -> Expanded:
        """Find the best path to whatever the seeds lead to.

        Args:
            gallery: The gallery; edges never leave it.
            seeds: Probability by appearance id.
            modalities: The kinds of edges that are followed.
            blocked: Appearances that no path may touch.
            most: Most appearances that are touched, seeds included; the bounds' own when None, and never more.
            least: Weaker edges are not followed, where that is more than the bounds say.
        """
        room = min(most or self._bounds.max_nodes, self._bounds.max_nodes)
        best = {seed: Path(seed, (), probability) for seed, probability in seeds.items()}
        edges = _Edges(self._associations, gallery, modalities, max(least, self._bounds.min_edge_probability))
        try:
            async with asyncio.timeout(self._bounds.timeout_s):
                await self._rounds(edges, best, frozenset(blocked), room)
                await edges.at(sorted(best))
        except (TimeoutError, PortUnavailableError):
            return Expanded(best, complete=False, edges=edges.read)
        return Expanded(best, complete=True, edges=edges.read)

    async def _rounds(self, edges: _Edges, best: dict[str, Path], blocked: frozenset[str], most: int) -> None:
        frontier = sorted(best)
        for _ in range(self._bounds.max_hops):
            frontier = [known for known in frontier if best[known].probability >= self._bounds.stop_probability]
            if not frontier:
                return
            found = self._improved(await edges.at(frontier), frozenset(frontier), best, blocked)
            improved = _within(found, best, most)
            best.update(improved)
            frontier = sorted(improved)

    def _improved(
        self,
        edges: Iterable[Association],
        frontier: frozenset[str],
        best: Mapping[str, Path],
        blocked: frozenset[str],
    ) -> dict[str, Path]:
        """Paths one hop beyond the frontier that beat what is known; all are read from the state before the hop."""
        found: dict[str, Path] = {}
        for edge in edges:
            for source, target in ((edge.first, edge.second), (edge.second, edge.first)):
                if source not in frontier or target in blocked:
                    continue
                # Most edges lead nowhere better: what they would give is known before a path is made.
                probability = best[source].probability * edge.probability
                least = max(self._bounds.stop_probability, found[target].probability if target in found else 0.0)
                if probability < least or (target in best and probability <= best[target].probability):
                    continue
                path = best[source].followed_by(step_along(edge, source))
                if target not in found or path.rank < found[target].rank:
                    found[target] = path
        return found


def _within(found: Mapping[str, Path], best: Mapping[str, Path], most: int) -> dict[str, Path]:
    """All improvements of known appearances, and of new ones as many as there is room for, the strongest."""
    fresh = sorted((path.rank, target) for target, path in found.items() if target not in best)
    refused = {target for _, target in fresh[max(0, most - len(best)) :]}
    return {target: path for target, path in found.items() if target not in refused}


class _Edges:
    """The edges of a gallery, read once for each appearance."""

    def __init__(
        self, associations: Associations, gallery: str, modalities: Sequence[Modality], min_probability: float
    ) -> None:
        self._associations = associations
        self._gallery, self._modalities, self._min_probability = gallery, modalities, min_probability
        self._of: dict[str, list[Association]] = {}
        self._read: dict[tuple[str, str, Modality], Association] = {}

    @property
    def read(self) -> tuple[Association, ...]:
        """All that were read, each once."""
        return tuple(self._read.values())

    async def at(self, appearance_ids: Sequence[str]) -> list[Association]:
        """The edges at some appearances; what was read before is not asked for again."""
        fresh: dict[str, list[Association]] = {one: [] for one in appearance_ids if one not in self._of}
        if fresh:
            found = await self._associations.list_associations(
                self._gallery, list(fresh), self._modalities, self._min_probability
            )
            for edge in found:
                self._read[edge.first, edge.second, edge.modality] = edge
                for end in {edge.first, edge.second} & fresh.keys():
                    fresh[end].append(edge)
            self._of.update(fresh)
        return [edge for one in appearance_ids for edge in self._of[one]]
