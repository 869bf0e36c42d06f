"""Who else may claim an appearance: the person asked for against everybody who is known to be somebody else.

Chains carry belief from direct matches outwards, and where clothes and heads look alike they reach strangers too. But
strangers have faces elsewhere: an appearance without a face that looks like the person asked for, and as much like
somebody whose face is clearly another's, is a tie, not a find. So two beliefs run along the associations, each given on
by the strongest neighbour (competitive consensus: Huang, Liu and Lin, ECCV 2018; here with one person against all
others, who need no names): a, that it is the person, from direct matches, and r, that it is somebody else, from
appearances whose face (or voice) denies it. As only one of them can be true,

    p = a (1 - r) / (1 - a r)        q = r (1 - a) / (1 - a r)

are what the two leave of each other, and what the next step gives on. An appearance with a clear face of its own is
told by that, not by its neighbours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from packs.arrays import F64, I64, Bool
from packs.spec import Modality
from services.backends.schemas import Association
from services.search.expansion import Path, step_along

__all__ = ["Opinion", "contested"]

# A belief that is 1 on both sides would leave 0 / 0.
MOST = 1.0 - 1e-9
_ORDER = {modality: place for place, modality in enumerate(Modality)}


@dataclass(frozen=True, slots=True)
class Opinion:
    """What an appearance says for itself.

    Attributes:
        belief: Probability that it is the person asked for, by the query's own embeddings.
        clear: How far its long-term embeddings can deny that, in [0, 1]; 0 without any.
    """

    belief: float
    clear: float


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
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
class _Layer:
    """A round: p of each appearance, float64[N], and the edge that gave it, int64[N], -1 for none."""

    belief: F64
    through: I64


def contested(
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
    graph = _graph(several, places)
    layers = _rounds(graph, own, clear, denied, barred, hops, stop)
    paths = {seed: Path(seed, (), probability) for seed, probability in seeds.items()}
    for place, name in enumerate(names):
        last = float(layers[-1].belief[place])
        if barred[place] or last < stop or last <= own[place]:
            continue
        chain = _chain(graph, layers, own, clear, place)
        steps = tuple(step_along(several[graph.rows[edge]], names[graph.sources[edge]]) for edge in chain)
        paths[name] = Path(names[graph.sources[chain[0]]], steps, last)
    return paths


def _graph(edges: Sequence[Association], places: Mapping[str, int]) -> _Edges:
    """Arrange edges by target; the strongest first, equal ones by their ends, so that no order of edges matters."""
    count = len(edges)
    first = np.fromiter((places[edge.first] for edge in edges), np.int64, count)
    second = np.fromiter((places[edge.second] for edge in edges), np.int64, count)
    kinds = np.fromiter((_ORDER[edge.modality] for edge in edges), np.int64, count)
    beliefs = np.tile(np.fromiter((edge.probability for edge in edges), np.float64, count), 2)
    sources, targets = np.concatenate([first, second]), np.concatenate([second, first])
    order = np.lexsort((np.tile(kinds, 2), sources, -beliefs, targets))
    targets = targets[order]
    starts = np.flatnonzero(np.diff(targets, prepend=-1))
    return _Edges(sources[order], targets, starts.astype(np.int64), beliefs[order], np.tile(np.arange(count), 2)[order])


def _rounds(graph: _Edges, own: F64, clear: F64, denied: F64, barred: Bool, hops: int, stop: float) -> list[_Layer]:
    """What each round leaves; a belief and a denial go one step further in each."""
    layers = [_Layer(np.zeros_like(own), np.full(len(own), -1, dtype=np.int64))]
    given, denies = own, denied
    for _ in range(hops):
        said, through = _strongest(graph, np.where(given >= stop, given, 0.0), len(own))
        against, _ = _strongest(graph, denies, len(own))
        against = np.where(barred, MOST, against)
        left = said * (1.0 - against) / (1.0 - said * against)
        other = against * (1.0 - said) / (1.0 - said * against)
        layers.append(_Layer(left, through))
        given = np.maximum(own, (1.0 - clear) * left)
        denies = np.maximum(denied, (1.0 - clear) * np.where(own > 0.0, 0.0, other))
    return layers


def _strongest(graph: _Edges, known: F64, count: int) -> tuple[F64, I64]:
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


def _chain(graph: _Edges, layers: list[_Layer], own: F64, clear: F64, place: int) -> list[int]:
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
