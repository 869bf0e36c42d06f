"""What an edge is worth inside of an identity and between two (`services.association.context`): pairs, and a fit.

Edges are taken as they are stored, of all modalities, each once; which of the two maps one falls under says the same
code that searches ask. An edge is right if both of its appearances show, or let hear, one person; those with an end
that the truth assigns to nobody are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evaluation.associations.rows import HOLD, Rows
from evaluation.datasets.tracklets import Tracklets
from evaluation.served.product import GALLERY
from packs.arrays import F64, I64
from packs.beta import BetaCalibration, fit_beta
from services.association.composing import ComposedAssociations
from services.association.context import IdentityContext

__all__ = ["EdgeMap", "edges_of", "fit_edge_map"]


@dataclass(frozen=True, slots=True)
class EdgeMap:
    """What edges are worth, by what they say: a `Reading`."""

    line: BetaCalibration

    def of(self, columns: F64) -> F64:
        """Of float64[R, 1], what each says by itself: float64[R]."""
        return self.line.of(columns[:, 0])

    @property
    def source(self) -> str:
        """As in `context.py`."""
        return f"BetaCalibration({', '.join(f'{name}={round(value, 3)}' for name, value in self.values.items())})"

    @property
    def values(self) -> Mapping[str, float]:
        """The three of them."""
        return {"a": self.line.a, "b": self.line.b, "c": self.line.c}


async def edges_of(tracklets: Tracklets, served: ComposedAssociations) -> tuple[Rows, Rows]:
    """The edges inside of identities, and those between two that are large enough.

    Args:
        tracklets: What the gallery holds, and the truth.
        served: Its associations and identities, as `served.product.associated` makes them.
    """
    context = IdentityContext.of(await served.keeper.people(GALLERY))
    stored = await served.stored.list_associations(GALLERY, tracklets.ids, (), 0.0)
    places = {name: row for row, name in enumerate(tracklets.ids)}
    ends = np.array([(places[edge.first], places[edge.second]) for edge in stored], dtype=np.int64).reshape(-1, 2)
    rows = _rows(tracklets, ends, np.array([edge.probability for edge in stored], dtype=np.float64))
    homes = context.of_rows(tracklets.ids)
    within, between = context.cases(homes[ends[:, 0]], homes[ends[:, 1]])
    known = np.array([name is not None for name in tracklets.identities], dtype=np.bool_)[ends].all(axis=1)
    return rows.where(within & known), rows.where(between & known)


def fit_edge_map(rows: Rows) -> EdgeMap:
    """Fit what edges are worth; all count alike. Raises ValueError where all are right or none is."""
    return EdgeMap(fit_beta(rows.columns[:, 0], rows.right, rows.weights, hold=HOLD))


def _rows(tracklets: Tracklets, ends: I64, said: F64) -> Rows:
    people, movies = np.array(tracklets.identities, dtype=object)[ends], np.array(tracklets.movies)[ends]
    right = np.asarray(people[:, 0] == people[:, 1], dtype=np.bool_)
    films = np.stack([(movies == film).any(axis=1) for film in dict.fromkeys(tracklets.movies)], axis=1)
    return Rows(said[:, None], right, films, np.ones(len(said)))
