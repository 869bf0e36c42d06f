"""The last stage: what shots wrote is put right by what the film knows, and a kill in it changes nothing."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from packs.calibration import Calibration
from packs.spec import Modality
from services.backends.index.fake import FakeIndex
from services.backends.media.files import FsspecMediaStore
from services.backends.schemas import Appearance, AppearanceKind, EmbeddingRow, Scope, Video, VideoState
from services.ingest.identifiers import appearance_id_of, speech_id_of
from services.ingest.pipeline.appearances import embedding_of, speech_alone
from services.ingest.pipeline.film_speakers import choose_over_film
from services.ingest.pipeline.notes import Notes, NotesStore
from services.ingest.pipeline.revise import Reviser
from services.ingest.pipeline.settings import PipelineSettings, SpeakerSettings
from services.ingest.pipeline.shot_speech import Piece, Player, ShotSpeech
from services.ingest.pipeline.spoken import shared_out

NAMES = itertools.count()
CALIBRATION = {modality: Calibration(slope=12.0, intercept=-6.0) for modality in Modality}
SETTINGS = PipelineSettings(speakers=SpeakerSettings(weights=(0.0, 0.0, 3.0, 0.0), off_screen=0.5))
ANN, BOB, CAT = range(3)
VIDEO = Video("f" * 32, "town", "file:///x", VideoState.INGESTING, 1, 1.0, "0" * 64).with_changes(
    committed_frame=200, committed_s=8.0
)
SCOPE = Scope("town", (VIDEO.video_id,))


class Kill(Exception):
    """Stands for kill -9."""


class KillingIndex(FakeIndex):
    """Dies before the n-th write."""

    def __init__(self) -> None:
        super().__init__()
        self.left: int | None = None

    def _write(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Kill

    async def put_embeddings(self, modality, rows):
        self._write()
        await super().put_embeddings(modality, rows)

    async def put_appearances(self, rows):
        self._write()
        await super().put_appearances(rows)

    async def delete_appearances(self, gallery, appearance_ids):
        self._write()
        await super().delete_appearances(gallery, appearance_ids)

    async def delete_embeddings(self, modality, gallery, appearance_ids):
        self._write()
        await super().delete_embeddings(modality, gallery, appearance_ids)


def unit(number: int) -> np.ndarray:
    return np.eye(8, dtype=np.float32)[number]


def shot(frame: int, voice: int, *people: tuple[int, float | None]) -> ShotSpeech:
    """A piece of a voice, and people with what their mouth says of it; None where it is not seen."""
    start_s = frame / 25
    players = tuple(Player(start_s, start_s + 2.0, {Modality.FACE: unit(who)}) for who, _ in people)
    mouths = [(1.0, 0.0, 0.0, 0.0) if jaw is None else (0.0, 1.0, jaw, 0.0) for _, jaw in people]
    piece = Piece(start_s + 0.5, start_s + 1.7, 2.0 * unit(voice))
    return ShotSpeech(frame, (piece,), players, np.array([mouths]).reshape(1, -1, 4), np.ones((1, len(people))))


# Ann is seen to speak twice; then her voice is heard while no mouth shows, and last Bob's mouth moves to it.
SHOTS = (
    shot(0, ANN, (ANN, 0.9), (BOB, 0.0)),
    shot(50, ANN, (ANN, 0.9), (CAT, 0.0)),
    shot(100, ANN, (BOB, -0.2), (ANN, -0.1)),
    shot(150, ANN, (BOB, 0.8), (CAT, 0.0)),
)


def tracklet(frame: int, place: int) -> Appearance:
    one = appearance_id_of(VIDEO.video_id, frame, place)
    start_s = frame / 25
    kind, seen = AppearanceKind.TRACKLET, (Modality.FACE,)
    return Appearance(one, "town", VIDEO.video_id, kind, start_s, start_s + 2.0, 1, seen)


async def written_by_shots(index: FakeIndex) -> None:
    """What is there when each shot has decided by itself."""
    for each in SHOTS:
        (choices,) = choose_over_film([each], CALIBRATION, SETTINGS.speakers)
        linked, alone = shared_out(each, choices, SETTINGS)
        for place in range(len(each.players)):
            row = tracklet(each.start_frame, place)
            if place in linked:
                voice = embedding_of(VIDEO, row.appearance_id, (row.start_s, row.end_s), linked[place].voice)
                await index.put_embeddings(Modality.VOICE, [voice])
                both = (Modality.FACE, Modality.VOICE)
                row = replace(row, speech=tuple(linked[place].spans), modalities=both)
            await index.put_appearances([row])
        for said in alone:
            finished = speech_alone(VIDEO, each.start_frame, said)
            await index.put_embeddings(Modality.VOICE, [finished.embeddings[Modality.VOICE]])
            await index.put_appearances([finished.row])


@pytest.fixture
async def notes() -> NotesStore:
    store = NotesStore(FsspecMediaStore(f"memory://revise-{next(NAMES)}"))
    await store.write(VIDEO.with_changes(committed_frame=0), 100, Notes(4, SHOTS[:2]))
    await store.write(VIDEO.with_changes(committed_frame=100), 200, Notes(4, SHOTS[2:]))
    return store


async def opened() -> KillingIndex:
    index = KillingIndex()
    await index.open({Modality.VOICE: 8, Modality.FACE: 8})
    await written_by_shots(index)
    return index


def reviser(index: FakeIndex, notes: NotesStore) -> Reviser:
    async def still_ours() -> None:
        """The lease is always ours."""

    return Reviser(index, notes, CALIBRATION, SETTINGS, still_ours)


async def contents(index: FakeIndex) -> tuple[list[Appearance], dict[str, EmbeddingRow]]:
    voices = await index.list_embeddings(Modality.VOICE, SCOPE)
    return await index.list_appearances(SCOPE), {row.appearance_id: row for row in voices}


def heard(rows: list[Appearance]) -> set[str]:
    return {row.appearance_id for row in rows if row.speech}


async def test_the_film_puts_right_what_shots_wrote(notes):
    index = await opened()
    ann, bob = appearance_id_of(VIDEO.video_id, 100, 1), appearance_id_of(VIDEO.video_id, 150, 0)
    alone_before, alone_after = (speech_id_of(VIDEO.video_id, frame, 0) for frame in (100, 150))
    before = heard((await contents(index))[0])
    assert {bob, alone_before} < before
    assert not {ann, alone_after} & before
    revised = await reviser(index, notes).revise(VIDEO)
    rows, voices = await contents(index)
    assert {ann, alone_after} < heard(rows)
    assert not {bob, alone_before} & heard(rows)
    assert revised.appearance_count == len(rows) == 9
    assert voices.keys() == heard(rows) == {row.appearance_id for row in rows if Modality.VOICE in row.modalities}
    silent = next(row for row in rows if row.appearance_id == bob)
    assert (silent.speech, silent.modalities) == ((), (Modality.FACE,))


async def test_voices_have_the_span_of_their_appearance(notes):
    index = await opened()
    await reviser(index, notes).revise(VIDEO)
    rows, voices = await contents(index)
    for row in rows:
        if row.speech:
            voice = voices[row.appearance_id]
            assert (voice.start_s, voice.end_s) == (row.start_s, row.end_s)
            assert voice.vector @ unit(ANN) == pytest.approx(1.0)


@pytest.mark.parametrize("write", range(4))
async def test_a_kill_before_any_of_its_writes_changes_nothing(notes, write):
    whole = await opened()
    wanted = await reviser(whole, notes).revise(VIDEO)
    index = await opened()
    index.left = write
    with pytest.raises(Kill):
        await reviser(index, notes).revise(VIDEO)
    index.left = None
    assert await reviser(index, notes).revise(VIDEO) == wanted
    (rows, voices), (wanted_rows, wanted_voices) = await contents(index), await contents(whole)
    assert rows == wanted_rows
    assert voices.keys() == wanted_voices.keys()
    for one, row in voices.items():
        np.testing.assert_array_equal(row.vector, wanted_voices[one].vector)


async def test_a_film_in_which_nobody_speaks_is_left_as_it_is():
    silent = NotesStore(FsspecMediaStore(f"memory://revise-{next(NAMES)}"))
    await silent.write(VIDEO.with_changes(committed_frame=0), 200, Notes(1, ()))
    index = KillingIndex()
    await index.open({Modality.VOICE: 8})
    await index.put_appearances([tracklet(0, 0)])
    assert (await reviser(index, silent).revise(VIDEO)).appearance_count == 1
    assert await index.list_appearances(SCOPE) == [tracklet(0, 0)]
