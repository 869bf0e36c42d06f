"""The voice in a clip: what counts as speech, how stretches are joined, and too little of it."""

from __future__ import annotations

import numpy as np
import pytest

from services.runtime.errors import NoSpeechError
from services.search.fakes import ToneHearing
from services.search.settings import VoiceSettings
from services.search.voices import VoiceFinder

WHO = {0: np.array([1.0, 0.0], np.float32), 1: np.array([0.0, 1.0], np.float32)}


def sound(*pieces: tuple[int | None, float]) -> np.ndarray:
    return np.concatenate(
        [
            np.zeros(round(seconds * 16_000), np.float32) if who is None else ToneHearing.tone(who, seconds)
            for who, seconds in pieces
        ]
    )


@pytest.fixture
def hearing() -> ToneHearing:
    return ToneHearing(lambda who: WHO[who])


@pytest.fixture
def finder(hearing: ToneHearing) -> VoiceFinder:
    return VoiceFinder(hearing, VoiceSettings())


async def test_silence_is_left_out(finder: VoiceFinder) -> None:
    voice = await finder.find(0, sound((None, 1.0), (1, 0.8), (None, 2.0)))
    assert voice.vector.tolist() == [0.0, 1.0]
    assert voice.speech_s == pytest.approx(0.8, abs=0.03)


async def test_a_breath_does_not_end_a_stretch_and_is_no_speech(finder: VoiceFinder, hearing: ToneHearing) -> None:
    voice = await finder.find(0, sound((1, 0.5), (None, 0.2), (1, 0.5), (None, 0.6), (1, 0.5)))
    assert hearing.heard == [1, 1]
    assert voice.speech_s == pytest.approx(1.5, abs=0.06)


async def test_stretches_count_by_their_length(finder: VoiceFinder) -> None:
    voice = await finder.find(0, sound((0, 3.0), (None, 1.0), (1, 1.0)))
    assert voice.vector == pytest.approx(np.array([3.0, 1.0]) / np.sqrt(10.0), abs=0.01)
    assert np.linalg.norm(voice.vector) == pytest.approx(1.0)


@pytest.mark.parametrize("pieces", [((None, 2.0),), ((None, 0.5), (0, 0.25)), ((None, 0.004),)])
async def test_too_little_speech_is_told(finder: VoiceFinder, pieces) -> None:
    with pytest.raises(NoSpeechError, match=r"part 3, expected at least 0\.30 s") as error:
        await finder.find(3, sound(*pieces))
    assert error.value.facts["part_index"] == "3"
    assert float(error.value.facts["speech_s"]) < 0.3
