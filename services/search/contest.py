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

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from packs.arrays import F64, I64, Bool
from packs.spec import Modality
from services.backends.associations.blocks import MODALITY_CODES, EdgeBlock
from services.backends.associations.roster import rows_of
from services.search.paths import Path, step_along

__all__ = ["Opinion", "Opinions", "contested"]

# A belief that is 1 on both sides would leave 0 / 0.
MOST = 1.0 - 1e-9
# The modalities in their order, for which of two edges that say the same is told of.
_PLACES = np.zeros(256, dtype=np.int64)
for _place, _modality in enumerate(Modality):
    _PLACES[MODALITY_CODES[_modality]] = _place


@dataclass(frozen=True, slots=True)
class Opinion:
    """What an appearance says for itself.

    Attributes:
        belief: Probability that it is the person asked for, by the query's own embeddings.
        clear: How far its long-term embeddings can deny that, in [0, 1]; 0 without any.
    """

    belief: float
    clear: float


class Many(Protocol):
    """The opinions of M appearances, as `rivals.Rivals` has them."""

    @property
    def beliefs(self) -> F64:
        """As `Opinion.belief`, float64[M]."""
        ...

    @property
    def clear(self) -> F64:
        """As `Opinion.clear`, float64[M]."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Opinions:
    """What N appearances say for themselves, as `Opinion` has it: both float64[N]."""

    beliefs: F64
    clear: F64

    @classmethod
    def of(
        cls, names: Sequence[str], said: Mapping[str, Opinion], rivals: Many | None = None, at: I64 | None = None
    ) -> Self:
        """The opinions of some appearances, in order; those who say nothing deny nothing.

        Args:
            names: Their ids, each once.
            said: What some of them say.
            rivals: What others say, as arrays.
            at: int64[M], which of the names the rivals are.
        """
        beliefs, clear = np.zeros(len(names)), np.zeros(len(names))
        if rivals is not None and at is not None and len(rivals.beliefs):
            beliefs[at], clear[at] = rivals.beliefs, rivals.clear
        rows = rows_of(names, said)
        for row, opinion in zip(rows.tolist(), said.values(), strict=True):
            if row >= 0:
                beliefs[row], clear[row] = opinion.belief, opinion.clear
        return cls(beliefs, clear)


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
    """Both directions of all edges between N appearances, by target.

    Attributes:
        sources: int64[E], where each comes from.
        targets: int64[E], where it goes, rising.
        starts: int64[T], the first of each target that has any.
        beliefs: float64[E].
        rows: int64[E], which association it is.
        block: The associations.
    """

    block: EdgeBlock
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
    edges: EdgeBlock,
    seeds: Mapping[str, float],
    opinions: Opinions,
    others: Collection[str],
    *,
    hops: int,
    stop: float,
) -> dict[str, Path]:
    """Let the person asked for and everybody else compete for what associations reach.

    Args:
        edges: Of all appearances that may be reached; the seeds are among its names.
        seeds: Direct matches that chains start from, probability by appearance id.
        opinions: Of the appearances, by their rows.
        others: Appearances that somebody said to be others.
        hops: Most associations in a chain.
        stop: Weaker beliefs are not given on, and none is an answer.

    Returns:
        The chain to each appearance that keeps at least `stop`, its probability what the others leave of it; and of
        each seed that no chain says more of, the seed itself.
    """
    names = edges.names
    own, barred = np.zeros(len(names)), np.zeros(len(names), dtype=np.bool_)
    places, apart = edges.rows(seeds), edges.rows(others)
    own[places[places >= 0]] = np.array(list(seeds.values()))[places >= 0]
    barred[apart[apart >= 0]] = True
    denied = opinions.clear * (1.0 - opinions.beliefs)
    # What is not believed of a direct match is no one else's claim: its own belief says it already.
    denied[own > 0.0] = 0.0
    denied[barred] = MOST
    graph = _graph(edges)
    layers = _rounds(graph, own, opinions.clear, denied, barred, hops, stop)
    paths = {seed: Path(seed, (), probability) for seed, probability in seeds.items()}
    last = layers[-1].belief
    for row in np.flatnonzero(~barred & (last >= stop) & (last > own)).tolist():
        chain = _chain(graph, layers, own, opinions.clear, row)
        steps = tuple(step_along(edges, int(graph.rows[edge]), int(graph.sources[edge])) for edge in chain)
        paths[names[row]] = Path(names[int(graph.sources[chain[0]])], steps, float(last[row]))
    return paths


def _graph(edges: EdgeBlock) -> _Edges:
    """Arrange edges by target."""
    sources, targets = np.concatenate([edges.one, edges.other]), np.concatenate([edges.other, edges.one])
    # Of 16 bits they are sorted by counting, which takes a tenth of the time.
    order = np.argsort(targets.astype(np.uint16) if len(edges.names) <= 2**16 else targets, kind="stable")
    targets = targets[order]
    starts = np.flatnonzero(np.diff(targets, prepend=-1))
    rows = np.tile(np.arange(len(edges), dtype=np.int64), 2)[order]
    return _Edges(edges, sources[order], targets, starts.astype(np.int64), edges.probabilities[rows], rows)


def _rounds(graph: _Edges, own: F64, clear: F64, denied: F64, barred: Bool, hops: int, stop: float) -> list[_Layer]:
    """What each round leaves; a belief and a denial go one step further in each."""
    layers = [_Layer(np.zeros_like(own), np.full(len(own), -1, dtype=np.int64))]
    given, denies = own, denied
    for _ in range(hops):
        each = _said(graph, np.where(given >= stop, given, 0.0))
        strongest = _strongest(graph, each, len(own))
        through = _through(graph, each, strongest, stop)
        said = np.minimum(strongest, MOST)
        against = np.minimum(_strongest(graph, _said(graph, denies), len(own)), MOST)
        against = np.where(barred, MOST, against)
        left = said * (1.0 - against) / (1.0 - said * against)
        other = against * (1.0 - said) / (1.0 - said * against)
        layers.append(_Layer(left, through))
        given = np.maximum(own, (1.0 - clear) * left)
        denies = np.maximum(denied, (1.0 - clear) * np.where(own > 0.0, 0.0, other))
    return layers


def _said(graph: _Edges, known: F64) -> F64:
    """What is said along each edge, float64[E], of what is known of each appearance, float64[N]."""
    return np.asarray(graph.beliefs * known[graph.sources], dtype=np.float64)


def _strongest(graph: _Edges, said: F64, count: int) -> F64:
    """The most that a neighbour says of each of N appearances, float64[N]."""
    best = np.zeros(count)
    if len(said):
        best[graph.targets[graph.starts]] = np.maximum.reduceat(said, graph.starts)
    return best


def _through(graph: _Edges, said: F64, best: F64, stop: float) -> I64:
    """The edge by which the most is said of each appearance, of equal ones the strongest; -1 where that is too weak.

    What is below `stop` is not given on, and no chain leads through it.
    """
    through = np.full(len(best), -1, dtype=np.int64)
    strong = np.flatnonzero((said > 0.0) & (said >= stop))
    at = strong[said[strong] >= best[graph.targets[strong]]]
    starts = np.diff(graph.targets[at], prepend=-1) != 0
    group, chosen = np.cumsum(starts) - 1, at[starts]
    sources, codes = graph.sources[at], graph.block.codes[graph.rows[at]]
    # One edge is often there from both of its ends: that is no tie.
    leading = np.flatnonzero(starts)[group]
    ties = group[(sources != sources[leading]) | (codes != codes[leading])]
    for number in np.unique(ties).tolist():
        chosen[number] = min(at[group == number].tolist(), key=lambda edge: _rank(graph, edge))
    through[graph.targets[chosen]] = chosen
    return through


def _rank(graph: _Edges, edge: int) -> tuple[float, str, int]:
    """Orders edges that say the same of one target."""
    name, code = graph.block.names[int(graph.sources[edge])], graph.block.codes[graph.rows[edge]]
    return -float(graph.beliefs[edge]), name, int(_PLACES[code])


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
