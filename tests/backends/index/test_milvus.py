"""What only a Milvus has: restarts, loading, packs beside each other, answers with a largest size."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from packs.spec import Modality
from services.backends.index import tables as tables_module
from services.backends.index.lite import ReadersOrWriter
from services.backends.index.milvus import MilvusIndex
from services.backends.index.protocol import IndexLoadingError
from services.backends.schemas import Appearance, AppearanceKind, EmbeddingRow, Scope, Video, VideoState
from services.runtime.errors import BackendUnavailableError

FACES = {Modality.FACE: 16}
VIDEO = "1" * 32
StartLite = Callable[[Path], AbstractContextManager[tuple[str, "subprocess.Popen[bytes]"]]]


def ids(count: int, salt: str = "") -> list[str]:
    return sorted(hashlib.sha256(f"{salt}/{i}".encode()).hexdigest()[:32] for i in range(count))


def faces(gallery: str, names: Sequence[str], video: str = VIDEO) -> list[EmbeddingRow]:
    vectors = np.random.default_rng(len(names)).normal(size=(len(names), 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [EmbeddingRow(one, gallery, video, i, i + 1, 1, 1.0, vectors[i]) for i, one in enumerate(names)]


def appearances(gallery: str, names: Sequence[str]) -> list[Appearance]:
    return [Appearance(one, gallery, VIDEO, AppearanceKind.TRACKLET, i, i + 1, 1) for i, one in enumerate(names)]


async def opened(uri: str, digest: str, **more: float) -> MilvusIndex:
    index = MilvusIndex(uri, digest, **more)  # type: ignore[arg-type]
    await index.open(FACES)
    return index


async def test_nothing_is_lost_when_the_server_is_killed(tmp_path: Path, digest: str, start_lite: StartLite) -> None:
    """What was flushed, what was not, and what was deleted: all as before."""
    rows = faces("town", ids(60))
    with start_lite(tmp_path) as (uri, process):
        index = await opened(uri, digest)
        await index.put_embeddings(Modality.FACE, rows[:40])
        await index.flush()
        await index.put_embeddings(Modality.FACE, rows[40:])
        await index.put_appearances(appearances("town", ids(60)))
        await index.put_video(Video(VIDEO, "town", "file:///x", VideoState.INGESTING, 1, 1.0, "c" * 64))
        assert await index.delete_from("town", VIDEO, 50.0) == 20
        process.kill()
        process.wait()
        await index.aclose()
    with start_lite(tmp_path) as (uri, _):
        index = await opened(uri, digest)
        assert await index.count_video("town", VIDEO) == 101
        assert [row.appearance_id for row in await index.list_embeddings(Modality.FACE, Scope("town"))] == [
            row.appearance_id for row in rows[:50]
        ]
        (hits,) = await index.search(Modality.FACE, rows[45].vector[None], Scope("town"), 1)
        assert hits[0].appearance_id == rows[45].appearance_id
        await index.aclose()


async def test_a_client_outlives_a_restart_of_the_server(tmp_path: Path, digest: str, start_lite: StartLite) -> None:
    """After a restart nothing is loaded: whoever reads first has it loaded."""
    rows = faces("town", ids(30))
    with start_lite(tmp_path) as (uri, process):
        index = await opened(uri, digest)
        await index.put_embeddings(Modality.FACE, rows)
        process.terminate()
        assert process.wait() == 0
    with start_lite(tmp_path):
        assert await index.count_video("town", VIDEO) == 30
        (hits,) = await index.search(Modality.FACE, rows[0].vector[None], Scope("town"), 1)
        assert hits[0].appearance_id == rows[0].appearance_id
        await index.aclose()


async def test_a_read_that_meets_a_load_waits(
    milvus_lite_uri: str, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = await opened(milvus_lite_uri, digest, load_wait_s=0.2)
    name = index._embeddings[Modality.FACE].name
    await index.put_embeddings(Modality.FACE, faces("town", ids(3)))
    await index._connection._call("release_collection", name)
    assert len((await index.search(Modality.FACE, np.ones((1, 16), np.float32), Scope("town"), 9))[0]) == 3

    may_load = asyncio.Event()
    load = index._connection._load

    async def slowly(collection: str) -> None:
        await may_load.wait()
        await load(collection)

    monkeypatch.setattr(index._connection, "_load", slowly)
    await index._connection._call("release_collection", name)
    with pytest.raises(IndexLoadingError, match="loaded"):
        await index.search(Modality.FACE, np.ones((1, 16), np.float32), Scope("town"), 9)
    assert not await index.ready()
    may_load.set()
    assert len((await index.search(Modality.FACE, np.ones((1, 16), np.float32), Scope("town"), 9))[0]) == 3
    await index.aclose()


async def test_packs_do_not_meet_and_go_together(milvus_lite_uri: str, digest: str) -> None:
    old, new = await opened(milvus_lite_uri, digest), await opened(milvus_lite_uri, digest[::-1])
    gallery = f"g{digest[:8]}"
    await old.put_embeddings(Modality.FACE, faces(gallery, ids(3, gallery)))
    assert await new.search(Modality.FACE, np.ones((1, 16), np.float32), Scope(gallery), 9) == [[]]
    assert await new.count_video(gallery, VIDEO) == 3
    assert await new.erase_video(gallery, VIDEO) == 3
    assert await old.count_video(gallery, VIDEO) == 0
    await old.aclose()
    await new.aclose()


async def alias(index: MilvusIndex, name: str) -> str:
    described = await index._connection._call("describe_alias", name)
    return str(described["collection_name"])


async def test_aliases_follow_the_live_pack_and_nothing_else(milvus_lite_uri: str, digest: str) -> None:
    other = digest[::-1]
    first, second = await opened(milvus_lite_uri, digest), await opened(milvus_lite_uri, other)
    await first.make_live()
    await (await opened(milvus_lite_uri, other)).aclose()  # opening moves none
    for live, before, key in ((first, second, digest), (second, first, other), (first, second, digest)):
        await live.make_live()
        assert await alias(live, "personsearch_face") == f"personsearch_face_{key[:12]}"
        assert await alias(live, "personsearch_appearances") == f"personsearch_appearances_{key[:12]}"
        if live is second:
            assert await alias(live, "personsearch_previous") == f"personsearch_appearances_{before.pack_key}"
    await first.aclose()
    await second.aclose()


async def test_the_alias_of_what_a_pack_does_not_embed_goes(tmp_path: Path, digest: str, start_lite: StartLite) -> None:
    with start_lite(tmp_path) as (uri, _):
        both = MilvusIndex(uri, digest)
        await both.open({Modality.FACE: 16, Modality.VOICE: 8})
        await both.make_live()
        assert await alias(both, "personsearch_voice") == f"personsearch_voice_{digest[:12]}"
        faces_only = await opened(uri, digest[::-1])
        await faces_only.make_live()
        with pytest.raises(BackendUnavailableError):
            await alias(faces_only, "personsearch_voice")
        await both.make_live()
        assert await alias(both, "personsearch_voice") == f"personsearch_voice_{digest[:12]}"
        await both.aclose()
        await faces_only.aclose()


async def test_many_may_open_at_once(tmp_path: Path, digest: str, start_lite: StartLite) -> None:
    with start_lite(tmp_path) as (uri, _):
        indexes = await asyncio.gather(*(opened(uri, digest) for _ in range(5)))
        assert all(await asyncio.gather(*(index.ready() for index in indexes)))
        for index in indexes:
            await index.aclose()


async def test_reads_go_beyond_the_largest_answer(
    milvus_lite_uri: str, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables_module, "MOST_ROWS", 25)
    monkeypatch.setattr(tables_module, "_KEYS_PER_CALL", 20)
    monkeypatch.setattr(tables_module, "_BYTES_PER_WRITE", 4096)
    index = await opened(milvus_lite_uri, digest)
    names = ids(300, digest)
    await index.put_embeddings(Modality.FACE, faces("town", names))
    await index.put_appearances(appearances("town", names))
    assert [row.appearance_id for row in await index.list_embeddings(Modality.FACE, Scope("town"))] == names
    assert len(await index.get_appearances("town", names)) == 300
    assert await index.delete_from("town", VIDEO, 100.0) == 400
    assert [row.appearance_id for row in await index.list_appearances(Scope("town"))] == names[:100]
    assert [place.appearance_id for place in await index.list_places(None, Scope("town"))] == names[:100]
    await index.aclose()


async def test_no_server_is_an_error_that_says_so(digest: str) -> None:
    index = MilvusIndex("http://127.0.0.1:9", digest, timeout_s=0.5)
    with pytest.raises(BackendUnavailableError, match="milvus"):
        await index.open(FACES)
    assert not await index.ready()
    await index.aclose()


async def test_an_index_that_is_not_open_says_so(digest: str) -> None:
    with pytest.raises(BackendUnavailableError, match="not open"):
        await MilvusIndex("http://127.0.0.1:9", digest).list_galleries()


def test_a_writer_is_alone_and_does_not_wait_for_ever() -> None:
    lock, inside, mistakes = ReadersOrWriter(), [0, 0], []

    def read() -> None:
        for _ in range(200):
            with lock.reading():
                inside[0] += 1
                if inside[1]:
                    mistakes.append("a writer beside a reader")
                inside[0] -= 1

    def write() -> None:
        for _ in range(50):
            with lock.writing():
                inside[1] += 1
                if inside[1] > 1:
                    mistakes.append("two writers")
                inside[1] -= 1

    threads = [threading.Thread(target=work) for work in (read, read, write, write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not mistakes
    assert not any(thread.is_alive() for thread in threads)
