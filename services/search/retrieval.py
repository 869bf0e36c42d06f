"""The vectors of a query against the index, each modality at the same time as the others."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from packs.spec import Modality
from services.backends.index.protocol import IndexLoadingError, VectorIndex
from services.backends.schemas import EmbeddingRow, Neighbour, Scope
from services.search.nearby import Near, NearVectors
from services.search.ports import Column, Evidence
from services.search.reach import LONG_TERM
from services.search.retrieved import Key, QueryVector, Retrieved, merged, unheard


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One call of the index: vectors of one modality in one scope."""

    modality: Modality
    vectors: tuple[QueryVector, ...]
    scope: Scope


class Retriever:
    """Asks the index for neighbours and for the cosines that a neighbour list lacks.

    Args:
        index: The index.
        near: The faces and voices of it that are read again and again; its owner closes it.
    """

    def __init__(self, index: VectorIndex, near: NearVectors) -> None:
        self._index, self._near = index, near

    async def nearest(self, vectors: Sequence[QueryVector], scope: Scope, limit: int) -> Retrieved:
        """The nearest appearances of each vector in a scope, at most `limit` each."""
        jobs = _jobs(vectors, scope)
        answers = await asyncio.gather(*(self._search(job, limit) for job in jobs))
        evidence: dict[str, list[Evidence]] = defaultdict(list)
        cut: set[Key] = set()
        for job, lists in zip(jobs, answers, strict=True):
            for vector, neighbours in zip(job.vectors, lists or (), strict=False):
                if len(neighbours) >= limit:
                    cut.add(vector.key)
                for neighbour in neighbours:
                    evidence[neighbour.appearance_id].append(_evidence(vector, neighbour))
        return Retrieved(_frozen(evidence), frozenset(cut), any(lists is None for lists in answers))

    async def compare(self, vectors: Sequence[QueryVector], gallery: str, appearance_ids: Iterable[str]) -> Retrieved:
        """What every vector says of every one of some appearances, within its reach."""
        ids = sorted(set(appearance_ids))
        if not ids or not vectors:
            return Retrieved({})
        lasting = [vector for vector in vectors if vector.modality in LONG_TERM]
        brief = [vector for vector in vectors if vector.modality not in LONG_TERM]
        rest = Retrieved({})
        if brief:
            (columns, loading), rest = await asyncio.gather(
                self.columns(lasting, gallery, ids), self._compare_brief(brief, gallery, ids)
            )
        else:
            columns, loading = await self.columns(lasting, gallery, ids)
        evidence: dict[str, list[Evidence]] = defaultdict(list)
        for column in columns:
            for row in np.flatnonzero(~np.isnan(column.cosines)).tolist():
                if (piece := column.evidence(row)) is not None:
                    evidence[ids[row]].append(piece)
        return merged([Retrieved(_frozen(evidence), loading=loading), rest])

    async def columns(
        self, vectors: Sequence[QueryVector], gallery: str, appearance_ids: Sequence[str]
    ) -> tuple[list[Column], bool]:
        """What long-term vectors say of some appearances, each once; and whether some of it was being loaded."""
        columns: list[Column] = []
        loading = False
        for modality in sorted({vector.modality for vector in vectors}) if appearance_ids else ():
            try:
                near = await self._near.of(modality, gallery, appearance_ids)
            except IndexLoadingError:
                loading = True
                continue
            if near.there.any():
                columns += [_column(vector, near) for vector in vectors if vector.modality is modality]
        return columns, loading

    async def _compare_brief(self, vectors: Sequence[QueryVector], gallery: str, ids: Sequence[str]) -> Retrieved:
        """What short-term vectors say."""
        modalities = sorted({vector.modality for vector in vectors}) if ids else []
        read = await asyncio.gather(*(self.read(modality, gallery, ids) for modality in modalities))
        evidence: dict[str, list[Evidence]] = defaultdict(list)
        for modality, rows in zip(modalities, read, strict=True):
            spoken = [vector for vector in vectors if vector.modality is modality]
            for vector, row, cosine in _cosines(spoken, list((rows or {}).values())):
                if vector.reaches(row.video_id, row.start_s, row.end_s):
                    evidence[row.appearance_id].append(_evidence_of_row(vector, row, cosine))
        return Retrieved(_frozen(evidence), loading=any(rows is None for rows in read))

    async def completed(self, vectors: Sequence[QueryVector], gallery: str, known: Retrieved) -> Retrieved:
        """What was found, with what the vectors whose lists were cut say of the appearances on the others' lists.

        A full list tells nothing of what is not on it; where several vectors speak, each is heard on all.
        """
        cut = [vector for vector in vectors if vector.key in known.cut]
        more = unheard(known, cut, known.evidence)
        if not more:
            return known
        return merged([known, await self.compare(cut, gallery, more)])

    async def _search(self, job: _Job, limit: int) -> list[list[Neighbour]] | None:
        try:
            stacked = np.stack([vector.vector for vector in job.vectors])
            return await self._index.search(job.modality, stacked, job.scope, limit)
        except IndexLoadingError:
            return None

    async def read(self, modality: Modality, gallery: str, ids: Sequence[str]) -> dict[str, EmbeddingRow] | None:
        """The embeddings of some appearances; None while the index is loading."""
        try:
            return await self._index.get_embeddings(modality, gallery, ids)
        except IndexLoadingError:
            return None


def _jobs(vectors: Sequence[QueryVector], scope: Scope) -> list[_Job]:
    """Long-term vectors of a modality share one call; a short-term one has a call for each stretch."""
    shared: dict[Modality, list[QueryVector]] = defaultdict(list)
    jobs: list[_Job] = []
    for vector in vectors:
        if vector.stretches is None:
            shared[vector.modality].append(vector)
            continue
        for stretch in vector.stretches:
            left = stretch.within(scope)
            if left is not None:
                narrowed = Scope(scope.gallery, (left.video_id,), left.start_s, left.end_s)
                jobs.append(_Job(vector.modality, (vector,), narrowed))
    return [*(_Job(modality, tuple(group), scope) for modality, group in shared.items()), *jobs]


def _cosines(
    vectors: Sequence[QueryVector], rows: Sequence[EmbeddingRow]
) -> Iterable[tuple[QueryVector, EmbeddingRow, float]]:
    if not vectors or not rows:
        return
    cosines = np.stack([vector.vector for vector in vectors]) @ np.stack([row.vector for row in rows]).T
    for vector, of_vector in zip(vectors, cosines.tolist(), strict=True):
        for row, cosine in zip(rows, of_vector, strict=True):
            yield vector, row, cosine


def _column(vector: QueryVector, near: Near) -> Column:
    cosines = np.clip((near.vectors @ vector.vector).astype(np.float64), -1.0, 1.0)
    return Column(
        vector.part_index,
        vector.modality,
        vector.weight,
        np.where(near.there, cosines, np.nan),
        np.minimum(near.qualities, vector.quality),
    )


def _evidence(vector: QueryVector, neighbour: Neighbour) -> Evidence:
    cosine, quality = _clipped(neighbour.cosine), min(vector.quality, neighbour.quality)
    return Evidence(vector.part_index, vector.modality, cosine, vector.weight, quality)


def _evidence_of_row(vector: QueryVector, row: EmbeddingRow, cosine: float) -> Evidence:
    quality = min(vector.quality, row.quality)
    return Evidence(vector.part_index, vector.modality, _clipped(cosine), vector.weight, quality)


def _clipped(cosine: float) -> float:
    return min(1.0, max(-1.0, cosine))


def _frozen(evidence: Mapping[str, Sequence[Evidence]]) -> dict[str, tuple[Evidence, ...]]:
    return {appearance_id: tuple(pieces) for appearance_id, pieces in evidence.items()}
