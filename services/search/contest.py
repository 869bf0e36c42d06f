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

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from packs.arrays import F64, I64, Bool
from packs.spec import Modality
from services.backends.associations.blocks import MODALITY_CODES, EdgeBlock
from services.backends.associations.roster import rows_of
from services.search.answer import Step
from services.search.paths import Path, steps_along
from services.search.ways import Ways

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
        cls,
        names: Sequence[str],
        said: Mapping[str, Opinion],
        rivals: Many | None = None,
        at: I64 | None = None,
        rows: I64 | None = None,
    ) -> Self:
        """The opinions of some appearances, in order; those who say nothing deny nothing.

        Args:
            names: Their ids, each once.
            said: What some of them say.
            rivals: What others say, as arrays.
            at: int64[M], which of the names the rivals are.
            rows: int64[K], which of the names those are who say something; None looks them up.
        """
        beliefs, clear = np.zeros(len(names)), np.zeros(len(names))
        if rivals is not None and at is not None and len(rivals.beliefs):
            beliefs[at], clear[at] = rivals.beliefs, rivals.clear
        rows = rows_of(names, said) if rows is None else rows
        here = np.flatnonzero(rows >= 0)
        told = ((opinion.belief, opinion.clear) for opinion in said.values())
        both = np.fromiter(itertools.chain.from_iterable(told), np.float64, 2 * len(said)).reshape(-1, 2)
        beliefs[rows.take(here)], clear[rows.take(here)] = both.take(here, axis=0).T
        return cls(beliefs, clear)


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """A round: p of each appearance, float64[N], and the way that gave it, int64[N], -1 for none."""

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
    ways = Ways(edges)
    layers = _rounds(ways, own, opinions.clear, denied, barred, hops, stop)
    paths = {seed: Path(seed, (), probability) for seed, probability in seeds.items()}
    last = layers[-1].belief
    reached = np.flatnonzero(~barred & (last >= stop) & (last > own))
    chains = [_chain(ways, layers, own, opinions.clear, row) for row in reached.tolist()]
    ends = zip(edges.some(reached), last[reached].tolist(), _steps(ways, chains), strict=True)
    paths.update((name, Path(str(steps[0].source), steps, belief)) for name, belief, steps in ends)
    return paths


def _rounds(ways: Ways, own: F64, clear: F64, denied: F64, barred: Bool, hops: int, stop: float) -> list[_Layer]:
    """What each round leaves; a belief and a denial go one step further in each."""
    layers = [_Layer(np.zeros_like(own), np.full(len(own), -1, dtype=np.int64))]
    given, denies, doubtful = own, denied, 1.0 - clear
    for _ in range(hops):
        said, through = _claimed(ways, given, stop)
        against = np.minimum(ways.most(denies), MOST)
        against[barred] = MOST
        together = 1.0 - said * against
        left = said * (1.0 - against) / together
        other = against * (1.0 - said) / together
        layers.append(_Layer(left, through))
        given = np.maximum(own, doubtful * left)
        denies = np.maximum(denied, doubtful * np.where(own > 0.0, 0.0, other))
    return layers


def _claimed(ways: Ways, given: F64, stop: float) -> tuple[F64, I64]:
    """The most that a neighbour says of each of N appearances, float64[N], and the way by which.

    What is below `stop` is not given on, and no chain leads through it: there the way is -1.
    """
    best, through = np.zeros(len(given)), np.full(len(given), -1, dtype=np.int64)
    at, sources, targets = ways.speaking((given >= stop) & (given > 0.0))
    edges = ways.edges(at)
    said = ways.block.probabilities.take(edges) * given.take(sources)
    np.maximum.at(best, targets, said)
    strong = ((said >= stop) & (said >= best.take(targets))).nonzero()[0]
    targets, sources, codes = targets.take(strong), sources.take(strong), ways.block.codes.take(edges.take(strong))
    # Any of those that say the same, unless they come from different ones: one edge is often there from both ends.
    through[targets] = np.arange(len(strong))
    chosen = through.take(targets)
    tied = (sources != sources.take(chosen)) | (codes != codes.take(chosen))
    for target in np.unique(targets[tied]).tolist() if tied.any() else ():
        several = np.flatnonzero(targets == target).tolist()
        through[target] = min(several, key=lambda way: _rank(ways, int(at[strong[way]])))
    through[targets] = at.take(strong.take(through.take(targets)))
    return np.minimum(best, MOST), through


def _rank(ways: Ways, way: int) -> tuple[float, str, int]:
    """Orders ways that say the same of one target, the strongest edge first."""
    block, edge = ways.block, int(ways.edges(np.array([way]))[0])
    return -float(block.probabilities[edge]), block.names[ways.source(way)], int(_PLACES[block.codes[edge]])


def _chain(ways: Ways, layers: list[_Layer], own: F64, clear: F64, place: int) -> list[int]:
    """The ways by which an appearance was reached, from the seed on, read back from the last round."""
    steps: list[int] = []
    seen = {place: 0}
    for number in range(len(layers) - 1, 0, -1):
        way = int(layers[number].through[place])
        steps.append(way)
        place = ways.source(way)
        # What others took away between two rounds may lead back to where it came from: such a way round is left out.
        del steps[seen.setdefault(place, len(steps)) :]
        if own[place] > 0.0 and own[place] >= (1.0 - clear[place]) * layers[number - 1].belief[place]:
            break
    return steps[::-1]


def _steps(ways: Ways, chains: Sequence[Sequence[int]]) -> list[tuple[Step, ...]]:
    """Chains as objects."""
    flat = np.array([way for chain in chains for way in chain], dtype=np.int64)
    edges = ways.edges(flat)
    sources = np.where(flat == edges, ways.block.one.take(edges), ways.block.other.take(edges))
    made = iter(steps_along(ways.block, edges, sources))
    return [tuple(itertools.islice(made, len(chain))) for chain in chains]
