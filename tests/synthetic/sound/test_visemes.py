"""Mouths close where lips close, round where lips round, and rest when nobody speaks."""

import numpy as np
import pytest

from synthetic.sound.visemes import mouth_track, viseme
from synthetic.sound.voice import Spoken
from synthetic.types import F32

RATE = 16_000


def said(*phonemes: tuple[float, float, str], sound: F32 | None = None) -> Spoken:
    end = phonemes[-1][1]
    tone = 0.1 * np.sin(2 * np.pi * 150 * np.arange(round(end * RATE)) / RATE)
    return Spoken(tone.astype(np.float32) if sound is None else sound, "", phonemes, RATE)


def test_lips_press_for_m_and_open_for_a() -> None:
    mouth = mouth_track(said((0.0, 0.16, "m"), (0.16, 0.4, "A"), (0.4, 0.56, "b")), 20, 25)
    assert mouth.press[1] > 0.8
    assert mouth.jaw[1] < 0.15
    assert mouth.press[6] < 0.1
    assert mouth.jaw[6] > 0.8
    assert mouth.press[11] > 0.8


def test_lips_round_for_u_and_spread_for_i() -> None:
    mouth = mouth_track(said((0.0, 0.3, "u:"), (0.3, 0.6, "i:")), 15, 25)
    assert mouth.wide[3] < -0.6
    assert mouth.wide[11] > 0.6


def test_a_closure_between_two_frames_is_seen() -> None:
    mouth = mouth_track(said((0.0, 0.18, "a"), (0.18, 0.22, "p"), (0.22, 0.4, "a")), 10, 25)
    assert mouth.press.max() > 0.75


def test_the_mouth_rests_before_and_after_and_moves_with_the_offset() -> None:
    line = said((0.0, 0.2, "a"), (0.2, 0.4, "l"))
    early, late = mouth_track(line, 50, 25), mouth_track(line, 50, 25, offset_s=1.0)
    assert early.jaw[13:].max() == 0
    assert late.jaw[:22].max() == 0
    assert np.allclose(early.jaw[:15], late.jaw[25:40], atol=1e-5)


def test_values_stay_in_range_and_float32() -> None:
    mouth = mouth_track(said((0.0, 0.1, "w"), (0.1, 0.3, "aI"), (0.3, 0.5, "Q!"), (0.5, 0.6, "_:")), 25, 25)
    for track, low in ((mouth.jaw, 0), (mouth.wide, -1), (mouth.press, 0)):
        assert track.dtype == np.float32
        assert track.shape == (25,)
        assert track.min() >= low
        assert track.max() <= 1


def test_a_soft_vowel_opens_less_than_a_loud_one() -> None:
    sound = np.concatenate([np.full(4800, 0.01), np.full(4800, 0.2)]).astype(np.float32)
    mouth = mouth_track(said((0.0, 0.3, "A"), (0.3, 0.6, "A"), sound=sound), 15, 25)
    assert mouth.jaw[4] < 0.75 * mouth.jaw[11]


@pytest.mark.parametrize(("name", "targets"), [("aI", 2), ("tS", 1), ("i@3", 1), ("xyz", 1), ("_:", 1)])
def test_every_phoneme_has_targets(name: str, targets: int) -> None:
    assert len(viseme(name)) == targets


def test_no_frames_is_no_track() -> None:
    assert mouth_track(said((0.0, 0.2, "a")), 0, 25).jaw.shape == (0,)
