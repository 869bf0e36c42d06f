"""The ways of propagation that protocols compare, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from packs.arrays import F64
from services.search.propagation.chains import expand
from services.search.propagation.consensus import Consensus, propagate
from services.search.propagation.diffusion import diffuse
from services.search.propagation.graph import Graph

__all__ = ["BASELINE", "NONE", "WAYS", "Way"]

Way = Callable[[Graph], F64]

NONE = "none"
BASELINE = "diffusion"

WAYS: Mapping[str, Way] = {
    NONE: lambda graph: graph.direct,
    "chains": expand,
    "consensus": lambda graph: propagate(graph, Consensus()),
    "consensus, published": lambda graph: propagate(graph, Consensus(published=True)),
    BASELINE: diffuse,
}
