"""The stages together, on fakes: what goes in, what comes out, and that a kill anywhere changes nothing."""

from __future__ import annotations

import asyncio
import itertools

import numpy as np
import pytest

from packs.spec import Modality
from services.backends.index.fake import FakeIndex
from services.backends.media.files import FsspecMediaStore
from services.backends.schemas import Scope, Video, VideoState
from services.ingest.identifiers import media_prefix, video_id_of
from services.ingest.pipeline.hear import NobodyWatches
from services.ingest.pipeline.run import Observer, Pipeline
from services.ingest.pipeline.settings import PipelineSettings

VIDEO_ID = video_id_of("town", "0" * 64)
NAMES = itertools.count()


class Kill(Exception):
    """Stands for kill -9: nothing after it runs."""


class KillingIndex(FakeIndex):
    """Dies at the n-th write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.dies_at: int | None = None

    def _write(self) -> None:
        self.writes += 1
        if self.writes == self.dies_at:
            raise Kill

    async def put_embeddings(self, modality, rows):
        self._write()
        await super().put_embeddings(modality, rows)
        self._write()

    async def put_appearances(self, rows):
        self._write()
        await super().put_appearances(rows)
        self._write()

    async def put_video(self, video):
        self._write()
        await super().put_video(video)


async def nobody_else() -> None:
    """The lease is always ours."""


def new_video(path) -> Video:
    return Video(VIDEO_ID, "town", path.as_uri(), VideoState.QUEUED, 1, 1000.0, "0" * 64)


@pytest.fixture
def stack(vision, hearing, calibration, modalities, dimensions):
    async def make(**settings):
        index = KillingIndex()
        await index.open(dimensions)
        media = FsspecMediaStore(f"memory://ingest-{next(NAMES)}")
        pipeline = Pipeline(
            vision=vision,
            hearing=hearing,
            watching=NobodyWatches(),
            modalities=modalities,
            calibration=calibration,
            index=index,
            media=media,
            settings=PipelineSettings(**settings),
        )
        return index, media, pipeline

    return make


@pytest.fixture
def story(film, script, walker):
    """Three shots: two people who cross, one of them alone, nobody, and one who comes late."""
    people = (
        walker("red", 0, 50, 20.0, 6.0),
        walker("blue", 0, 50, 400.0, -6.0),
        walker("red", 50, 100, 200.0, 1.0),
        walker("green", 130, 170, 100.0, 2.0),
    )
    return film(script(frames=180, cuts=(50, 100), walkers=people))


async def contents(index):
    scope = Scope("town", (VIDEO_ID,))
    rows = await index.list_appearances(scope)
    vectors = {modality: await index.list_embeddings(modality, scope) for modality in Modality}
    return rows, vectors


async def test_people_of_each_shot_become_appearances(stack, story):
    index, media, pipeline = await stack()
    ready = await pipeline.run(new_video(story), story, still_ours=nobody_else, observer=Observer())
    rows, vectors = await contents(index)
    assert ready.state is VideoState.READY
    assert (ready.appearance_count, len(rows)) == (4, 4)
    assert [(row.start_s, row.end_s) for row in rows] == [
        pytest.approx(span) for span in [(0.0, 1.96), (0.0, 1.96), (2.0, 3.96), (5.2, 6.76)]
    ]
    assert all(row.modalities == (Modality.FACE, Modality.BODY) for row in rows)
    assert all(len(vectors[modality]) == 4 for modality in (Modality.FACE, Modality.BODY))
    assert await media.count_prefix(media_prefix("town", VIDEO_ID)) == 4
    assert (await media.get(f"town/{VIDEO_ID}/{rows[0].appearance_id}.jpg"))[:3] == b"\xff\xd8\xff"


async def test_crossing_people_keep_their_own_embedding(stack, story):
    index, _, pipeline = await stack()
    await pipeline.run(new_video(story), story, still_ours=nobody_else, observer=Observer())
    rows, vectors = await contents(index)
    bodies = {row.appearance_id: row.vector for row in vectors[Modality.BODY]}
    by_person = {}
    for row in rows[:3]:
        first = row.boxes[0].person
        colour = "red" if row.start_s >= 2.0 or first.x_min < 0.5 else "blue"
        by_person.setdefault(colour, []).append(bodies[row.appearance_id])
        last = row.boxes[-1].person
        if row.start_s < 2.0:
            assert (last.x_min > first.x_min) == (colour == "red")
    assert by_person["red"][0] @ by_person["red"][1] > 0.99
    assert by_person["red"][0] @ by_person["blue"][0] < 0.9


async def test_boxes_follow_the_person(stack, story, script):
    index, _, pipeline = await stack()
    await pipeline.run(new_video(story), story, still_ours=nobody_else, observer=Observer())
    rows, _ = await contents(index)
    walk = rows[3]
    assert [box.time_s for box in walk.boxes] == sorted({box.time_s for box in walk.boxes})
    for box in walk.boxes:
        left = (100.0 + 2.0 * (round(box.time_s * 25) - 130)) / 480.0
        assert box.person.x_min == pytest.approx(left, abs=0.01)
        assert box.face is not None
        assert box.person.x_min <= box.face.x_min < box.face.x_max <= box.person.x_max
    gaps = np.diff([box.time_s for box in walk.boxes])
    assert gaps.max() <= 0.25


async def test_twice_gives_the_same(stack, story):
    first, _, pipeline = await stack()
    await pipeline.run(new_video(story), story, still_ours=nobody_else, observer=Observer())
    second, _, pipeline = await stack()
    await pipeline.run(new_video(story), story, still_ours=nobody_else, observer=Observer())
    await assert_same(await contents(first), await contents(second))


async def assert_same(found, expected):
    (rows, vectors), (wanted_rows, wanted_vectors) = found, expected
    assert [(row.appearance_id, row.start_s, row.end_s, row.modalities) for row in rows] == [
        (row.appearance_id, row.start_s, row.end_s, row.modalities) for row in wanted_rows
    ]
    for modality, wanted in wanted_vectors.items():
        assert [row.appearance_id for row in vectors[modality]] == [row.appearance_id for row in wanted]
        for row, other in zip(vectors[modality], wanted, strict=True):
            assert row.vector @ other.vector >= 0.999


@pytest.mark.parametrize("write", [1, 2, 3, 6, 8, 10, 13, 16, 19, 21])
async def test_killed_at_any_write_and_resumed_it_is_the_same(stack, story, write):
    whole, _, pipeline = await stack(checkpoint_s=0.5)
    await pipeline.run(new_video(story), story, still_ours=nobody_else, observer=Observer())
    index, media, pipeline = await stack(checkpoint_s=0.5)
    index.dies_at = write
    await index.put_video(new_video(story)) if write > 1 else None
    index.writes = 0
    with pytest.raises(Kill):
        await pipeline.run(new_video(story), story, still_ours=nobody_else, observer=Observer())
    left = await index.get_video("town", VIDEO_ID) or new_video(story)
    index.dies_at = None
    ready = await pipeline.run(left, story, still_ours=nobody_else, observer=Observer())
    assert ready.appearance_count == 4
    await assert_same(await contents(index), await contents(whole))
    assert await media.count_prefix(media_prefix("town", VIDEO_ID)) == 4


async def test_a_resumed_ingest_does_not_begin_again(stack, story, vision):
    class Stops(Observer):
        async def committed(self, video: Video) -> None:
            if video.committed_frame >= 100:
                raise RuntimeError("stopped in the middle")

    index, _, pipeline = await stack(checkpoint_s=0.5)
    await pipeline.run(new_video(story), story, still_ours=nobody_else, observer=Observer())
    whole, count = vision.detect_calls, (await index.get_video("town", VIDEO_ID)).appearance_count
    index, _, pipeline = await stack(checkpoint_s=0.5)
    with pytest.raises(RuntimeError, match="in the middle"):
        await pipeline.run(new_video(story), story, still_ours=nobody_else, observer=Stops())
    left = await index.get_video("town", VIDEO_ID)
    vision.detect_calls = 0
    ready = await pipeline.run(left, story, still_ours=nobody_else, observer=Observer())
    assert vision.detect_calls < whole / 1.5
    assert ready.appearance_count == count


async def test_an_error_in_a_stage_ends_the_run(stack, story, vision):
    _, _, pipeline = await stack()

    def fail(call: int) -> None:
        if call == 3:
            raise RuntimeError("the detector is gone")

    vision.on_detect = fail
    with pytest.raises(RuntimeError, match="the detector is gone"):
        await pipeline.run(new_video(story), story, still_ours=nobody_else, observer=Observer())


async def test_cancelling_leaves_nothing_running(stack, story, vision):
    index, _, pipeline = await stack()
    running = asyncio.create_task(pipeline.run(new_video(story), story, still_ours=nobody_else, observer=Observer()))
    vision.on_detect = lambda call: running.cancel() if call == 2 else None
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(asyncio.all_tasks()) == 1
    assert (await index.get_video("town", VIDEO_ID)).state is VideoState.INGESTING


async def test_a_film_without_people_is_ready(stack, film, script):
    index, _, pipeline = await stack()
    path = film(script(frames=40))
    ready = await pipeline.run(new_video(path), path, still_ours=nobody_else, observer=Observer())
    assert (ready.state, ready.appearance_count) == (VideoState.READY, 0)
    assert ready.committed_frame == 40
    assert await index.count_video("town", VIDEO_ID) == 1


async def test_a_lost_row_is_noticed(stack, story, monkeypatch):
    index, _, pipeline = await stack()

    async def forget() -> None:
        index._appearances.popitem()

    monkeypatch.setattr(index, "flush", forget)  # An index that loses what it was given cannot be had otherwise.
    with pytest.raises(RuntimeError, match="holds 3 appearances"):
        await pipeline.run(new_video(story), story, still_ours=nobody_else, observer=Observer())
