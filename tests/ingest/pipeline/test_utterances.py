from __future__ import annotations

import numpy as np
import pytest

from services.ingest.pipeline.settings import SpeechSettings
from services.ingest.pipeline.utterances import clip_of, utterances
from services.ingest.pipeline.values import Sound

DEFAULT = SpeechSettings()


def activity(*runs: tuple[int, int, float], frames: int = 500) -> np.ndarray:
    made = np.zeros(frames, np.float32)
    for low, high, probability in runs:
        made[low:high] = probability
    return made


def pieces(probabilities: np.ndarray, begins_s: float = 0.0, span: tuple[float, float] = (0.0, 5.0)):
    found = utterances(probabilities, begins_s, span, 0.5, DEFAULT)
    return [(round(one.start_s, 2), round(one.end_s, 2)) for one in found]


def test_speech_is_where_it_is_likely():
    assert pieces(activity((100, 180, 0.9), (250, 300, 0.8))) == [(1.0, 1.8), (2.5, 3.0)]
    assert pieces(activity()) == []
    assert pieces(np.zeros(0, np.float32)) == []


def test_begun_speech_goes_on_at_a_lower_probability():
    assert pieces(activity((100, 180, 0.9), (180, 220, 0.47))) == [(1.0, 2.2)]
    assert pieces(activity((100, 180, 0.47))) == []


def test_a_short_pause_is_bridged_and_a_long_one_is_not():
    assert pieces(activity((100, 150, 0.9), (156, 200, 0.9))) == [(1.0, 2.0)]
    assert pieces(activity((100, 150, 0.9), (170, 200, 0.9))) == [(1.0, 1.5), (1.7, 2.0)]


def test_a_click_is_no_speech():
    assert pieces(activity((100, 110, 1.0))) == []


def test_speech_is_cut_where_the_shot_ends():
    probabilities = activity((0, 130, 0.9), (380, 500, 0.9))
    assert pieces(probabilities, begins_s=-0.5, span=(0.0, 4.0)) == [(0.0, 0.8), (3.3, 4.0)]
    # What reaches into the shot by less than a piece belongs to the other one.
    assert pieces(activity((0, 60, 0.9)), begins_s=-0.5, span=(0.0, 4.0)) == []


def test_a_clip_is_cut_at_its_samples():
    sound = Sound(-0.5, np.arange(16_000, dtype=np.float32))
    assert clip_of(sound, 0.0, 0.25)[[0, -1]] == pytest.approx([8000, 11_999])
    assert len(clip_of(sound, 0.25, 3.0)) == 4000
