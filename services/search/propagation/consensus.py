"""Progressive propagation via competitive consensus, as published and with clamped anchors.

Source: Huang, Liu and Lin, "Person Search in Videos with One Portrait Through Visual and Temporal Links", ECCV 2018,
and its published code (methods.md 1.3). Each step gives every node, for each cast member, what its *strongest*
neighbour says (competitive consensus), sharpens that to a distribution over the cast, and freezes the surest share of
the nodes (progressive propagation); only frozen nodes speak in the next step.

Two things of the published code are kept only behind `published`: cast members are nodes like others, so they forget
who they are until they are frozen; and a node that no evidence reaches gets the same share of everybody and may be
frozen so. Ours clamps the anchors, freezes nothing that is not surer than a uniform guess, and lets such nodes keep
their direct affinity alone. With a level for `nobody`, that nobody of the cast competes with everybody: a distribution
over one person alone, as of a single query, would otherwise be 1 wherever anything arrives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from packs.arrays import F64
from services.search.propagation.graph import Graph, strongest

__all__ = ["Consensus", "propagate"]

# Below, a share of a cast member is taken for none.
LEAST_SHARE = 1e-3
# A maximum that is not above the uniform share by this says nothing.
SURER = 1e-6


@dataclass(frozen=True, slots=True)
class Consensus:
    """How it runs; the numbers are the published ones.

    Attributes:
        steps: How many.
        first_share: Share of the nodes that is frozen in the first step; it grows evenly to 1.
        temperature: Of the softmax over the cast; small is sharp.
        published: Whether to do what the published code does; else anchors are clamped.
        nobody: Affinity with which "nobody of the cast" competes; None leaves it out, as the published code does.
    """

    steps: int = 5
    first_share: float = 0.5
    temperature: float = 0.03
    published: bool = False
    nobody: float | None = None

    def __post_init__(self) -> None:
        if self.steps < 2 or not 0.0 < self.first_share <= 1.0 or self.temperature <= 0.0:
            raise ValueError(
                f"got {self.steps} steps, a first share of {self.first_share} and a temperature of {self.temperature}, "
                "expected at least 2, a share in (0, 1] and a temperature above 0"
            )
        if self.published and self.nobody is not None:
            raise ValueError("the published way knows no `nobody`; leave one of the two out")

    def share(self, step: int) -> float:
        """Share of the nodes that is frozen after a step, counted from 0."""
        return self.first_share + step * (1.0 - self.first_share) / (self.steps - 1)


def propagate(graph: Graph, how: Consensus | None = None) -> F64:
    """Score tracklets for the cast: direct affinity plus consensus, float64[C, N]; what both say is at most 1 + 1."""
    rule = how or Consensus()
    return _published(graph, rule) if rule.published else _clamped(graph, rule)


def _published(graph: Graph, rule: Consensus) -> F64:
    cast, tracklets = graph.direct.shape
    nodes, links = cast + tracklets, graph.whole
    seeds = np.vstack([np.eye(cast), np.zeros((tracklets, cast))])
    spoken, reached, frozen = seeds, seeds, np.zeros(nodes, dtype=bool)
    for step in range(rule.steps):
        reached = np.where(frozen[:, None], spoken, _sharpened(strongest(links, spoken), rule))
        # As the published code does, exactly so many: of equally sure nodes those that are stored first.
        frozen[np.argsort(-reached.max(axis=1), kind="stable")[: int(rule.share(step) * nodes)]] = True
        spoken = _told(reached, frozen)
    return np.asarray((links @ seeds + reached)[cast:].T)


def _clamped(graph: Graph, rule: Consensus) -> F64:
    """The anchors' part of every step is their direct affinity, so they need no rows of their own."""
    cast, tracklets = graph.direct.shape
    spoken = reached = np.zeros((tracklets, cast))
    frozen = np.zeros(tracklets, dtype=bool)
    least = (1.0 / (cast + (rule.nobody is not None))) + SURER
    for step in range(rule.steps):
        heard = np.maximum(strongest(graph.links, spoken), graph.direct.T)
        sharp = _sharpened(heard, rule)
        sharp[sharp.max(axis=1, initial=0.0) <= least] = 0.0
        reached = np.where(frozen[:, None], spoken, sharp)
        frozen = frozen | (_surest(reached, int(rule.share(step) * tracklets)) & reached.any(axis=1))
        spoken = _told(reached, frozen)
    return graph.direct + reached.T


def _sharpened(heard: F64, rule: Consensus) -> F64:
    """The softmax over the cast, and over nobody where that competes: float64[M, C]."""
    cast = heard.shape[1]
    levels = heard if rule.nobody is None else np.hstack([heard, np.full((len(heard), 1), rule.nobody)])
    powers = np.exp((levels - levels.max(axis=1, keepdims=True)) / rule.temperature)
    return np.asarray((powers / powers.sum(axis=1, keepdims=True))[:, :cast])


def _surest(reached: F64, count: int) -> NDArray[np.bool_]:
    """The nodes whose highest share is among the `count` highest, and all as sure as the last: no order matters."""
    chosen = np.zeros(len(reached), dtype=bool)
    if count > 0:
        highest = reached.max(axis=1)
        chosen = highest >= np.partition(highest, -count)[-count]
    return chosen


def _told(reached: F64, frozen: NDArray[np.bool_]) -> F64:
    told = np.where(frozen[:, None], reached, 0.0)
    told[told < LEAST_SHARE] = 0.0
    return told
