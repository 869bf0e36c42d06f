"""The parts of a query to beliefs about appearances: retrieve, fuse, expand, contradict, judge by the task, compete."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packs.spec import Modality
from services.backends.schemas import Scope
from services.search import ranking
from services.search.answer import Belief, Degradation
from services.search.chains import Calibrations, Chain
from services.search.contest import Opinions, contested
from services.search.expansion import Expanded, Expander, Path
from services.search.judging import HEARING, Judge
from services.search.parts import ReadPart
from services.search.query import Query, Task
from services.search.ranking import Direct
from services.search.reach import LONG_TERM
from services.search.retrieval import QueryVector, Retrieved, Retriever, merged, only
from services.search.rivals import RivalReader
from services.search.settings import SearchSettings
from services.search.speaking import SpeakerReader, Speakers


@dataclass(frozen=True, slots=True)
class _Person:
    """What is known of one person, asked for or rejected; `compared` holds the evidence, around the chains too."""

    compared: Retrieved
    direct: Mapping[str, Direct]
    paths: Mapping[str, Path]
    speakers: Speakers
    degraded: frozenset[Degradation]

    @property
    def chained(self) -> dict[str, Path]:
        """The paths with steps; what the query names needs none, and a seed has none."""
        named = {one for one, direct in self.direct.items() if direct.named_by is not None}
        return {one: path for one, path in self.paths.items() if path.steps and one not in named}


@dataclass(frozen=True, slots=True)
class Found:
    """The score of each appearance, what had to be done without, and the reasons, which are made when asked for.

    Attributes:
        scores: By appearance id; what cannot answer the task may be among them.
        degraded: What had to be done without.
        seeds: Direct beliefs in who an appearance is, from which chains start.
        direct: Direct beliefs in what is asked.
        chains: The chains to appearances.
        calibration: Of the pack.
    """

    scores: Mapping[str, float]
    degraded: frozenset[Degradation]
    seeds: Mapping[str, Direct]
    direct: Mapping[str, Direct]
    chains: Mapping[str, Chain]
    calibration: Calibrations

    def explain(self, appearance_id: str, score: float) -> Belief:
        """Say why an appearance has its score."""
        chain = self.chains.get(appearance_id)
        seed = self.seeds[chain.path.seed] if chain is not None else None
        return ranking.explain(appearance_id, score, self.direct.get(appearance_id), chain, seed, self.calibration)


class PersonFinder:
    """Finds one person; knows neither pictures nor the wire.

    Args:
        retriever: The index.
        speakers: Who speaks.
        judge: Weighs evidence and chains.
        expander: Follows associations.
        rivals: Compares the query with everybody around.
        calibration: Of the active pack; every vector of a query has a modality that is in it.
        settings: How far to look.
    """

    def __init__(
        self,
        retriever: Retriever,
        speakers: SpeakerReader,
        judge: Judge,
        expander: Expander,
        rivals: RivalReader,
        calibration: Calibrations,
        settings: SearchSettings,
    ) -> None:
        self._retriever = retriever
        self._speakers = speakers
        self._judge = judge
        self._expander = expander
        self._rivals = rivals
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
            *(self._rejected(part, query, limit) for part in rejected if query.expand),
        )
        direct, fused = await self._judge.judged(person.direct, person.speakers, query.task)
        chains = await self._judge.chains(query, vectors_of(wanted), person.compared, person.chained, person.speakers)
        competitors = [(part.weight, other.paths) for part, other in zip(rejected, others, strict=False)]
        # Most appearances have only a direct belief, and keep it as it is.
        scores = {one: belief.probability for one, belief in direct.items()}
        for one in chains.keys() | scores.keys() if competitors else chains:
            scores[one] = self._score(one, direct.get(one), chains.get(one), competitors)
        for one in blocked & scores.keys():
            del scores[one]
        degraded = person.degraded.union(*(other.degraded for other in others))
        if not fused:
            degraded |= {Degradation.FUSION}
        return Found(scores, degraded, person.direct, direct, chains, self._calibration)

    async def _wanted(
        self,
        wanted: Sequence[ReadPart],
        rejected: Sequence[ReadPart],
        query: Query,
        limit: int,
        blocked: frozenset[str],
    ) -> _Person:
        vectors = vectors_of([*wanted, *rejected])
        searches = [self._retriever.nearest(vectors, query.scope, limit)]
        if query.narrow and query.expand:
            # A chain may start outside of the filter: the face that is seen a minute before the time asked for.
            wide = Scope(query.gallery)
            searches.append(self._retriever.nearest(vectors, wide, self._settings.minimum_limit))
        found = merged(await asyncio.gather(*searches))
        matched = [one for one, pieces in found.evidence.items() if any(piece.weight > 0.0 for piece in pieces)]
        retrieved = await self._retriever.completed(vectors, query.gallery, only(found, matched))
        return await self._know(wanted, retrieved, query, blocked, limit)

    async def _rejected(self, part: ReadPart, query: Query, limit: int) -> _Person:
        """The person of a negative part; one that is an appearance already is followed from there."""
        turned = part.turned
        retrieved = Retrieved({})
        if part.appearance_id is None:
            scope = Scope(query.gallery)
            retrieved = await self._retriever.nearest(turned.vectors, scope, self._settings.minimum_limit)
        return await self._know([turned], retrieved, query, frozenset(), limit)

    async def _know(
        self,
        parts: Sequence[ReadPart],
        retrieved: Retrieved,
        query: Query,
        blocked: frozenset[str],
        limit: int,
    ) -> _Person:
        heeded = query.task in HEARING or any(one.modality is Modality.VOICE for one in vectors_of(parts))
        speakers = await self._speakers.of(query.gallery, retrieved.evidence if heeded else ())
        # Who is on screen, whatever is asked: associations join persons.
        direct, fused = await self._judge.direct(retrieved.evidence, speakers, Task.SEEN)
        degraded = set() if fused else {Degradation.FUSION}
        for part in parts:
            if part.appearance_id is not None:
                modality = part.vectors[0].modality
                direct[part.appearance_id] = ranking.named(part.index, modality)
        paths: Mapping[str, Path] = {}
        compared = retrieved
        if query.expand:
            seeds = self._seeds(direct, blocked)
            expanded = await self._expander.expand(
                query.gallery,
                seeds,
                tuple(self._calibration),
                blocked,
                self._settings.nodes_per_neighbour * limit,
                0.0 if _tells_others(parts) else self._settings.min_edge_alone,
            )
            if blocked or _tells_others(parts):
                names = expanded.edges.names
                known = [one for one in names if one in retrieved.evidence]
                compared = await self._judge.compared(query.gallery, vectors_of(parts), retrieved, known)
                opinions = await self._judge.opinions(compared.evidence, direct, speakers, known)
                rivals = await self._rivals.of(
                    query.gallery,
                    [one for one in vectors_of(parts) if one.modality in LONG_TERM and one.key in retrieved.cut],
                    [one for one in names if one not in retrieved.evidence],
                    speakers,
                )
                paths = self._contested(expanded, seeds, Opinions.of(names, opinions, rivals), blocked)
                compared = merged([compared, Retrieved(rivals.evidence(paths), loading=rivals.loading)])
            else:
                paths = expanded.paths
            if not expanded.complete:
                degraded.add(Degradation.ASSOCIATIONS)
        further = (paths.keys() | direct.keys()) - speakers.known if heeded else ()
        speakers = speakers.joined(await self._speakers.of(query.gallery, further))
        if retrieved.loading or speakers.loading:
            degraded.add(Degradation.INDEX_LOADING)
        return _Person(compared, direct, paths, speakers, frozenset(degraded))

    def _contested(
        self,
        expanded: Expanded,
        seeds: Mapping[str, float],
        opinions: Opinions,
        blocked: frozenset[str],
    ) -> Mapping[str, Path]:
        """What everybody else leaves of the chains."""
        hops, stop = self._settings.max_hops, self._settings.stop_probability
        return contested(expanded.edges, seeds, opinions, blocked, hops=hops, stop=stop)

    def _seeds(self, direct: Mapping[str, Direct], blocked: frozenset[str]) -> dict[str, float]:
        strong = [
            (-belief.probability, appearance_id)
            for appearance_id, belief in direct.items()
            if belief.probability >= self._settings.seed_probability and appearance_id not in blocked
        ]
        return {appearance_id: -minus for minus, appearance_id in sorted(strong)[: self._settings.max_seeds]}

    def _score(
        self,
        appearance_id: str,
        direct: Direct | None,
        chain: Chain | None,
        competitors: Sequence[tuple[float, Mapping[str, Path]]],
    ) -> float:
        score = ranking.score_of(direct, chain)
        if direct is not None and direct.named_by is not None:
            return score
        rejected = [
            (weight, paths[appearance_id].probability) for weight, paths in competitors if appearance_id in paths
        ]
        return ranking.compete(score, rejected, self._settings.competition_sharpness)


def _tells_others(parts: Iterable[ReadPart]) -> bool:
    """Whether a query can tell who is somebody else: by a face or a voice."""
    return any(vector.modality in LONG_TERM for vector in vectors_of(parts))


def vectors_of(parts: Iterable[ReadPart]) -> list[QueryVector]:
    """All vectors of some parts."""
    return [vector for part in parts for vector in part.vectors]
