"""Everybody around what a query reaches, compared with it: very many, and of nearly all only a number is wanted.

They are no candidates for an answer by themselves (those the index named), so of each vector of the query there is one
column of cosines, and evidence as objects only of those at the ends of chains.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from packs.arrays import F64, I64
from packs.spec import Modality
from services.backends.associations.blocks import EdgeBlock
from services.runtime.trust import trusts_in
from services.search import ranking
from services.search.chains import Calibrations, Doubt
from services.search.ports import Column, Evidence, Fusion, PortUnavailableError, candidates_of
from services.search.query import Task
from services.search.reach import LONG_TERM
from services.search.retrieval import Retriever
from services.search.retrieved import QueryVector
from services.search.speaking import Speakers

__all__ = ["RivalReader", "Rivals"]


@dataclass(frozen=True, slots=True, eq=False)
class Rivals:
    """N appearances that no neighbour list told of, compared with the query.

    Attributes:
        names: Their ids.
        columns: What each long-term vector says of them.
        beliefs: float64[N], that they are the person asked for.
        clear: float64[N], how far their embeddings can deny that, in [0, 1].
        loading: Whether some could not be read, since the index was loading.
    """

    names: Sequence[str] = ()
    columns: Sequence[Column] = ()
    beliefs: F64 = field(default_factory=lambda: np.zeros(0))
    clear: F64 = field(default_factory=lambda: np.zeros(0))
    loading: bool = False

    def evidence(self, appearance_ids: Iterable[str], at: I64) -> dict[str, tuple[Evidence, ...]]:
        """What was said of K appearances; of those that were compared in vain nothing.

        Args:
            appearance_ids: Their ids.
            at: int64[K], which of the rivals each is; -1 for one that is none.
        """
        return {
            one: tuple(piece for column in self.columns if (piece := column.evidence(row)) is not None)
            for one, row in zip(appearance_ids, at.tolist(), strict=True)
            if row >= 0
        }


class RivalReader:
    """Compares a query with very many appearances.

    Args:
        retriever: Reads their embeddings.
        fusion: What evidence says.
        calibration: Of the active pack.
        doubt: What an embedding can deny.
        most: Most that one query is compared with.
    """

    def __init__(
        self, retriever: Retriever, fusion: Fusion, calibration: Calibrations, doubt: Doubt, most: int
    ) -> None:
        self._retriever, self._fusion, self._calibration = retriever, fusion, calibration
        self._doubt, self._most = doubt, most

    def strangers(self, vectors: Sequence[QueryVector], edges: EdgeBlock, evidence: Collection[str]) -> I64:
        """Those appearances around some edges that columns tell all of, rows: there is no evidence of them yet.

        A network weighs modalities together, and so one by one.
        """
        if self._fusion.by_network and len({vector.modality for vector in vectors}) > 1:
            return np.empty(0, dtype=np.int64)
        known = edges.rows(evidence)
        unheard = np.ones(len(edges.names), dtype=np.bool_)
        unheard[known[known >= 0]] = False
        return np.flatnonzero(unheard)

    def first(self, edges: EdgeBlock, rows: I64) -> I64:
        """As many of some rows as one query is compared with: beyond the most, the last ids are left out."""
        if len(rows) <= self._most:
            return rows
        return np.array(sorted(rows.tolist(), key=lambda row: edges.names[row])[: self._most], dtype=np.int64)

    async def of(
        self, gallery: str, vectors: Sequence[QueryVector], names: Sequence[str], speakers: Speakers
    ) -> Rivals:
        """Compare long-term vectors of a query with some appearances.

        Args:
            gallery: Where they are.
            vectors: Those that may say anything of them.
            names: Which, each once.
            speakers: Who speaks.
        """
        if not len(names) or not vectors:
            return Rivals()
        columns, loading = await self._retriever.columns(vectors, gallery, names)
        links = np.ones(len(names))
        if speakers.known:
            links = np.fromiter((speakers.link(name) for name in names), np.float64, len(names))
        return Rivals(names, columns, await self._seen(columns, links), self._clear(columns, links), loading)

    async def _seen(self, columns: Sequence[Column], links: F64) -> F64:
        try:
            return await self._fusion.seen(columns, links)
        except PortUnavailableError:
            fallen = (ranking.fallback(each, self._calibration, Task.SEEN) for each in candidates_of(columns, links))
            return np.fromiter((each.probability for each in fallen), np.float64, len(links))

    def _clear(self, columns: Sequence[Column], links: F64) -> F64:
        """`Doubt.clear_of` of all."""
        clear = np.zeros(len(links))
        for column in columns:
            if column.weight > 0.0 and column.modality in LONG_TERM:
                said = _clearnesses(self._doubt, column)
                if column.modality is Modality.VOICE:
                    said = said * links * trusts_in(column.modality, column.qualities)
                clear = np.maximum(clear, np.where(np.isnan(column.cosines), 0.0, said))
        return np.minimum(1.0, clear)


def _clearnesses(doubt: Doubt, column: Column) -> F64:
    """`Doubt.clearness` of all."""
    if column.modality is Modality.VOICE:
        return np.ones_like(column.qualities)
    if doubt.clear <= doubt.unclear:
        return np.asarray(column.qualities >= doubt.clear, dtype=np.float64)
    return np.clip((column.qualities - doubt.unclear) / (doubt.clear - doubt.unclear), 0.0, 1.0)
