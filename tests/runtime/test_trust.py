"""How far little speech is trusted, and how sure the link of some stretches is."""

from __future__ import annotations

import pytest

from packs.spec import Modality
from services.backends.schemas import SpeechSpan
from services.runtime.trust import confidence_of, quality_of_speech, trust_in


def test_the_quality_of_speech_grows_with_its_length() -> None:
    assert [round(quality_of_speech(seconds), 2) for seconds in (0.0, 0.5, 1.0, 3.0)] == [0.0, 0.33, 0.5, 0.75]


def test_a_voice_is_trusted_as_far_as_it_was_heard() -> None:
    heard = [trust_in(Modality.VOICE, quality_of_speech(seconds)) for seconds in (0.0, 0.28, 1.0, 60.0)]
    assert heard == [0.0, pytest.approx(0.5), pytest.approx(0.927, abs=0.001), pytest.approx(1.0, abs=0.001)]
    assert trust_in(Modality.VOICE, 1.0) == 1.0
    assert trust_in(Modality.VOICE, -0.1) == 0.0


@pytest.mark.parametrize("modality", [modality for modality in Modality if modality is not Modality.VOICE])
def test_the_quality_of_a_picture_does_not_count(modality: Modality) -> None:
    assert trust_in(modality, 0.0) == 1.0


def test_stretches_count_by_their_length() -> None:
    assert confidence_of([]) == 0.0
    assert confidence_of([SpeechSpan(1.0, 2.0, 0.5), SpeechSpan(3.0, 6.0, 0.9)]) == pytest.approx(0.8)
    assert confidence_of([SpeechSpan(1.0, 1.0, 0.5)]) == 0.5
