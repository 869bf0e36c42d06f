"""Who speaks in an appearance, and which appearances answer a task."""

from __future__ import annotations

import pytest

from packs.spec import Modality
from services.backends.index.protocol import IndexLoadingError
from services.backends.schemas import Appearance, AppearanceKind, SpeechSpan
from services.search import speaking
from services.search.query import Task
from services.search.speaking import SpeakerReader, Speakers, answers, speaker_of


def appearance(kind: AppearanceKind, *speech: SpeechSpan, voice: bool = False) -> Appearance:
    modalities = (Modality.VOICE,) if voice else ()
    return Appearance("it", "town", "film", kind, 0.0, 9.0, 1, modalities, speech=speech)


OFF = appearance(AppearanceKind.SPEECH, SpeechSpan(0.0, 9.0, 1.0), voice=True)
SPEAKS = appearance(AppearanceKind.TRACKLET, SpeechSpan(1.0, 2.0, 0.6), SpeechSpan(4.0, 7.0, 0.8), voice=True)
SILENT = appearance(AppearanceKind.TRACKLET)


def test_how_sure_it_is_who_speaks() -> None:
    assert [speaker_of(one) for one in (OFF, SPEAKS, SILENT)] == [1.0, pytest.approx(0.75), 0.0]
    # A voice of which nobody said how sure it is.
    assert speaker_of(appearance(AppearanceKind.TRACKLET, voice=True)) == 1.0


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (Task.SEEN, [False, True, True]),
        (Task.HEARD, [True, True, False]),
        (Task.SEEN_AND_HEARD, [False, True, False]),
        (Task.PRESENT, [True, True, True]),
    ],
)
def test_what_answers_a_task(task: Task, expected: list[bool]) -> None:
    assert [answers(task, one) for one in (OFF, SPEAKS, SILENT)] == expected


async def test_speakers_are_read_in_pages(world, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking, "PAGE", 2)
    speaks = await world.put("speaks", voice=world.voice(1), heard=(SpeechSpan(0.0, 1.0, 0.7),))
    silent = await world.put("silent", face=world.face(1))
    off = await world.put("off", voice=world.voice(1), kind=AppearanceKind.SPEECH)
    read = await SpeakerReader(world.index).of("town", {speaks, silent, off, "gone"})
    assert {one: read.link(one) for one in (speaks, silent, off, "gone")} == {
        speaks: 0.7,
        silent: 0.0,
        off: 1.0,
        "gone": 0.0,
    }
    assert read.link("nobody asked") == 1.0
    assert not read.loading


async def test_nobody_is_asked_for_nothing(world) -> None:
    async def never(_gallery, _ids):
        raise AssertionError("nothing was to be read")

    world.index.get_appearances = never
    assert await SpeakerReader(world.index).of("town", ()) == Speakers()


async def test_a_loading_index_knows_nobody(world) -> None:
    async def loading(_gallery, _ids):
        raise IndexLoadingError("not yet")

    world.index.get_appearances = loading
    assert (await SpeakerReader(world.index).of("town", ["it"])).loading


def test_what_two_reads_know_is_joined() -> None:
    one, other = Speakers({"a": 0.5}, frozenset("ab")), Speakers({"c": 0.7}, frozenset("cd"), loading=True)
    both = one.joined(other)
    assert [both.link(name) for name in "abcde"] == [0.5, 0.0, 0.7, 0.0, 1.0]
    assert both.loading
