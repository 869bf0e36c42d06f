"""Linear diffusion, the baseline of competitive consensus: every neighbour speaks, in proportion.

Source: the label propagation of the published code of Huang, Liu and Lin, ECCV 2018 (methods.md 1.3): each row of W is
made a distribution by a softmax over *all* its entries, and the labels of the cast are multiplied by it 50 times. Since
affinities lie within [0, 1] the softmax is nearly uniform, and the cast rows are not clamped: the baseline is weak.
"""

from __future__ import annotations

import numpy as np

from packs.arrays import F64
from services.search.propagation.graph import Graph

__all__ = ["diffuse"]

STEPS = 50


def diffuse(graph: Graph, steps: int = STEPS) -> F64:
    """Score tracklets for the cast, float64[C, N].

    An entry that is not stored is 0 and has the power e^0 = 1, so a row's softmax is 1 everywhere plus e^w - 1 where
    there is a link: the graph stays sparse.
    """
    cast, tracklets = graph.direct.shape
    links = graph.whole
    extra = links.copy()
    extra.data = np.expm1(links.data)
    total = float(cast + tracklets) + np.asarray(extra.sum(axis=1)).reshape(-1, 1)
    labels = np.vstack([np.eye(cast), np.zeros((tracklets, cast))])
    for _ in range(steps):
        labels = (extra @ labels + labels.sum(axis=0, keepdims=True)) / total
    return np.asarray(labels[cast:].T)
