"""What evidence and chains say of what is asked: to be seen, to be heard, or both."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from packs.spec import Modality
from services.search import chains, ranking
from services.search.chains import Calibrations, Chain
from services.search.contest import Opinion
from services.search.expansion import Path
from services.search.ports import Candidate, Evidence, PortUnavailableError
from services.search.query import Query, Task
from services.search.ranking import Direct
from services.search.reach import LONG_TERM
from services.search.retrieval import Retriever
from services.search.retrieved import QueryVector, Retrieved, merged, unheard
from services.search.settings import SearchSettings
from services.search.speaking import Speakers
from services.search.weighing import Asked, Weigher

# Where it matters of each appearance who speaks in it.
HEARING = frozenset({Task.HEARD, Task.SEEN_AND_HEARD})
SEEN = Task.SEEN


class Judge:
    """Weighs evidence and chains.

    Args:
        retriever: Compares what no neighbour list told.
        weigher: Joins evidence.
        calibration: Of the active pack; every vector of a query has a modality that is in it.
        settings: How much contradictions count.
    """

    def __init__(
        self, retriever: Retriever, weigher: Weigher, calibration: Calibrations, settings: SearchSettings
    ) -> None:
        self._retriever = retriever
        self._weigher = weigher
        self._calibration = calibration
        self._settings = settings

    async def direct(
        self, asked: Asked, evidence: Mapping[str, tuple[Evidence, ...]], speakers: Speakers, task: Task
    ) -> tuple[dict[str, Direct], bool]:
        """Direct beliefs, and whether the fusion service made them."""
        try:
            fused, answered = await self._weigher.weigh(asked, evidence, speakers, task)
        except PortUnavailableError:
            answered = False
            candidates = {one: Candidate(pieces, speakers.link(one)) for one, pieces in evidence.items()}
            fused = {one: ranking.fallback(each, self._calibration, task) for one, each in candidates.items()}
        beliefs = {
            one: Direct(fused[one].probability, fused[one].shares, pieces)
            for one, pieces in evidence.items()
            if any(piece.weight > 0.0 for piece in pieces)
        }
        return beliefs, answered

    async def judged(
        self, asked: Asked, beliefs: Mapping[str, Direct], speakers: Speakers, task: Task
    ) -> tuple[Mapping[str, Direct], bool]:
        """Beliefs in who is on screen as beliefs in what is asked, and whether the fusion service made them.

        Whoever is to be heard must speak.
        """
        if task not in HEARING:
            return beliefs, True
        speaking = {one: belief for one, belief in beliefs.items() if speakers.link(one) > 0.0}
        evidence = {one: belief.evidence for one, belief in speaking.items() if belief.named_by is None}
        judged, fused = await self.direct(asked, evidence, speakers, task)
        for one, belief in speaking.items():
            if belief.named_by is not None:
                # It is the person by definition, and heard as far as it is who speaks there.
                judged[one] = replace(belief, probability=speakers.link(one))
        return judged, fused

    async def compared(
        self, gallery: str, vectors: Sequence[QueryVector], retrieved: Retrieved, appearance_ids: Collection[str]
    ) -> Retrieved:
        """What was found, with what the long-term vectors whose lists were cut say of some appearances.

        Args:
            gallery: Where they are.
            vectors: Of the parts that are asked for.
            retrieved: What they said so far.
            appearance_ids: Which; beyond `max_rivals`, those that were not compared yet stay unheard.
        """
        more = await self._unheard(gallery, vectors, retrieved, sorted(appearance_ids), self._settings.max_rivals)
        return merged([retrieved, more]) if more.evidence or more.loading else retrieved

    async def _unheard(
        self,
        gallery: str,
        vectors: Sequence[QueryVector],
        retrieved: Retrieved,
        appearance_ids: Sequence[str],
        most: int | None = None,
    ) -> Retrieved:
        """What the long-term vectors whose lists were cut say of those that they were not compared with, the first."""
        cut = [vector for vector in vectors if vector.modality in LONG_TERM and vector.key in retrieved.cut]
        return await self._retriever.compare(cut, gallery, unheard(retrieved, cut, appearance_ids)[:most])

    async def opinions(
        self,
        asked: Asked,
        evidence: Mapping[str, tuple[Evidence, ...]],
        direct: Mapping[str, Direct],
        speakers: Speakers,
        appearance_ids: Collection[str],
    ) -> dict[str, Opinion]:
        """What appearances say for themselves of being who is asked for, by long-term keys alone.

        Args:
            asked: The query's embeddings.
            evidence: What they were compared by.
            direct: The beliefs in those that were found.
            speakers: Who speaks.
            appearance_ids: Which; those without any evidence say nothing.
        """
        known = {one: evidence[one] for one in sorted(appearance_ids) if one in evidence}
        fresh_evidence = {one: part for one, part in known.items() if one not in direct}
        fresh, _ = await self.direct(asked, fresh_evidence, speakers, SEEN)
        beliefs = {**fresh, **direct}
        doubt = chains.Doubt.of(self._settings)
        return {
            one: Opinion(beliefs[one].probability, doubt.clear_of(pieces, speakers.link(one)))
            for one, pieces in known.items()
            if one in beliefs and beliefs[one].named_by is None
        }

    async def chains(
        self,
        query: Query,
        vectors: Sequence[QueryVector],
        retrieved: Retrieved,
        paths: Mapping[str, Path],
        speakers: Speakers,
    ) -> dict[str, Chain]:
        """What paths are worth for what is asked.

        Args:
            query: What is asked.
            vectors: Of the parts that are asked for.
            retrieved: What they said so far.
            paths: With at least one step each, by their ends.
            speakers: Who speaks.
        """
        hearing = query.task in HEARING
        if hearing:
            paths = {one: path for one, path in paths.items() if speakers.link(one) > 0.0}
        against = await self._contradictions(query, vectors, retrieved, paths, speakers)
        return {
            one: Chain(path, against.get(one, 0.0), speakers.link(one) if hearing and _shows(path) else 1.0)
            for one, path in paths.items()
        }

    async def _contradictions(
        self,
        query: Query,
        vectors: Sequence[QueryVector],
        retrieved: Retrieved,
        paths: Mapping[str, Path],
        speakers: Speakers,
    ) -> dict[str, float]:
        """What the query's faces and voices say against the ends of chains, near or far in the neighbour lists."""
        doubters = {one: chains.doubters(query.task, path.steps[-1].modality) for one, path in paths.items()}
        ends = [one for one in paths if doubters[one]]
        known = retrieved.evidence
        more = await self._unheard(query.gallery, vectors, retrieved, ends)
        doubt = chains.Doubt.of(self._settings)
        return {
            end: chains.contradiction(
                (*known.get(end, ()), *more.evidence.get(end, ())),
                self._calibration,
                doubt,
                doubters[end],
                # What is heard tells who is seen only as far as they are one.
                1.0 if query.task in HEARING else speakers.link(end),
            )
            for end in ends
        }


def _shows(path: Path) -> bool:
    """Whether a path tells who is seen at its end."""
    return path.steps[-1].modality is not Modality.VOICE
