"""What the service does, in plain values: search, track, and the reading of one appearance."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from packs.spec import Modality
from services.backends.index.protocol import IndexLoadingError, VectorIndex
from services.backends.schemas import Appearance, Scope
from services.runtime.chunks import chunks_of
from services.runtime.errors import (
    BackendUnavailableError,
    FieldViolation,
    GalleryNotFoundError,
    InvalidFieldError,
)
from services.search.answer import Answer, Belief, Degradation, Hit, TextReading, Track
from services.search.finding import PersonFinder
from services.search.found import Found
from services.search.judging import HEARING
from services.search.parts import PartReader, ReadPart
from services.search.ports import Identities
from services.search.query import Like, Portrait, Query, QueryPart, Task, VoiceClip
from services.search.ranking import ranked
from services.search.settings import SearchSettings
from services.search.speaking import answers
from services.search.thinning import thinned
from services.search.tracks import spans_of

T = TypeVar("T")

_LEAST_PAGE = 64
# Of all parts together, as the contract says; what a server takes at once is a little more.
MAX_CARRIED_BYTES = 40 * 2**20


class SearchHandlers:
    """Answers queries.

    Args:
        index: The record.
        reader: Reads a query's parts.
        finder: Turns them into beliefs.
        settings: How far to look.
        logger: Where degraded answers are noted.
        identities: Who appearances are; hits come without where it is not given.
    """

    def __init__(
        self,
        index: VectorIndex,
        reader: PartReader,
        finder: PersonFinder,
        settings: SearchSettings,
        logger: logging.Logger,
        identities: Identities | None = None,
    ) -> None:
        self._identities = identities
        self._index = index
        self._reader = reader
        self._finder = finder
        self._settings = settings
        self._logger = logger

    async def search(self, query: Query, top_k: int) -> Answer:
        """Answer a query with at most `top_k` hits, best first.

        Raises:
            DomainError: GALLERY_NOT_FOUND, or what is wrong with a part.
        """
        return await self._search(query, top_k, self._settings.limit_for(top_k))

    async def _search(self, query: Query, top_k: int, limit: int) -> Answer:
        _check_parts(query.parts)
        if query.task in HEARING:
            self._reader.check_usable(Modality.VOICE)
        read = (self._reader.read(query.gallery, index, part) for index, part in enumerate(query.parts))
        _, *parts = await _together(self._check_gallery(query.gallery), *read)
        return await self._answer(query, [part for part in parts if isinstance(part, ReadPart)], top_k, limit)

    async def get_track(self, gallery: str, appearance_id: str, min_score: float) -> Track:
        """Follow the person of an appearance through the gallery.

        Raises:
            DomainError: GALLERY_NOT_FOUND or APPEARANCE_NOT_FOUND.
        """
        part = QueryPart(Like(appearance_id))
        query = Query((part,), gallery, min_score=min_score, task=Task.PRESENT)
        answer = await self._search(query, self._settings.max_track_hits, self._settings.track_limit)
        try:
            videos = {video.video_id: video for video in await self._index.list_videos(gallery)}
        except IndexLoadingError:
            return Track(spans_of(answer.hits, {}), answer.degraded | {Degradation.INDEX_LOADING})
        return Track(spans_of(answer.hits, videos), answer.degraded)

    async def get_appearance(self, gallery: str, appearance_id: str) -> Appearance:
        """Read one appearance.

        Raises:
            DomainError: GALLERY_NOT_FOUND, APPEARANCE_NOT_FOUND or BACKEND_UNAVAILABLE.
        """
        await self._check_gallery(gallery)
        try:
            return await self._reader.appearance(gallery, appearance_id)
        except IndexLoadingError as error:
            raise BackendUnavailableError("milvus", "the index is being loaded; try again shortly") from error

    async def _check_gallery(self, gallery: str) -> None:
        if await self._index.get_gallery(gallery) is None:
            raise GalleryNotFoundError(gallery)

    async def _answer(self, query: Query, parts: Sequence[ReadPart], top_k: int, limit: int) -> Answer:
        found = await self._finder.find(parts, query, limit)
        degraded = set(found.degraded)
        hits: list[Hit] = []
        try:
            hits = await self._hits(found, query, top_k)
        except IndexLoadingError:
            degraded.add(Degradation.INDEX_LOADING)
        if degraded:
            self._logger.warning("degraded answer", extra={"without": sorted(degraded)})
        faces = tuple(part.face for part in parts if part.face is not None)
        speech = tuple(part.speech_s for part in parts if part.speech_s is not None)
        texts = tuple(TextReading(part.index, part.unknown_words) for part in parts if part.unknown_words is not None)
        shown = thinned(await self._identified(query.gallery, hits), self._settings.max_key_boxes)
        return Answer(shown, frozenset(degraded), faces, query.task, speech, texts)

    async def _identified(self, gallery: str, hits: Sequence[Hit]) -> Sequence[Hit]:
        """The hits with who they are."""
        if self._identities is None or not hits:
            return hits
        labels = await self._identities.labels(gallery, [hit.appearance.appearance_id for hit in hits])
        return [replace(hit, who=labels.get(hit.appearance.appearance_id)) for hit in hits]

    async def _hits(self, found: Found, query: Query, top_k: int) -> list[Hit]:
        """The first `top_k` beliefs whose appearance, and all that its chain passes, are committed."""
        hits: list[Hit] = []
        known: dict[str, Appearance] = {}
        order = ranked(found.scores, query.min_score)
        page = max(_LEAST_PAGE, top_k)
        for some in chunks_of(order, page):
            beliefs = [found.explain(*one) for one in some]
            missing = sorted(_touched(beliefs) - known.keys())
            known |= await self._index.get_appearances(query.gallery, missing)
            for belief in beliefs:
                there = all(appearance_id in known for appearance_id in _touched([belief]))
                if not there:
                    continue
                appearance = known[belief.appearance_id]
                if answers(query.task, appearance) and _inside(appearance, query.scope):
                    hits.append(Hit(appearance, belief))
                    if len(hits) == top_k:
                        return hits
        return hits


def _check_parts(parts: Sequence[QueryPart]) -> None:
    wrong = []
    carried = sum(map(_bytes_of, parts))
    if carried > MAX_CARRIED_BYTES:
        said = f"pictures and sounds take {carried} bytes, at most {MAX_CARRIED_BYTES} together: shrink or cut them"
        wrong.append(FieldViolation("query.parts", said))
    if not any(part.weight > 0.0 for part in parts):
        wrong.append(FieldViolation("query.parts", "at least one part needs a positive weight"))
    signs: dict[str, bool] = {}
    for index, part in enumerate(parts):
        if isinstance(part.content, Like):
            positive = part.weight > 0.0
            if signs.setdefault(part.content.appearance_id, positive) is not positive:
                said = f"appearance {part.content.appearance_id} is both asked for and rejected; choose one"
                wrong.append(FieldViolation(f"query.parts[{index}].appearance_id", said))
    if wrong:
        raise InvalidFieldError(wrong)


def _bytes_of(part: QueryPart) -> int:
    match part.content:
        case Portrait():
            return len(part.content.image)
        case VoiceClip():
            return len(part.content.sound)
        case _:
            return 0


async def _together(*awaitables: Awaitable[T]) -> list[T]:
    """Await all at the same time; of several failures the first in order is raised, so that errors do not vary."""
    outcomes = await asyncio.gather(*awaitables, return_exceptions=True)
    results: list[T] = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        results.append(outcome)
    return results


def _touched(beliefs: Iterable[Belief]) -> set[str]:
    """Every appearance that some beliefs are about or rest on."""
    return {step.target for belief in beliefs for step in belief.chain}


def _inside(appearance: Appearance, scope: Scope) -> bool:
    if scope.video_ids and appearance.video_id not in scope.video_ids:
        return False
    if scope.start_s is not None and appearance.end_s <= scope.start_s:
        return False
    return scope.end_s is None or appearance.start_s < scope.end_s
