"""Sound and people together, on fakes: who speaks, who is only heard, and that a kill anywhere changes nothing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from packs.spec import Modality
from services.backends.index.fake import FakeIndex
from services.backends.media.files import FsspecMediaStore
from services.backends.schemas import AppearanceKind, Scope, Video, VideoState
from services.ingest.identifiers import video_id_of
from services.ingest.pipeline.hear import NobodyWatches
from services.ingest.pipeline.revise import Reviser
from services.ingest.pipeline.run import Observer, Pipeline
from services.ingest.pipeline.settings import PipelineSettings

VIDEO_ID = video_id_of("town", "1" * 64)
NAMES = itertools.count()
RATE, FPS, FRAMES, CUTS = 48_000, 25, 180, (60, 120)
LONG = 240
RED_HZ, BLUE_HZ, STRANGER_HZ = 220.0, 880.0, 2400.0


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

    async def put_appearances(self, rows):
        self._write()
        await super().put_appearances(rows)

    async def put_video(self, video):
        self._write()
        await super().put_video(video)

    async def delete_appearances(self, gallery, appearance_ids):
        self._write()
        await super().delete_appearances(gallery, appearance_ids)

    async def delete_embeddings(self, modality, gallery, appearance_ids):
        self._write()
        await super().delete_embeddings(modality, gallery, appearance_ids)


class Say:
    """Lines of one voice: a tone that is loud and soft by syllables, and the mouth that goes with it."""

    def __init__(self, seed: int, frames: int = FRAMES) -> None:
        self._random = np.random.default_rng(seed)
        self._frames = frames
        self.sound = np.zeros(frames * RATE // FPS)
        self.mouth = np.zeros(frames)

    def line(self, hz: float, start_s: float, end_s: float) -> None:
        syllables = self._random.uniform(0.25, 1.0, self._frames)
        frames = np.arange(round(start_s * FPS), round(end_s * FPS))
        self.mouth[frames] = syllables[frames]
        t = np.arange(round(start_s * RATE), round(end_s * RATE)) / RATE
        loud = np.interp(t, (np.arange(self._frames) + 0.5) / FPS, syllables)
        self.sound[round(start_s * RATE) : round(end_s * RATE)] += 0.6 * loud * np.sin(2 * np.pi * hz * t)

    def chew(self, hz: float) -> None:
        self.mouth = 0.5 + 0.5 * np.sin(2 * np.pi * hz * np.arange(FRAMES) / FPS)


async def nobody_else() -> None:
    """The lease is always ours."""


def new_video(path) -> Video:
    return Video(VIDEO_ID, "town", path.as_uri(), VideoState.QUEUED, 1, 1000.0, "1" * 64)


@pytest.fixture
def talk(film, script, walker, track):
    """Red and blue talk in turn while green chews; a stranger is heard while red and green are silent; blue alone."""
    red, blue, green, stranger = (Say(seed) for seed in range(4))
    red.line(RED_HZ, 0.4, 1.2)
    blue.line(BLUE_HZ, 1.48, 2.2)
    stranger.line(STRANGER_HZ, 3.0, 4.0)
    blue.line(BLUE_HZ, 5.2, 6.4)
    green.chew(2.0)

    def person(colour: str, first: int, last: int, x: float, say: Say):
        return walker(colour, first, last, x, mouth=tuple(say.mouth))

    people = (
        person("red", 0, 60, 60.0, red),
        person("blue", 0, 60, 200.0, blue),
        person("green", 0, 60, 340.0, green),
        person("red", 60, 120, 100.0, red),
        person("green", 60, 120, 300.0, Say(4)),
        person("blue", 120, 180, 200.0, blue),
    )
    sound = sum(one.sound for one in (red, blue, stranger))
    return film(script(frames=FRAMES, cuts=CUTS, walkers=people), tracks=[track(np.asarray(sound, np.float32))], gop=25)


@pytest.fixture
def stack(vision, hearing, calibration, modalities, dimensions):
    async def make(**settings):
        index = KillingIndex()
        await index.open(dimensions)
        media = FsspecMediaStore(f"memory://speech-{next(NAMES)}")
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
        return index, pipeline

    return make


async def contents(index):
    scope = Scope("town", (VIDEO_ID,))
    rows = await index.list_appearances(scope)
    vectors = {modality: await index.list_embeddings(modality, scope) for modality in Modality}
    return rows, vectors


def spoken(rows):
    """When each appearance speaks, by its first second and place."""
    return {
        (row.kind, round(row.start_s, 1), round(row.boxes[0].person.x_min, 1) if row.boxes else None): row.speech
        for row in rows
        if row.speech
    }


async def test_speech_goes_to_the_mouth_that_follows_it(stack, talk):
    index, pipeline = await stack()
    ready = await pipeline.run(new_video(talk), talk, still_ours=nobody_else, observer=Observer())
    rows, vectors = await contents(index)
    assert ready.appearance_count == len(rows) == 7
    found = spoken(rows)
    tracklet, speech = AppearanceKind.TRACKLET, AppearanceKind.SPEECH
    assert set(found) == {(tracklet, 0.0, 0.1), (tracklet, 0.0, 0.4), (speech, 3.0, None), (tracklet, 4.8, 0.4)}
    for key, (start_s, end_s) in {
        (tracklet, 0.0, 0.1): (0.4, 1.2),
        (tracklet, 0.0, 0.4): (1.48, 2.2),
        (speech, 3.0, None): (3.0, 4.0),
        (tracklet, 4.8, 0.4): (5.2, 6.4),
    }.items():
        (span,) = found[key]
        assert (span.start_s, span.end_s) == (pytest.approx(start_s, abs=0.05), pytest.approx(end_s, abs=0.05))
        assert 0.5 < span.confidence <= 1.0
    assert found[(speech, 3.0, None)][0].confidence == 1.0
    assert len(vectors[Modality.VOICE]) == 4


async def test_speech_of_nobody_on_screen_stands_alone(stack, talk):
    index, pipeline = await stack()
    await pipeline.run(new_video(talk), talk, still_ours=nobody_else, observer=Observer())
    rows, vectors = await contents(index)
    (alone,) = (row for row in rows if row.kind is AppearanceKind.SPEECH)
    assert (alone.boxes, alone.key_frame_uri, alone.modalities) == ((), "", (Modality.VOICE,))
    assert (alone.start_s, alone.end_s) == (alone.speech[0].start_s, alone.speech[0].end_s)
    (row,) = (row for row in vectors[Modality.VOICE] if row.appearance_id == alone.appearance_id)
    assert (row.start_s, row.end_s) == (alone.start_s, alone.end_s)


async def test_a_voice_is_one_persons_and_worth_its_seconds(stack, talk):
    index, pipeline = await stack()
    await pipeline.run(new_video(talk), talk, still_ours=nobody_else, observer=Observer())
    rows, vectors = await contents(index)
    voices = {row.appearance_id: row for row in vectors[Modality.VOICE]}
    ordered = [voices[row.appearance_id] for row in rows if row.appearance_id in voices]
    by_start = sorted((row.speech[0].start_s, row.appearance_id) for row in rows if row.speech)
    red, blue, stranger, again = (voices[one].vector for _, one in by_start)
    assert blue @ again > 0.99
    assert max(red @ blue, red @ stranger, blue @ stranger) < 0.6
    assert len(ordered) == 4
    speech = {row.appearance_id: sum(span.end_s - span.start_s for span in row.speech) for row in rows if row.speech}
    for one, row in voices.items():
        assert row.quality == pytest.approx(speech[one] / (speech[one] + 1.0), abs=1e-3)


async def test_every_voice_row_has_its_modality(stack, talk):
    index, pipeline = await stack()
    await pipeline.run(new_video(talk), talk, still_ours=nobody_else, observer=Observer())
    rows, vectors = await contents(index)
    marked = {row.appearance_id for row in rows if Modality.VOICE in row.modalities}
    assert (
        marked
        == {row.appearance_id for row in vectors[Modality.VOICE]}
        == {row.appearance_id for row in rows if row.speech}
    )


async def test_a_pack_that_cannot_hear_leaves_sound_out(stack, talk, hearing):
    hearing.can_hear = False
    index, pipeline = await stack()
    ready = await pipeline.run(new_video(talk), talk, still_ours=nobody_else, observer=Observer())
    rows, vectors = await contents(index)
    assert ready.appearance_count == 6
    assert hearing.speech_calls == 0
    assert not any(row.speech for row in rows)
    assert vectors[Modality.VOICE] == []


@pytest.fixture
def turned(film, script, walker, track):
    """Red is seen to speak twice; then red's voice is heard while no mouth moves; then blue's mouth moves to it."""
    red, heard, dubbed = (Say(seed, LONG) for seed in (0, 3, 5))
    red.line(RED_HZ, 0.4, 1.6)
    red.line(RED_HZ, 2.8, 4.0)
    heard.line(RED_HZ, 5.2, 6.4)
    dubbed.line(RED_HZ, 7.6, 8.8)
    still, sound = tuple(np.zeros(LONG)), red.sound + heard.sound + dubbed.sound
    people = (
        walker("red", 0, 60, 60.0, mouth=tuple(red.mouth)),
        walker("green", 0, 60, 300.0, mouth=still),
        walker("red", 60, 120, 200.0, mouth=tuple(red.mouth)),
        walker("red", 120, 180, 60.0, mouth=still),
        walker("green", 120, 180, 300.0, mouth=still),
        walker("blue", 180, 240, 200.0, mouth=tuple(dubbed.mouth)),
    )
    made = script(frames=LONG, cuts=(60, 120, 180), walkers=people)
    return film(made, tracks=[track(np.asarray(sound, np.float32))], gop=25)


async def test_the_film_tells_what_a_shot_cannot(stack, turned, monkeypatch):
    seen_by_shot = {}

    async def looked(self, video):
        seen_by_shot.update(spoken((await contents(self._index))[0]))
        return await revised(self, video)

    revised = Reviser.revise
    # The rows as they were before the last stage can be had in no other way.
    monkeypatch.setattr(Reviser, "revise", looked)
    index, pipeline = await stack()
    ready = await pipeline.run(new_video(turned), turned, still_ours=nobody_else, observer=Observer())
    rows, vectors = await contents(index)
    assert ready.appearance_count == len(rows)
    found = spoken(rows)
    tracklet, speech = AppearanceKind.TRACKLET, AppearanceKind.SPEECH
    # Red's voice with every mouth still: red is there, so it is red; blue's mouth moves to it, but red is away.
    assert (tracklet, 4.8, 0.1) in found
    assert (tracklet, 4.8, 0.1) not in seen_by_shot
    assert (tracklet, 7.2, 0.4) in seen_by_shot
    assert (tracklet, 7.2, 0.4) not in found
    assert sum(kind is speech for kind, _, _ in found) == 1
    assert {row.appearance_id for row in vectors[Modality.VOICE]} == {row.appearance_id for row in rows if row.speech}


async def test_killed_in_the_last_stage_and_resumed_it_is_the_same(stack, turned):
    whole, pipeline = await stack()
    await pipeline.run(new_video(turned), turned, still_ours=nobody_else, observer=Observer())
    wanted, writes = await contents(whole), whole.writes
    # The last write makes it ready, the four before it are of the last stage: what is there, then what goes.
    for write in range(writes - 4, writes + 1):
        index, pipeline = await stack()
        index.dies_at = write
        with pytest.raises(Kill):
            await pipeline.run(new_video(turned), turned, still_ours=nobody_else, observer=Observer())
        left = await index.get_video("town", VIDEO_ID)
        assert (left.state, left.committed_frame) == (VideoState.INGESTING, LONG)
        index.dies_at = None
        ready = await pipeline.run(left, turned, still_ours=nobody_else, observer=Observer())
        assert (ready.state, ready.appearance_count) == (VideoState.READY, len(wanted[0]))
        await assert_same(await contents(index), wanted)


async def assert_same(found, expected):
    (rows, vectors), (wanted_rows, wanted_vectors) = found, expected
    assert [(row.appearance_id, row.kind, row.start_s, row.end_s, row.modalities, row.speech) for row in rows] == [
        (row.appearance_id, row.kind, row.start_s, row.end_s, row.modalities, row.speech) for row in wanted_rows
    ]
    for modality, wanted in wanted_vectors.items():
        assert [row.appearance_id for row in vectors[modality]] == [row.appearance_id for row in wanted]
        for row, other in zip(vectors[modality], wanted, strict=True):
            assert row.vector @ other.vector >= 0.999
            assert row.quality == other.quality


@pytest.mark.parametrize("write", [4, 8, 13])
async def test_killed_at_any_write_and_resumed_it_is_the_same(stack, talk, write):
    whole, pipeline = await stack(checkpoint_s=0.5)
    await pipeline.run(new_video(talk), talk, still_ours=nobody_else, observer=Observer())
    index, pipeline = await stack(checkpoint_s=0.5)
    index.dies_at = write
    with pytest.raises(Kill):
        await pipeline.run(new_video(talk), talk, still_ours=nobody_else, observer=Observer())
    left = await index.get_video("town", VIDEO_ID)
    index.dies_at = None
    ready = await pipeline.run(left, talk, still_ours=nobody_else, observer=Observer())
    assert ready.appearance_count == 7
    await assert_same(await contents(index), await contents(whole))


async def test_deleting_takes_voices_too(stack, talk):
    index, pipeline = await stack()
    await pipeline.run(new_video(talk), talk, still_ours=nobody_else, observer=Observer())
    rows, vectors = await contents(index)
    # Each appearance, each embedding, the video's own row.
    assert await index.count_video("town", VIDEO_ID) == 1 + len(rows) + sum(len(some) for some in vectors.values())
    await index.erase_video("town", VIDEO_ID)
    assert await index.count_video("town", VIDEO_ID) == 0
    assert (await contents(index))[1][Modality.VOICE] == []
