"""The parts of a query to beliefs about appearances: retrieve, fuse, expand, contradict, judge by the task, compete."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace

from packs.spec import Modality
from services.backends.associations.blocks import EdgeBlock
from services.backends.associations.views import EdgeView
from services.backends.schemas import Scope
from services.search import chains, ranking
from services.search.adopting import KeyAdopter
from services.search.answer import Degradation
from services.search.answering import is_described, kind_of, settled
from services.search.chains import Calibrations, Chain
from services.search.claims import Around, Claims
from services.search.described import claimed
from services.search.expansion import Expander, Path
from services.search.found import Found, Known
from services.search.judging import HEARING, Judge
from services.search.parts import ReadPart
from services.search.query import Query, Task
from services.search.ranking import Direct
from services.search.reach import LONG_TERM
from services.search.retrieval import Retriever
from services.search.retrieved import QueryVector, Retrieved, merged, only
from services.search.settings import SearchSettings
from services.search.speaking import SpeakerReader, Speakers
from services.search.weighing import Asked


class PersonFinder:
    """Finds one person; knows neither pictures nor the wire.

    Args:
        retriever: The index.
        speakers: Who speaks.
        judge: Weighs evidence and chains.
        expander: Follows associations.
        claims: What everybody else leaves of the paths.
        calibration: Of the active pack; every vector of a query has a modality that is in it.
        settings: How far to look.
    """

    def __init__(
        self,
        retriever: Retriever,
        speakers: SpeakerReader,
        judge: Judge,
        expander: Expander,
        claims: Claims,
        calibration: Calibrations,
        settings: SearchSettings,
    ) -> None:
        self._retriever = retriever
        self._speakers = speakers
        self._judge = judge
        self._expander = expander
        self._claims = claims
        self._calibration = calibration
        self._settings = settings
        self._adopter = KeyAdopter(expander, retriever, settings, tuple(calibration))

    async def find(self, parts: Sequence[ReadPart], query: Query, limit: int) -> Found:
        """Find whom the parts with positive weights show, and none whom the others show.

        Args:
            parts: The query's parts, read.
            query: Its filter and how far it may go.
            limit: Most neighbours of each vector.
        """
        wanted = await self._with_faces([part for part in parts if part.weight > 0.0], query)
        rejected = [part for part in parts if part.weight < 0.0]
        blocked = frozenset(part.appearance_id for part in rejected if part.appearance_id is not None)
        blocked = blocked.union(*(part.beside for part in wanted))
        asked = Asked(query.gallery, vectors_of([*wanted, *rejected]))
        person, *others = await asyncio.gather(
            self._wanted(wanted, asked, query, limit, blocked),
            *(self._rejected(part, query, limit) for part in rejected if query.expand),
        )
        direct, fused = await self._judge.judged(asked, person.direct, person.speakers, query.task)
        reached = await self._judge.chains(query, vectors_of(wanted), person.compared, person.chained, person.speakers)
        competitors = [(part.weight, other.paths) for part, other in zip(rejected, others, strict=False)]
        ways = {part.index: part.way for part in wanted if part.way}
        # Most appearances have only a direct belief, and keep it as it is.
        scores = {one: belief.probability for one, belief in direct.items()}
        for one in reached.keys() | scores.keys() if competitors else reached:
            scores[one] = self._score(one, direct, reached, person.direct, competitors, ways)
        for one in blocked & scores.keys():
            del scores[one]
        if is_described(wanted):
            scores = claimed(scores, person.edges, self._settings.one_person_from)
        scores = settled(scores, self._settings.answers.get(kind_of(query.task, wanted)))
        degraded = person.degraded.union(*(other.degraded for other in others))
        if not fused:
            degraded |= {Degradation.FUSION}
        return Found(scores, degraded, person.direct, direct, reached, self._calibration, ways)

    async def _with_faces(self, wanted: Sequence[ReadPart], query: Query) -> list[ReadPart]:
        """The parts, hits that show no face with one that they lead to."""
        if not query.expand:
            return list(wanted)
        return list(await asyncio.gather(*(self._adopter.adopt(part, query.gallery) for part in wanted)))

    async def _wanted(
        self,
        wanted: Sequence[ReadPart],
        asked: Asked,
        query: Query,
        limit: int,
        blocked: frozenset[str],
    ) -> Known:
        vectors = asked.vectors
        # Which edges there are is asked of the cache while the index is being asked.
        searches = [self._retriever.nearest(vectors, query.scope, limit)]
        if query.narrow and query.expand:
            # A chain may start outside of the filter: the face that is seen a minute before the time asked for.
            wide = Scope(query.gallery)
            searches.append(self._retriever.nearest(vectors, wide, self._settings.minimum_limit))
        view, lists = await asyncio.gather(self._view(wanted, query), asyncio.gather(*searches))
        found = merged(lists)
        matched = [one for one, pieces in found.evidence.items() if any(piece.weight > 0.0 for piece in pieces)]
        retrieved = await self._retriever.completed(vectors, query.gallery, only(found, matched))
        return await self._know(wanted, asked, retrieved, query, blocked, limit, view)

    async def _rejected(self, part: ReadPart, query: Query, limit: int) -> Known:
        """The person of a negative part; one that is an appearance already is followed from there."""
        turned = part.turned
        retrieved = Retrieved({})
        if part.appearance_id is None:
            scope = Scope(query.gallery)
            retrieved = await self._retriever.nearest(turned.vectors, scope, self._settings.minimum_limit)
        asked, view = Asked(query.gallery, turned.vectors), await self._view([turned], query)
        return await self._know([turned], asked, retrieved, query, frozenset(), limit, view)

    async def _view(self, parts: Sequence[ReadPart], query: Query) -> EdgeView | None:
        """The edges that a query follows, or that say who of those described are one person.

        Where it cannot tell who is somebody else, the strong ones.
        """
        if not _asks_edges(parts, query):
            return None
        least = 0.0 if self._tells_others(parts) else self._settings.min_edge_alone
        return await self._expander.view(query.gallery, tuple(self._calibration), least)

    async def _know(
        self,
        parts: Sequence[ReadPart],
        asked: Asked,
        retrieved: Retrieved,
        query: Query,
        blocked: frozenset[str],
        limit: int,
        view: EdgeView | None,
    ) -> Known:
        heeded = query.task in HEARING or any(one.modality is Modality.VOICE for one in vectors_of(parts))
        speakers = await self._speakers.of(query.gallery, retrieved.evidence if heeded else ())
        # Who is on screen, whatever is asked: associations join persons.
        direct, fused = await self._judge.direct(asked, retrieved.evidence, speakers, Task.SEEN)
        direct = await self._no_surer(asked, direct, parts, speakers)
        degraded = set() if fused else {Degradation.FUSION}
        for part in parts:
            if part.appearance_id is not None:
                modality = part.named_by or part.vectors[0].modality
                direct[part.appearance_id] = ranking.named(part.index, modality)
        paths: Mapping[str, Path] = {}
        compared, edges = retrieved, EdgeBlock.of(())
        if _asks_edges(parts, query):
            seeds, telling = self._seeds(direct, blocked), self._tells_others(parts)
            most, contest = self._settings.nodes_per_neighbour * limit, bool(blocked) or telling
            most = most if query.expand else len(seeds)
            expanded = await self._expander.follow(view, seeds, blocked, most, chains=query.expand and not contest)
            edges = expanded.edges
            if query.expand and contest:
                found = Around(asked, vectors_of(parts), retrieved, direct, speakers, blocked)
                paths, compared = await self._claims.left(found, expanded, seeds)
            elif query.expand:
                paths = expanded.paths
            if not expanded.complete:
                degraded.add(Degradation.ASSOCIATIONS)
        further = (paths.keys() | direct.keys()) - speakers.known if heeded else ()
        speakers = speakers.joined(await self._speakers.of(query.gallery, further))
        if retrieved.loading or speakers.loading:
            degraded.add(Degradation.INDEX_LOADING)
        return Known(compared, direct, paths, speakers, frozenset(degraded), edges)

    async def _no_surer(
        self, asked: Asked, direct: dict[str, Direct], parts: Sequence[ReadPart], speakers: Speakers
    ) -> dict[str, Direct]:
        """Beliefs by a face that is not the hit's own: no surer than it is whose, or than all else is without it."""
        surety = max((part.surety for part in parts), default=1.0)
        strong = {one: belief for one, belief in direct.items() if belief.probability > surety}
        if not strong:
            return direct
        bare = {
            one: tuple(p for p in belief.evidence if p.modality is not Modality.FACE) for one, belief in strong.items()
        }
        without, _ = await self._judge.direct(asked, bare, speakers, Task.SEEN)
        for one, belief in strong.items():
            least = without[one].probability if one in without else 0.0
            direct[one] = replace(belief, probability=max(least, surety))
        return direct

    def _tells_others(self, parts: Iterable[ReadPart]) -> bool:
        """Whether a query can tell who is somebody else: by a face that is clear, or a voice."""
        doubt = chains.Doubt.of(self._settings)
        keys = [one for one in vectors_of(parts) if one.modality in LONG_TERM]
        return any(doubt.clearness(one.modality, one.quality) > 0.0 for one in keys)

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
        beliefs: Mapping[str, Direct],
        chains_to: Mapping[str, Chain],
        seeds: Mapping[str, Direct],
        competitors: Sequence[tuple[float, Mapping[str, Path]]],
        adopted: Container[int],
    ) -> float:
        direct, chain = beliefs.get(appearance_id), chains_to.get(appearance_id)
        seed = seeds[chain.path.seed] if chain is not None else None
        score = ranking.score_of(direct, chain, seed, adopted)
        if direct is not None and direct.named_by is not None:
            return score
        rejected = [
            (weight, paths[appearance_id].probability) for weight, paths in competitors if appearance_id in paths
        ]
        return ranking.compete(score, rejected, self._settings.competition_sharpness)


def _asks_edges(parts: Sequence[ReadPart], query: Query) -> bool:
    """Whether edges are needed: to follow them, or to know who of those described are one person."""
    return query.expand or is_described(parts)


def vectors_of(parts: Iterable[ReadPart]) -> list[QueryVector]:
    """All vectors of some parts."""
    return [vector for part in parts for vector in part.vectors]
