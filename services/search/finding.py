"""The parts of a query to beliefs about appearances: retrieve, fuse, expand, contradict, compete."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.backends.schemas import Scope
from services.search import ranking
from services.search.answer import Belief, Degradation
from services.search.expansion import Expander, Path
from services.search.parts import ReadPart
from services.search.ports import Evidence, Fusion, PortUnavailableError
from services.search.query import Query
from services.search.ranking import Calibrations, Direct
from services.search.reach import LONG_TERM
from services.search.retrieval import QueryVector, Retrieved, Retriever, heard, merged, only
from services.search.settings import SearchSettings


@dataclass(frozen=True, slots=True)
class _Person:
    """What is known of one person, asked for or rejected."""

    retrieved: Retrieved
    direct: Mapping[str, Direct]
    paths: Mapping[str, Path]
    degraded: frozenset[Degradation]

    def path_to(self, appearance_id: str) -> Path | None:
        """The chain to an appearance; what the query names needs none, and a seed has none."""
        direct = self.direct.get(appearance_id)
        if direct is not None and direct.named_by is not None:
            return None
        path = self.paths.get(appearance_id)
        return path if path is not None and path.steps else None


@dataclass(frozen=True, slots=True)
class Found:
    """The score of each appearance, what had to be done without, and the reasons, which are made when asked for."""

    scores: Mapping[str, float]
    degraded: frozenset[Degradation]
    person: _Person
    against: Mapping[str, float]
    calibration: Calibrations

    def explain(self, appearance_id: str, score: float) -> Belief:
        """Say why an appearance has its score."""
        path = self.person.path_to(appearance_id)
        seed = self.person.direct[path.seed] if path is not None else None
        direct = self.person.direct.get(appearance_id)
        against = self.against.get(appearance_id, 0.0)
        return ranking.explain(appearance_id, score, direct, path, seed, against, self.calibration)


class PersonFinder:
    """Finds one person; knows neither pictures nor the wire.

    Args:
        retriever: The index.
        fusion: Joins evidence.
        expander: Follows associations.
        calibration: Of the active pack; every vector of a query has a modality that is in it.
        settings: How far to look.
    """

    def __init__(
        self,
        retriever: Retriever,
        fusion: Fusion,
        expander: Expander,
        calibration: Calibrations,
        settings: SearchSettings,
    ) -> None:
        self._retriever = retriever
        self._fusion = fusion
        self._expander = expander
        self._calibration = calibration
        self._settings = settings

    async def find(self, parts: Sequence[ReadPart], query: Query, limit: int) -> Found:
        """Find whom the parts with positive weights show, and none whom the others show.

        Args:
            parts: The query's parts, read.
            query: Its filter and how far it may go.
            limit: Most neighbours of each vector.
        """
        wanted = [part for part in parts if part.weight > 0.0]
        rejected = [part for part in parts if part.weight < 0.0]
        blocked = frozenset(part.appearance_id for part in rejected if part.appearance_id is not None)
        person, *others = await asyncio.gather(
            self._wanted(wanted, rejected, query, limit, blocked),
            *(self._rejected(part, query) for part in rejected if query.expand),
        )
        against = await self._contradictions(query.gallery, wanted, person)
        competitors = [(part.weight, other.paths) for part, other in zip(rejected, others, strict=False)]
        # Most appearances have only a direct belief, and keep it as it is.
        scores = {one: direct.probability for one, direct in person.direct.items()}
        for one in person.paths.keys() | scores.keys() if competitors else person.paths:
            scores[one] = self._score(one, person, against.get(one, 0.0), competitors)
        for one in blocked & scores.keys():
            del scores[one]
        degraded = person.degraded.union(*(other.degraded for other in others))
        return Found(scores, degraded, person, against, self._calibration)

    async def _wanted(
        self,
        wanted: Sequence[ReadPart],
        rejected: Sequence[ReadPart],
        query: Query,
        limit: int,
        blocked: frozenset[str],
    ) -> _Person:
        vectors = _vectors_of([*wanted, *rejected])
        searches = [self._retriever.nearest(vectors, query.scope, limit)]
        if query.narrow and query.expand:
            # A chain may start outside of the filter: the face that is seen a minute before the time asked for.
            wide = Scope(query.gallery)
            searches.append(self._retriever.nearest(vectors, wide, self._settings.minimum_limit))
        found = merged(await asyncio.gather(*searches))
        matched = [one for one, pieces in found.evidence.items() if any(piece.weight > 0.0 for piece in pieces)]
        retrieved = await self._retriever.completed(vectors, query.gallery, only(found, matched))
        return await self._know(wanted, retrieved, query, blocked)

    async def _rejected(self, part: ReadPart, query: Query) -> _Person:
        """The person of a negative part; one that is an appearance already is followed from there."""
        turned = part.turned
        retrieved = Retrieved({})
        if part.appearance_id is None:
            scope, limit = Scope(query.gallery), self._settings.minimum_limit
            retrieved = await self._retriever.nearest(turned.vectors, scope, limit)
        return await self._know([turned], retrieved, query, frozenset())

    async def _know(
        self, parts: Sequence[ReadPart], retrieved: Retrieved, query: Query, blocked: frozenset[str]
    ) -> _Person:
        degraded = {Degradation.INDEX_LOADING} if retrieved.loading else set()
        direct, fused = await self._direct(retrieved.evidence)
        if not fused:
            degraded.add(Degradation.FUSION)
        for part in parts:
            if part.appearance_id is not None:
                modality = part.vectors[0].modality
                direct[part.appearance_id] = ranking.named(part.index, modality)
        paths: Mapping[str, Path] = {}
        if query.expand:
            expanded = await self._expander.expand(
                query.gallery, self._seeds(direct, blocked), tuple(self._calibration), blocked
            )
            paths = expanded.paths
            if not expanded.complete:
                degraded.add(Degradation.ASSOCIATIONS)
        return _Person(retrieved, direct, paths, frozenset(degraded))

    async def _direct(self, evidence: Mapping[str, tuple[Evidence, ...]]) -> tuple[dict[str, Direct], bool]:
        """Direct beliefs, and whether the fusion service made them."""
        candidates, answered = list(evidence.values()), True
        try:
            fused = await self._fusion.fuse(candidates) if candidates else []
        except PortUnavailableError:
            answered = False
            fused = [ranking.fallback(pieces, self._calibration) for pieces in candidates]
        beliefs = {
            appearance_id: Direct(verdict.probability, verdict.shares, pieces)
            for (appearance_id, pieces), verdict in zip(evidence.items(), fused, strict=True)
            if any(piece.weight > 0.0 for piece in pieces)
        }
        return beliefs, answered

    def _seeds(self, direct: Mapping[str, Direct], blocked: frozenset[str]) -> dict[str, float]:
        strong = [
            (-belief.probability, appearance_id)
            for appearance_id, belief in direct.items()
            if belief.probability >= self._settings.seed_probability and appearance_id not in blocked
        ]
        return {appearance_id: -minus for minus, appearance_id in sorted(strong)[: self._settings.max_seeds]}

    async def _contradictions(self, gallery: str, wanted: Sequence[ReadPart], person: _Person) -> dict[str, float]:
        """What the query's faces say against the ends of short-term chains, near or far in the neighbour lists."""
        ends = [
            appearance_id
            for appearance_id, path in person.paths.items()
            if path.steps and path.steps[-1].modality not in LONG_TERM
        ]
        known = person.retrieved.evidence
        cut = [
            vector
            for vector in _vectors_of(wanted)
            if vector.modality in LONG_TERM and vector.key in person.retrieved.cut
        ]
        unheard = [end for end in ends if not heard(known.get(end, ()), cut)]
        more = await self._retriever.compare(cut, gallery, unheard)
        doubt = ranking.Doubt.of(self._settings)
        return {
            end: ranking.contradiction((*known.get(end, ()), *more.evidence.get(end, ())), self._calibration, doubt)
            for end in ends
        }

    def _score(
        self,
        appearance_id: str,
        person: _Person,
        against: float,
        competitors: Sequence[tuple[float, Mapping[str, Path]]],
    ) -> float:
        direct = person.direct.get(appearance_id)
        score = ranking.score_of(direct, person.path_to(appearance_id), against)
        if direct is not None and direct.named_by is not None:
            return score
        rejected = [
            (weight, paths[appearance_id].probability) for weight, paths in competitors if appearance_id in paths
        ]
        return ranking.compete(score, rejected, self._settings.competition_sharpness)


def _vectors_of(parts: Iterable[ReadPart]) -> list[QueryVector]:
    return [vector for part in parts for vector in part.vectors]
