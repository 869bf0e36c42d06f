"""Where a pack has a text pair, each appearance also gets a vector of the text space."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from packs.spec import Modality
from services.backends.index.fake import FakeIndex
from services.backends.media.files import FsspecMediaStore
from services.backends.schemas import Scope, Video, VideoState
from services.ingest.pipeline.aggregate import aggregate
from services.ingest.pipeline.encode import encode, reads_bodies, share_bodies
from services.ingest.pipeline.hear import NobodyWatches
from services.ingest.pipeline.run import Observer, Pipeline
from services.ingest.pipeline.settings import PipelineSettings
from services.ingest.pipeline.values import Fragment, Observation, Position

VIDEO_ID = "1" * 32
SEEN = (Modality.FACE, Modality.BODY)


async def nobody_else() -> None:
    """The lease is always ours."""


@pytest.fixture
def story(film, script, walker):
    """Two people side by side, and a cut."""
    people = (walker("red", 0, 50, 40.0, 2.0), walker("blue", 0, 50, 300.0), walker("green", 50, 90, 200.0, 1.0))
    return film(script(frames=90, cuts=(50,), walkers=people))


@pytest.fixture
def ingest(vision, hearing, calibration):
    async def run(path, modalities):
        index = FakeIndex()
        await index.open(dict.fromkeys(modalities, 16))
        pipeline = Pipeline(
            vision=vision,
            hearing=hearing,
            watching=NobodyWatches(),
            modalities=modalities,
            calibration=calibration,
            index=index,
            media=FsspecMediaStore(f"memory://text-{uuid.uuid4().hex}"),
            settings=PipelineSettings(),
        )
        video = Video(VIDEO_ID, "town", path.as_uri(), VideoState.QUEUED, 1, 1000.0, "0" * 64)
        ready = await pipeline.run(video, path, still_ours=nobody_else, observer=Observer())
        scope = Scope("town", (VIDEO_ID,))
        rows = {modality: await index.list_embeddings(modality, scope) for modality in modalities}
        return ready, await index.list_appearances(scope), rows

    return run


@pytest.mark.parametrize("modalities", [(*SEEN, Modality.TEXT), (Modality.FACE, Modality.TEXT)])
async def test_each_appearance_gets_a_vector_of_the_text_space(ingest, vision, story, modalities) -> None:
    ready, appearances, rows = await ingest(story, modalities)
    assert (ready.state, len(appearances)) == (VideoState.READY, 3)
    assert all(Modality.TEXT in appearance.modalities for appearance in appearances)
    by_id = {row.appearance_id: row for row in rows[Modality.TEXT]}
    assert set(by_id) == {appearance.appearance_id for appearance in appearances}
    crops = {colour: np.full((1, 4, 4, 3), rgb, np.uint8) for colour, rgb in (("red", (220, 30, 30)),)}
    red = (await vision.embed(Modality.TEXT, crops["red"])).vectors[0]
    cosines = sorted(float(row.vector @ red) for row in by_id.values())
    assert cosines[-1] > 0.9
    assert cosines[-2] < 0.6
    for row in by_id.values():
        appearance = next(one for one in appearances if one.appearance_id == row.appearance_id)
        assert (row.start_s, row.end_s) == (appearance.start_s, appearance.end_s)
        assert 0.0 < row.quality <= 1.0


async def test_bodies_of_the_same_size_are_cut_once(ingest, vision, story) -> None:
    await ingest(story, (*SEEN, Modality.TEXT))
    assert set(vision.cut) == set(SEEN)


async def test_bodies_of_another_size_are_cut_for_it(ingest, vision, story) -> None:
    vision.text_crop = (48, 24)
    _, appearances, rows = await ingest(story, (*SEEN, Modality.TEXT))
    assert set(vision.cut) == {*SEEN, Modality.TEXT}
    assert len(rows[Modality.TEXT]) == len(appearances) == 3


async def test_a_pack_without_a_pair_makes_none(ingest, vision, story) -> None:
    _, appearances, _ = await ingest(story, SEEN)
    assert {modality for one in appearances for modality in one.modalities} <= set(SEEN)


def test_who_shares(vision) -> None:
    assert reads_bodies(vision, (*SEEN, Modality.TEXT))
    assert not reads_bodies(vision, SEEN)
    assert not reads_bodies(vision, (Modality.FACE, Modality.TEXT))
    vision.text_crop = (64, 32)
    assert not reads_bodies(vision, (*SEEN, Modality.TEXT))


async def test_shared_crops_are_embedded_in_both_spaces(vision) -> None:
    crop = np.full((32, 16, 3), 200, np.uint8)
    body = Observation(Position(3, 0.12), 0.7, crop)
    fragments = [Fragment([], {Modality.BODY: [body]}), Fragment([], {})]
    share_bodies(fragments)
    (text,) = fragments[0].observations[Modality.TEXT]
    assert text.crop is crop
    assert fragments[1].observations == {}
    await encode(vision, fragments)
    assert body.vector is not None
    assert text.vector is not None
    assert abs(float(body.vector @ text.vector)) < 0.99


def test_where_lengths_tell_nothing_the_crops_do() -> None:
    def seen(quality: float, norm: float) -> Observation:
        return Observation(
            Position(0, 0.0), quality, np.zeros((2, 2, 3), np.uint8), np.eye(4, dtype=np.float32)[0], norm
        )

    several = [seen(0.2, 9.0), seen(0.6, 9.0), seen(0.4, 9.0), seen(0.8, 9.0)]
    assert aggregate(several, lengths_tell=False).quality == pytest.approx(0.6)
    assert aggregate(several).quality == 1.0
    short = [seen(0.8, 0.1)]
    assert (aggregate(short).quality, aggregate(short, lengths_tell=False).quality) == (0.0, pytest.approx(0.8))
