"""Takes films in and asks for people, through the services alone, as any client does."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evaluation.metrics.ranking import RankedHit
from evaluation.truth import Film, Portrait
from personsearch.client import PersonSearchClient
from personsearch.errors import PersonSearchError
from personsearch.query import portrait as portrait_part

__all__ = ["TOP_K", "Answer", "IngestedFilm", "ask", "ingest_films"]

# The most that the contract allows: a ranking that is cut off early would look like misses.
TOP_K = 1000
# What may come of a portrait itself.
REFUSALS = ("NO_FACE", "SEVERAL_FACES", "UNREADABLE_IMAGE")


@dataclass(frozen=True, slots=True, eq=False)
class IngestedFilm:
    """A film in the gallery; `wall_s` is the time from asking for its ingest until it was ready."""

    film: Film
    video_id: str
    wall_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one portrait; `refusal` names the reason when it was refused, and then there are no hits."""

    portrait: Portrait
    hits: tuple[RankedHit, ...]
    latency_s: float
    degraded: bool = False
    refusal: str | None = None


async def ingest_films(
    client: PersonSearchClient, films: Sequence[Film], gallery: str, say: Callable[[str], None]
) -> list[IngestedFilm]:
    """Ingest films one after the other, so that each has its own time; raises PersonSearchError when one fails."""
    ingested: list[IngestedFilm] = []
    for film in films:
        started = time.perf_counter()
        video = await client.ingest(film.path, gallery=gallery)
        await client.wait_until_ready(video.video_id, gallery=gallery)
        wall_s = time.perf_counter() - started
        speed = film.duration_s / wall_s
        say(f"{film.name}: {film.duration_s:.0f} s of film in {wall_s:.1f} s ({speed:.1f} x real time)")
        ingested.append(IngestedFilm(film, video.video_id, wall_s))
    return ingested


async def ask(client: PersonSearchClient, portrait: Portrait, gallery: str, *, expand: bool) -> Answer:
    """Ask with one portrait; a refusal (no face found, several found) is an answer without hits.

    Raises PersonSearchError for anything else: what is broken is not measured.
    """
    part = portrait_part(portrait.path)
    started = time.perf_counter()
    try:
        answer = await client.search([part], gallery=gallery, top_k=TOP_K, expand=expand)
    except PersonSearchError as error:
        if error.reason not in REFUSALS:
            raise
        return Answer(portrait, (), time.perf_counter() - started, refusal=error.reason)
    latency_s = time.perf_counter() - started
    hits = tuple(RankedHit(hit.appearance.appearance_id, hit.score) for hit in answer.hits)
    return Answer(portrait, hits, latency_s, degraded=bool(answer.degraded))
