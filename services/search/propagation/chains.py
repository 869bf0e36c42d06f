"""Simple expansion: the best chain of links to each tracklet, its score the product of its steps.

The rule of `services.search.expansion`, on matrices: of all chains of at most so many links the one with the highest
product speaks. Affinities are probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from packs.arrays import F64
from services.search.propagation.graph import Graph, strongest

__all__ = ["Chains", "expand"]


@dataclass(frozen=True, slots=True)
class Chains:
    """Bounds of a chain; the defaults are the product's (`services.search.settings`).

    Attributes:
        hops: Most links in a chain.
        seed: Direct affinities below this begin no chain.
        stop: A chain that has sunk below this ends.
    """

    hops: int = 3
    seed: float = 0.5
    stop: float = 0.1


def expand(graph: Graph, bounds: Chains | None = None) -> F64:
    """Score tracklets for the cast: the best of the direct affinity and all chains, float64[C, N].

    Raises:
        ValueError: If an affinity is no probability.
    """
    limits = bounds or Chains()
    numbers = np.concatenate([graph.direct.ravel(), graph.links.data])
    if len(numbers) and (numbers.min() < 0.0 or numbers.max() > 1.0):
        raise ValueError(f"got affinities in [{numbers.min():.3g}, {numbers.max():.3g}], expected probabilities")
    best = graph.direct.T.copy()
    reached = np.where(best >= limits.seed, best, 0.0)
    for _ in range(limits.hops):
        found = strongest(graph.links, np.where(reached >= limits.stop, reached, 0.0))
        found[found < limits.stop] = 0.0
        improved = found > best
        if not improved.any():
            break
        best[improved] = found[improved]
        reached = np.where(improved, found, 0.0)
    return np.asarray(best.T)
