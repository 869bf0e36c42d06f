"""What was heard is kept through kills, and comes back as it was."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from packs.spec import Modality
from services.backends.media.files import FsspecMediaStore
from services.backends.schemas import Video, VideoState
from services.ingest.identifiers import media_prefix
from services.ingest.pipeline.notes import LostNotesError, Notes, NotesStore
from services.ingest.pipeline.shot_speech import Piece, Player, ShotSpeech

NAMES = itertools.count()


@pytest.fixture
def media() -> FsspecMediaStore:
    return FsspecMediaStore(f"memory://notes-{next(NAMES)}")


def video(committed_frame: int, generation: int = 1) -> Video:
    row = Video("a" * 32, "town", "file:///x", VideoState.INGESTING, generation, 1.0, "b" * 64)
    return row.with_changes(committed_frame=committed_frame, committed_s=committed_frame / 25)


def speech(frame: int, seed: int, pieces: int, people: int) -> ShotSpeech:
    random = np.random.default_rng(seed)
    kinds = ((Modality.FACE, Modality.BODY), (Modality.BODY,), ())
    players = tuple(
        Player(one / 3, one + 1.5, {kind: random.normal(size=4).astype(np.float32) for kind in kinds[one % 3]})
        for one in range(people)
    )
    said = tuple(Piece(n / 7, n + 0.1, random.normal(size=6).astype(np.float32)) for n in range(pieces))
    return ShotSpeech(frame, said, players, random.normal(size=(pieces, people, 4)), np.ones((pieces, people)))


def assert_same(one: ShotSpeech, other: ShotSpeech) -> None:
    assert one.start_frame == other.start_frame
    np.testing.assert_array_equal(one.evidence, other.evidence)
    np.testing.assert_array_equal(one.present, other.present)
    for piece, also in zip(one.pieces, other.pieces, strict=True):
        assert (piece.start_s, piece.end_s) == (also.start_s, also.end_s)
        np.testing.assert_array_equal(piece.voice, also.voice)
    for player, also in zip(one.players, other.players, strict=True):
        assert (player.start_s, player.end_s, player.looks.keys()) == (also.start_s, also.end_s, also.looks.keys())
        for modality, look in player.looks.items():
            np.testing.assert_array_equal(look, also.looks[modality])


async def test_notes_come_back_as_they_were_in_order(media):
    store = NotesStore(media)
    first, second, third = speech(0, 1, 3, 4), speech(60, 2, 1, 0), speech(200, 3, 2, 2)
    await store.write(video(0), 150, Notes(6, (first, second)))
    await store.write(video(150), 200, Notes(0, ()))
    await store.write(video(200), 260, Notes(2, (third,)))
    found = await store.read(video(260))
    assert found.tracklet_count == 8
    for one, other in zip(found.shots, (first, second, third), strict=True):
        assert_same(one, other)


async def test_what_an_earlier_run_left_behind_the_checkpoint_is_not_read(media):
    store = NotesStore(media)
    await store.write(video(0), 100, Notes(1, (speech(0, 1, 1, 1),)))
    await store.write(video(100), 300, Notes(9, (speech(100, 2, 2, 2),)))
    assert (await store.read(video(100))).tracklet_count == 1
    # It cut its stretch elsewhere this time.
    await store.write(video(100), 200, Notes(2, (speech(100, 3, 1, 1),)))
    found = await store.read(video(200))
    assert (found.tracklet_count, len(found.shots)) == (3, 2)
    assert_same(found.shots[1], speech(100, 3, 1, 1))


async def test_a_new_attempt_reads_its_own_notes(media):
    store = NotesStore(media)
    await store.write(video(0), 100, Notes(5, ()))
    with pytest.raises(LostNotesError, match="frame 0"):
        await store.read(video(100, generation=2))


async def test_a_lost_note_is_an_error(media):
    store = NotesStore(media)
    await store.write(video(0), 100, Notes(1, ()))
    with pytest.raises(LostNotesError, match="frame 100"):
        await store.read(video(200))


async def test_forgotten_notes_leave_the_rest_of_the_media(media):
    store = NotesStore(media)
    await media.put(f"{media_prefix('town', 'a' * 32)}/x.jpg", b"picture")
    await store.write(video(0), 100, Notes(1, ()))
    await store.forget(video(100))
    assert await media.count_prefix(media_prefix("town", "a" * 32)) == 1
    await store.forget(video(100))
