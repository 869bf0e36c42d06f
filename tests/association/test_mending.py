"""The cache heals: what it does not know is computed when it is asked for."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from services.association.settings import LinkingSettings
from services.backends.schemas import VideoState
from services.runtime.errors import BackendUnavailableError, GalleryNotFoundError, VideoNotFoundError

World = Any  # of conftest


async def two_films(world: World) -> tuple[str, str]:
    one = await world.film("one", [world.tracklet("a", 0, 2, world.face("anna"))])
    two = await world.film("two", [world.tracklet("b", 0, 2, world.face("anna"))])
    return one, two


async def until_idle(world: World) -> None:
    await asyncio.gather(*world.handlers._mender._running.values())


async def test_unknown_films_are_associated_when_asked_for(world: World) -> None:
    await two_films(world)
    assert await world.neighbours("a") == {world.id_of("b")}
    assert await world.store.known_videos("town") == {world.id_of("one"), world.id_of("two")}


async def test_a_lost_cache_is_rebuilt_at_once(world: World) -> None:
    for video in await two_films(world):
        await world.handlers.associate_video("town", video)
    before = await world.handlers.list_associations("town", [world.id_of("a")])
    await world.store.drop_gallery("town")
    assert before
    assert await world.handlers.list_associations("town", [world.id_of("a")]) == before


async def test_a_film_nobody_asked_for_is_found_in_the_background(world: World) -> None:
    one, _ = await two_films(world)
    await world.handlers.associate_video("town", one)
    assert await world.neighbours("a") == set()
    await until_idle(world)
    assert await world.neighbours("a") == {world.id_of("b")}


async def test_a_film_that_is_being_ingested_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await two_films(world)
    video = world.videos["one"]
    await world.index.put_video(video.with_changes(state=VideoState.INGESTING))
    assert await world.neighbours("a") == set()
    assert await world.store.known_videos("town") == {world.id_of("two")}
    # It is not looked at again at once: a search of such a film must not list all videos each time.
    monkeypatch.setattr(world.index, "list_videos", None)
    assert await world.neighbours("a") == set()


async def test_unknown_ids_have_no_edges(world: World) -> None:
    await two_films(world)
    assert await world.neighbours("nobody") == set()


async def test_an_unknown_gallery_is_an_error(world: World) -> None:
    with pytest.raises(GalleryNotFoundError, match="nowhere"):
        await world.neighbours("a", gallery="nowhere")
    with pytest.raises(GalleryNotFoundError, match="nowhere"):
        await world.handlers.associate_video("nowhere", world.id_of("one"))


async def test_an_unknown_film_is_an_error(world: World) -> None:
    await two_films(world)
    with pytest.raises(VideoNotFoundError):
        await world.handlers.associate_video("town", world.id_of("three"))


async def test_a_film_that_is_being_deleted_gets_no_edges(world: World) -> None:
    one, _ = await two_films(world)
    await world.index.put_video(world.videos["one"].with_changes(state=VideoState.DELETING))
    with pytest.raises(VideoNotFoundError):
        await world.handlers.associate_video("town", one)
    await world.neighbours("b")
    assert one not in await world.store.known_videos("town")


async def test_dropping_leaves_nothing(world: World) -> None:
    one, two = await two_films(world)
    for video in (one, two):
        await world.handlers.associate_video("town", video)
    dropped = await world.handlers.drop_video("town", one)
    assert (dropped.deleted, dropped.remaining) == (4, 0)
    edges = await world.store.edges_of("town", [world.id_of("b")])
    assert edges == {world.id_of("b"): []}
    assert (await world.handlers.drop_video("town", one)).deleted == 0


async def test_films_that_come_at_once_know_each_other(world: World) -> None:
    anna = world.face("anna")
    films = [await world.film(f"film {i}", [world.tracklet(f"a{i}", 0, 2, anna)]) for i in range(6)]
    await asyncio.gather(*(world.handlers.associate_video("town", video) for video in films))
    assert len(await world.neighbours("a0")) == 5


async def test_a_cache_that_does_not_answer_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await two_films(world)

    async def silent(*_: object) -> None:
        raise BackendUnavailableError("redis", "gone")

    monkeypatch.setattr(world.store, "edges_of", silent)
    with pytest.raises(BackendUnavailableError, match="redis"):
        await world.neighbours("a")


class TestPatience:
    """A read waits for the mending only so long; the mending goes on."""

    @pytest.fixture
    def settings(self) -> LinkingSettings:
        return LinkingSettings(mend_wait_s=0.05)

    async def test_a_long_rebuild_is_told_and_ends(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        await two_films(world)
        go_on = asyncio.Event()
        real = world.store.put_video

        async def slowly(*arguments: Any) -> None:
            await go_on.wait()
            await real(*arguments)

        monkeypatch.setattr(world.store, "put_video", slowly)
        with pytest.raises(BackendUnavailableError, match="rebuilt"):
            await world.neighbours("a")
        go_on.set()
        await until_idle(world)
        assert await world.neighbours("a") == {world.id_of("b")}

    async def test_a_failing_background_run_is_logged(
        self, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        one, _ = await two_films(world)
        await world.handlers.associate_video("town", one)

        async def silent(*_: object) -> None:
            raise BackendUnavailableError("milvus", "gone")

        monkeypatch.setattr(world.index, "list_videos", silent)
        with caplog.at_level(logging.WARNING):
            assert await world.neighbours("a") == set()
            await asyncio.gather(*world.handlers._mender._running.values(), return_exceptions=True)
        assert "mending failed" in caplog.text
