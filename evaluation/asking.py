"""Takes films in and asks for people, through the services alone, as any client does."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from evaluation.metrics.ranking import RankedHit
from evaluation.truth import Film, QueryFile
from personsearch.client import PersonSearchClient
from personsearch.errors import PersonSearchError
from personsearch.query import portrait as portrait_part
from personsearch.query import voice as voice_part
from personsearch.v1 import hit_pb2, modality_pb2, person_search_service_pb2, query_pb2

__all__ = [
    "TOP_K",
    "Answer",
    "Ask",
    "IngestedFilm",
    "Question",
    "ask",
    "ingest_film",
    "questions",
    "ranked_hits",
    "search",
]

# The most that the contract allows: a ranking that is cut off early would look like misses.
TOP_K = 1000
# What may come of a query file itself.
REFUSALS = ("NO_FACE", "SEVERAL_FACES", "UNREADABLE_IMAGE", "NO_SPEECH", "UNREADABLE_SOUND")

Kind = Literal["portrait", "voice"]


@dataclass(frozen=True, slots=True, eq=False)
class IngestedFilm:
    """A film in the gallery; `wall_s` is the time from asking for its ingest until it was ready, where it was taken."""

    film: Film
    video_id: str
    wall_s: float | None


@dataclass(frozen=True, slots=True)
class Question:
    """One query file, asked alone: a portrait asks where the person is seen, a voice where the person is heard.

    `expand` says whether associations are followed.
    """

    kind: Kind
    file: QueryFile
    expand: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a question; `refusal` names the reason when it was refused, and then there are no hits."""

    question: Question
    hits: tuple[RankedHit, ...]
    latency_s: float
    degraded: bool = False
    refusal: str | None = None

    @property
    def identity(self) -> str:
        """Who was asked for."""
        return self.question.file.identity


Ask = Callable[[Question], Awaitable[Answer]]


def questions(films: Sequence[Film]) -> list[Question]:
    """Ask with every portrait and every voice clip of the films, with expansion along associations and without."""
    files: list[tuple[Kind, QueryFile]] = [("portrait", file) for film in films for file in film.portraits]
    files += [("voice", file) for film in films for file in film.voices]
    return [Question(kind, file, expand) for kind, file in files for expand in (True, False)]


async def ingest_film(client: PersonSearchClient, film: Film, gallery: str, say: Callable[[str], None]) -> IngestedFilm:
    """Ingest a film and wait until it is ready; raises PersonSearchError when it fails."""
    started = time.perf_counter()
    video = await client.ingest(film.path, gallery=gallery)
    await client.wait_until_ready(video.video_id, gallery=gallery)
    wall_s = time.perf_counter() - started
    speed = film.duration_s / wall_s
    say(f"{film.name}: {film.duration_s:.0f} s of film in {wall_s:.1f} s ({speed:.1f} x real time)")
    return IngestedFilm(film, video.video_id, wall_s)


async def ask(client: PersonSearchClient, question: Question, gallery: str) -> Answer:
    """Ask a question; a refusal of its file (no face found, no speech) is an answer without hits.

    Raises PersonSearchError for anything else: what is broken is not measured.
    """
    started = time.perf_counter()
    answer = await search(client, question, gallery)
    latency_s = time.perf_counter() - started
    if isinstance(answer, str):
        return Answer(question, (), latency_s, refusal=answer)
    return Answer(question, tuple(ranked_hits(answer.hits)), latency_s, degraded=bool(answer.degraded))


async def search(
    client: PersonSearchClient, question: Question, gallery: str
) -> person_search_service_pb2.SearchResponse | str:
    """Ask a question; give what came, or the reason for which its file was refused. Raises as `ask` does."""
    is_voice = question.kind == "voice"
    part = voice_part(question.file.path) if is_voice else portrait_part(question.file.path)
    task = query_pb2.TASK_HEARD if is_voice else query_pb2.TASK_SEEN
    try:
        return await client.search([part], gallery=gallery, top_k=TOP_K, expand=question.expand, task=task)
    except PersonSearchError as error:
        if error.reason not in REFUSALS:
            raise
        return error.reason


def ranked_hits(hits: Iterable[hit_pb2.Hit]) -> Iterable[RankedHit]:
    """Take of each hit what a ranking is judged by, best first."""
    for hit in hits:
        modality = modality_pb2.Modality.Name(hit.shares[0].modality) if hit.shares else ""
        yield RankedHit(hit.appearance.appearance_id, hit.score, modality.removeprefix("MODALITY_").lower())
