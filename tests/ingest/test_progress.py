from __future__ import annotations

import logging

import pytest

from services.backends.ephemeral.fake import FakeEphemeralStore
from services.backends.schemas import Video, VideoState
from services.ingest.progress import Progress, ProgressReporter, read_progress
from services.runtime.errors import BackendUnavailableError

LOGGER = logging.getLogger("services.ingest.test")
VIDEO = Video("0" * 32, "town", "file:///film.mp4", VideoState.INGESTING, 1, 0.0, "", committed_s=10.0)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class AwayStore(FakeEphemeralStore):
    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        raise BackendUnavailableError("redis", "it is away")

    async def get(self, key: str) -> bytes | None:
        raise BackendUnavailableError("redis", "it is away")


def test_progress_survives_being_kept():
    for speed in (None, 3.5):
        progress = Progress(VideoState.INGESTING, 12.5, 10.0, 7, speed)
        assert Progress.from_json(progress.to_json()) == progress


async def test_speed_is_that_of_the_last_while():
    store, clock = FakeEphemeralStore(), Clock()
    reporter = ProgressReporter(store, 0.0, LOGGER, clock)
    await reporter.started(VIDEO)
    assert (await read_progress(store, VIDEO.video_id)).speed is None
    for _ in range(40):
        clock.now_s += 1.0
        await reporter.analysed(VIDEO, 10.0 + 2.0 * (clock.now_s - 100.0))
    for _ in range(40):
        clock.now_s += 1.0
        await reporter.analysed(VIDEO, 90.0 + 4.0 * (clock.now_s - 140.0))
    told = await read_progress(store, VIDEO.video_id)
    assert told.speed == pytest.approx(4.0)
    assert told.analysed_s == pytest.approx(250.0)


async def test_it_is_not_told_too_often():
    store, clock = FakeEphemeralStore(), Clock()
    reporter = ProgressReporter(store, 1.0, LOGGER, clock)
    await reporter.started(VIDEO)
    clock.now_s += 0.5
    await reporter.analysed(VIDEO, 11.0)
    assert (await read_progress(store, VIDEO.video_id)).analysed_s == 10.0
    await reporter.committed(VIDEO)
    assert (await read_progress(store, VIDEO.video_id)).analysed_s == 11.0


async def test_a_store_that_is_away_does_no_harm():
    store = AwayStore()
    await ProgressReporter(store, 0.0, LOGGER).started(VIDEO)
    assert await read_progress(store, VIDEO.video_id) is None
