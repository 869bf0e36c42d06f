"""The steps of a gallery's measurement against a running stack; each leaves behind what need not be done again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from evaluation.asking import Answer, IngestedFilm, ask, questions
from evaluation.gallery.memory import AnswerMemory, IngestMemory, source_digest
from evaluation.protocols.spine import Appearances
from evaluation.truth import Film
from personsearch.client import PersonSearchClient
from personsearch.errors import PersonSearchError
from personsearch.v1 import video_pb2

__all__ = ["GALLERY", "Bar", "answer_memory", "ask_all", "forget", "ingest_all"]

GALLERY = "evaluation"


class Bar(Protocol):
    """Shows how far a step is: called with its name, what is done, and what is to be done."""

    def __call__(self, step: str, done: float, total: float) -> None:
        """Show it."""


async def forget(client: PersonSearchClient) -> None:
    """Delete the gallery, so that everything is ingested anew."""
    try:
        await client.delete_gallery(GALLERY)
    except PersonSearchError as error:
        if error.reason != "GALLERY_NOT_FOUND":
            raise


async def ingest_all(
    client: PersonSearchClient, films: Sequence[Film], memory: IngestMemory, bar: Bar, say: Callable[[str], None]
) -> tuple[list[IngestedFilm], Appearances]:
    """Ingest what is not ready yet and list what the index then holds; videos of other films are deleted."""
    total_s = sum(film.duration_s for film in films)
    ingested: list[IngestedFilm] = []
    before_s = 0.0
    for film in films:
        ingested.append(await _ingest(client, film, memory, partial(_show, bar, before_s, total_s)))
        before_s += film.duration_s
        say(f"{film.name} is in the gallery ({len(ingested)} of {len(films)})")
    wanted = {one.video_id for one in ingested}
    for video in await client.list_videos(gallery=GALLERY):
        if video.video_id not in wanted:
            say(f"deleting the video {video.source_uri}: it is not of this gallery")
            await client.delete_video(video.video_id, gallery=GALLERY)
    if any(memory.source(video_id) not in (None, source_digest()) for video_id in wanted):
        say("some videos were ingested by other sources of the product; --again takes them in anew")
    appearances = {one.video_id: await client.list_appearances(one.video_id, gallery=GALLERY) for one in ingested}
    return ingested, appearances


async def ask_all(client: PersonSearchClient, films: Sequence[Film], memory: AnswerMemory, bar: Bar) -> list[Answer]:
    """Ask all questions of the films that have not been asked before."""
    asked = questions(films)
    answers: list[Answer] = []
    for number, question in enumerate(asked):
        answer = memory.get(question)
        if answer is None:
            answer = await ask(client, question, GALLERY)
            memory.put(answer)
        answers.append(answer)
        bar("questions", number + 1, len(asked))
    return answers


def answer_memory(folder: Path, ingested: Sequence[IngestedFilm], pack_digest: str) -> AnswerMemory:
    """Open the answers that belong to what is ingested and to the sources as they are now."""
    return AnswerMemory(folder, [one.video_id for one in ingested], pack_digest, source_digest())


def _show(bar: Bar, before_s: float, total_s: float, done_s: float) -> None:
    bar("ingest, s", before_s + done_s, total_s)


async def _ingest(
    client: PersonSearchClient, film: Film, memory: IngestMemory, show: Callable[[float], None]
) -> IngestedFilm:
    started = time.perf_counter()
    video = await client.ingest(film.path, gallery=GALLERY)
    if video.state == video_pb2.VIDEO_STATE_READY:
        return IngestedFilm(film, video.video_id, memory.wall_s(video.video_id))
    is_whole = video.state == video_pb2.VIDEO_STATE_QUEUED and video.committed_s == 0
    async for progress in client.watch_ingest(video.video_id, gallery=GALLERY):
        show(progress.analysed_s)
    # Says why when it failed.
    await client.wait_until_ready(video.video_id, gallery=GALLERY)
    memory.put(video.video_id, time.perf_counter() - started if is_whole else None, source_digest())
    return IngestedFilm(film, video.video_id, memory.wall_s(video.video_id))
