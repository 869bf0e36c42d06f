"""Expansion and contest on arrays give what looking at edge by edge gives, to the bit, on random graphs."""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from packs.arrays import F64, I64, Bool
from packs.spec import Modality
from services.backends.associations.blocks import EdgeBlock
from services.backends.schemas import Association
from services.search.answer import Step
from services.search.contest import MOST, Opinion, Opinions, contested
from services.search.expansion import Bounds, Expander
from services.search.fakes import FakeAssociations
from services.search.paths import Path

KINDS = (Modality.FACE, Modality.HEAD, Modality.BODY, Modality.VOICE)
ORDER = {modality: place for place, modality in enumerate(Modality)}


class Trimmed(FakeAssociations):
    """Edges that some ends let go, as the cache does; an edge that both ends have is read from each."""

    def __init__(self, chance: random.Random, count: int, density: float, steps: int) -> None:
        super().__init__()
        self.names = [f"{chance.getrandbits(32):08x}" for _ in range(count)]
        self.ends: dict[str, list[Association]] = {name: [] for name in self.names}
        for pair in itertools.combinations(sorted(self.names), 2):
            for modality in KINDS:
                if chance.random() < density:
                    # Few different probabilities, so that many chains say the same.
                    probability = chance.randrange(1, steps + 1) / steps
                    edge = Association(*pair, modality, probability, probability == 1.0 and chance.random() < 0.5)
                    for end in chance.choice([pair, pair, pair[:1], pair[1:]]):
                        self.ends[end].append(edge)

    async def edge_block(self, gallery, appearance_ids, modalities, min_probability) -> EdgeBlock:
        edges = [
            edge
            for one in appearance_ids
            for edge in self.ends[one]
            if edge.modality in modalities and edge.probability >= min_probability
        ]
        return EdgeBlock.of(edges, appearance_ids)


# ---- edge by edge, on objects ----------------------------------------------------------------------


def rank(path: Path) -> tuple[float, int, str, tuple[str, ...], str]:
    # The last step's modality tells apart two edges of one pair that say the same, which the order of edges did.
    last = path.steps[-1].modality if path.steps else ""
    return -path.probability, len(path.steps), path.seed, tuple(step.target for step in path.steps), last


def along(edge: Association, source: str) -> Step:
    target = edge.second if source == edge.first else edge.first
    return Step(source, target, edge.modality, edge.probability, confirmed=edge.confirmed)


class Slow:
    """Expansion as it was before edges were arrays: every edge is looked at by itself."""

    def __init__(self, associations: FakeAssociations, bounds: Bounds, modalities, least: float) -> None:
        self.associations, self.bounds, self.modalities = associations, bounds, modalities
        self.least = max(least, bounds.min_edge_probability)
        self.of: dict[str, list[Association]] = {}
        self.read: dict[tuple[str, str, Modality], Association] = {}

    async def at(self, names):
        fresh = {one: [] for one in names if one not in self.of}
        if fresh:
            block = await self.associations.edge_block("town", list(fresh), self.modalities, self.least)
            for edge in block.associations():
                self.read[edge.first, edge.second, edge.modality] = edge
                for end in {edge.first, edge.second} & fresh.keys():
                    fresh[end].append(edge)
            self.of.update(fresh)
        return [edge for one in names for edge in self.of[one]]

    async def expand(self, seeds, blocked, most):
        best = {seed: Path(seed, (), probability) for seed, probability in seeds.items()}
        frontier = sorted(best)
        for _ in range(self.bounds.max_hops):
            frontier = [one for one in frontier if best[one].probability >= self.bounds.stop_probability]
            if not frontier:
                break
            found = self.improved(await self.at(frontier), set(frontier), best, blocked)
            fresh = sorted((rank(path), target) for target, path in found.items() if target not in best)
            refused = {target for _, target in fresh[max(0, most - len(best)) :]}
            best.update({target: path for target, path in found.items() if target not in refused})
            frontier = sorted(found.keys() - refused)
        await self.at(sorted(best))
        return best, set(self.read.values())

    def improved(self, edges, frontier, best, blocked):
        found: dict[str, Path] = {}
        for edge in edges:
            for source, target in ((edge.first, edge.second), (edge.second, edge.first)):
                if source not in frontier or target in blocked:
                    continue
                before, step = best[source], along(edge, source)
                path = Path(before.seed, (*before.steps, step), before.probability * step.probability)
                if path.probability < self.bounds.stop_probability:
                    continue
                if target in best and path.probability <= best[target].probability:
                    continue
                if target not in found or rank(path) < rank(found[target]):
                    found[target] = path
        return found


@dataclass(frozen=True, slots=True, eq=False)
class SlowEdges:
    """Both directions of all edges between N appearances, by target.

    Attributes:
        sources: int64[E], where each comes from.
        targets: int64[E], where it goes, rising.
        starts: int64[T], the first of each target that has any.
        beliefs: float64[E].
        rows: int64[E], which association it is.
    """

    sources: I64
    targets: I64
    starts: I64
    beliefs: F64
    rows: I64


@dataclass(frozen=True, slots=True, eq=False)
class SlowLayer:
    """A round: p of each appearance, float64[N], and the edge that gave it, int64[N], -1 for none."""

    belief: F64
    through: I64


def slowly_contested(
    edges: Iterable[Association],
    seeds: Mapping[str, float],
    opinions: Mapping[str, Opinion],
    others: Collection[str],
    *,
    hops: int,
    stop: float,
) -> dict[str, Path]:
    """Let the person asked for and everybody else compete for what associations reach.

    Args:
        edges: Of all appearances that may be reached.
        seeds: Direct matches that chains start from, probability by appearance id.
        opinions: Of the appearances that have been compared with the query.
        others: Appearances that somebody said to be others.
        hops: Most associations in a chain.
        stop: Weaker beliefs are not given on, and none is an answer.

    Returns:
        The chain to each appearance that keeps at least `stop`, its probability what the others leave of it; and of
        each seed that no chain says more of, the seed itself.
    """
    several = list(edges)
    names = sorted({end for edge in several for end in (edge.first, edge.second)} | seeds.keys())
    places = {name: place for place, name in enumerate(names)}
    own = np.array([seeds.get(name, 0.0) for name in names])
    clear = np.array([opinions[name].clear if name in opinions else 0.0 for name in names])
    denied = clear * np.array([1.0 - opinions[name].belief if name in opinions else 0.0 for name in names])
    # What is not believed of a direct match is no one else's claim: its own belief says it already.
    denied[own > 0.0] = 0.0
    barred = np.array([name in others for name in names], dtype=np.bool_)
    denied[barred] = MOST
    graph = slow_graph(several, places)
    layers = slow_rounds(graph, own, clear, denied, barred, hops, stop)
    paths = {seed: Path(seed, (), probability) for seed, probability in seeds.items()}
    for place, name in enumerate(names):
        last = float(layers[-1].belief[place])
        if barred[place] or last < stop or last <= own[place]:
            continue
        chain = slow_chain(graph, layers, own, clear, place)
        steps = tuple(along(several[graph.rows[edge]], names[graph.sources[edge]]) for edge in chain)
        paths[name] = Path(names[graph.sources[chain[0]]], steps, last)
    return paths


def slow_graph(edges: Sequence[Association], places: Mapping[str, int]) -> SlowEdges:
    """Arrange edges by target; the strongest first, equal ones by their ends, so that no order of edges matters."""
    count = len(edges)
    first = np.fromiter((places[edge.first] for edge in edges), np.int64, count)
    second = np.fromiter((places[edge.second] for edge in edges), np.int64, count)
    kinds = np.fromiter((ORDER[edge.modality] for edge in edges), np.int64, count)
    beliefs = np.tile(np.fromiter((edge.probability for edge in edges), np.float64, count), 2)
    sources, targets = np.concatenate([first, second]), np.concatenate([second, first])
    order = np.lexsort((np.tile(kinds, 2), sources, -beliefs, targets))
    targets = targets[order]
    starts = np.flatnonzero(np.diff(targets, prepend=-1))
    return SlowEdges(
        sources[order], targets, starts.astype(np.int64), beliefs[order], np.tile(np.arange(count), 2)[order]
    )


def slow_rounds(
    graph: SlowEdges, own: F64, clear: F64, denied: F64, barred: Bool, hops: int, stop: float
) -> list[SlowLayer]:
    """What each round leaves; a belief and a denial go one step further in each."""
    layers = [SlowLayer(np.zeros_like(own), np.full(len(own), -1, dtype=np.int64))]
    given, denies = own, denied
    for _ in range(hops):
        said, through = slow_strongest(graph, np.where(given >= stop, given, 0.0), len(own))
        against, _ = slow_strongest(graph, denies, len(own))
        against = np.where(barred, MOST, against)
        left = said * (1.0 - against) / (1.0 - said * against)
        other = against * (1.0 - said) / (1.0 - said * against)
        layers.append(SlowLayer(left, through))
        given = np.maximum(own, (1.0 - clear) * left)
        denies = np.maximum(denied, (1.0 - clear) * np.where(own > 0.0, 0.0, other))
    return layers


def slow_strongest(graph: SlowEdges, known: F64, count: int) -> tuple[F64, I64]:
    """The most that a neighbour says of each appearance, and the edge that it says it by (-1 where none says any)."""
    best, through = np.zeros(count), np.full(count, -1, dtype=np.int64)
    if not len(graph.targets):
        return best, through
    said = graph.beliefs * known[graph.sources]
    filled = graph.targets[graph.starts]
    best[filled] = np.maximum.reduceat(said, graph.starts)
    is_best: Bool = (said > 0.0) & (said >= best[graph.targets])
    first = np.flatnonzero(is_best)[::-1]
    through[graph.targets[first]] = first
    return np.minimum(best, MOST), through


def slow_chain(graph: SlowEdges, layers: list[SlowLayer], own: F64, clear: F64, place: int) -> list[int]:
    """The edges by which an appearance was reached, from the seed on, read back from the last round."""
    steps: list[int] = []
    seen = {place: 0}
    for number in range(len(layers) - 1, 0, -1):
        edge = int(layers[number].through[place])
        steps.append(edge)
        place = int(graph.sources[edge])
        # What others took away between two rounds may lead back to where it came from: such a way round is left out.
        del steps[seen.setdefault(place, len(steps)) :]
        if own[place] > 0.0 and own[place] >= (1.0 - clear[place]) * layers[number - 1].belief[place]:
            break
    return steps[::-1]


@pytest.mark.parametrize("number", range(80))
async def test_arrays_give_what_objects_give(number: int) -> None:
    chance = random.Random(number)
    graph = Trimmed(chance, 30, chance.choice([0.02, 0.05, 0.15]), chance.choice([2, 4, 10, 10_000]))
    seeds = {name: chance.choice([0.5, 0.9, 1.0]) for name in chance.sample(graph.names, chance.randrange(6))}
    blocked = frozenset(chance.sample(sorted(set(graph.names) - seeds.keys()), chance.randrange(4)))
    bounds = Bounds(3, 1000, 0.2, 0.1, 5.0)
    most, kinds = chance.choice([4, 7, 12, 1000]), chance.choice([KINDS, KINDS[:2]])
    expander = Expander(graph, bounds)
    expanded = await expander.expand("town", seeds, kinds, blocked, most, 0.3)
    paths, edges = await Slow(graph, bounds, kinds, 0.3).expand(seeds, blocked, most)
    assert expanded.paths == paths
    assert set(expanded.edges.associations()) == edges
    around = await expander.follow(await expander.view("town", kinds, 0.3), seeds, blocked, most, chains=False)
    assert set(around.edges.associations()) == edges

    names = expanded.edges.names
    said = {
        name: Opinion(chance.choice([0.0, 0.2, 0.9]), chance.choice([0.0, 0.0, 0.5, 1.0]))
        for name in names
        if chance.random() < 0.6
    }
    expected = slowly_contested(sorted(edges, key=repr), seeds, said, blocked, hops=3, stop=0.1)
    left = contested(expanded.edges, seeds, Opinions.of(names, said), blocked, hops=3, stop=0.1)
    # What somebody said to be another may have no edge, and then says nothing.
    assert left == expected
