"""Killing the ingest worker with -9 at three points ends with the same index: ids, spans, and embeddings."""

import asyncio
import os
import signal

import numpy as np
import pytest

from evaluation.truth import Film
from packs.manifest import Pack
from packs.spec import Modality
from personsearch.client import PersonSearchClient
from services.backends.index.milvus import MilvusIndex
from services.backends.schemas import Appearance, EmbeddingRow, Scope

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
GALLERY = "kills"
# Shares of the film after which the worker is killed.
POINTS = (0.2, 0.5, 0.8)

Contents = tuple[list[Appearance], dict[Modality, list[EmbeddingRow]], int]


async def read_index(machine, video_id: str) -> Contents:
    """All appearances, all embeddings and the number of rows of the video, without who is who: that comes later."""
    pack = Pack.load(machine.settings.pack)
    index = MilvusIndex(machine.status().endpoints.milvus_uri, pack.digest)
    try:
        await index.open({modality: pack.model_for(modality).embedding_dim or 0 for modality in pack.modalities})
        scope = Scope(GALLERY)
        embeddings = {modality: await index.list_embeddings(modality, scope) for modality in pack.modalities}
        rows = await index.count_video(GALLERY, video_id) - await index.people.count_video(GALLERY, video_id)
        return await index.list_appearances(scope), embeddings, rows
    finally:
        await index.aclose()


def worker_pid(machine) -> int | None:
    return next((child.pid for child in machine.status().children if child.name == "worker"), None)


async def ingest_with_kills(machine, client: PersonSearchClient, film: Film) -> int:
    """Ingest, and kill whichever worker runs each time the analysis has come past a point; says how often that was."""
    video = await client.ingest(film.path, gallery=GALLERY)
    left, killed = list(POINTS), set()
    async for progress in client.watch_ingest(video.video_id, gallery=GALLERY):
        pid = worker_pid(machine)
        if left and progress.analysed_s >= left[0] * film.duration_s and pid is not None and pid not in killed:
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
            left.pop(0)
    return len(killed)


async def test_three_kills_end_with_the_same_index(machine, film: Film) -> None:
    endpoints = machine.status().endpoints
    async with PersonSearchClient(endpoints.search_address, endpoints.ingest_address) as client:
        video = await client.ingest(film.path, gallery=GALLERY)
        await client.wait_until_ready(video.video_id, gallery=GALLERY)
        appearances, embeddings, row_count = await read_index(machine, video.video_id)
        receipts = await client.delete_video(video.video_id, gallery=GALLERY)
        assert all(receipt.remaining == 0 for receipt in receipts)

        async with asyncio.timeout(400):
            assert await ingest_with_kills(machine, client, film) == len(POINTS), machine.logs()
            ready = await client.wait_until_ready(video.video_id, gallery=GALLERY)
        again, embeddings_again, row_count_again = await read_index(machine, video.video_id)

    assert ready.appearance_count == len(appearances)
    assert [(one.appearance_id, one.start_s, one.end_s) for one in again] == [
        (one.appearance_id, one.start_s, one.end_s) for one in appearances
    ]
    assert row_count_again == row_count
    for modality, rows in embeddings.items():
        compare_embeddings(rows, embeddings_again[modality])


def compare_embeddings(rows: list[EmbeddingRow], again: list[EmbeddingRow]) -> None:
    assert [row.appearance_id for row in again] == [row.appearance_id for row in rows]
    for before, after in zip(rows, again, strict=True):
        assert float(np.dot(before.vector, after.vector)) >= 0.999
