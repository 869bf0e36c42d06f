"""Windows of the sound itself, for networks whose front end is inside their graph."""

import numpy as np
import pytest

from packs.sound import HOP, voice_windows, window_starts
from packs.spec import SoundPreprocessing

HOW = SoundPreprocessing(kind="wrapped", frames=100, hop=50, front_end="waveform-1")


def sound(samples: int) -> np.ndarray:
    return np.random.default_rng(samples).uniform(-1.0, 1.0, samples).astype(np.float32)


def test_a_short_clip_is_wrapped_round() -> None:
    clip = sound(5000)
    (window,) = voice_windows(clip, HOW)
    assert window.dtype == np.float32
    np.testing.assert_array_equal(window, np.concatenate([clip, clip, clip, clip])[: 100 * HOP])


def test_a_long_clip_is_cut_where_its_spectrogram_would_be() -> None:
    clip = sound(45_003)
    windows = voice_windows(clip, HOW)
    starts = window_starts(-(-45_003 // HOP), HOW)
    assert windows.shape == (len(starts), 100 * HOP)
    for window, start in zip(windows[:-1], starts[:-1], strict=True):
        np.testing.assert_array_equal(window, clip[start * HOP : (start + 100) * HOP])
    # The last ends with the clip, filled up to a whole frame.
    tail = clip[starts[-1] * HOP :]
    np.testing.assert_array_equal(windows[-1, : len(tail)], tail)
    assert not windows[-1, len(tail) :].any()


def test_there_are_as_many_windows_as_of_the_spectrogram() -> None:
    plain = SoundPreprocessing(kind="wrapped", frames=100, hop=50)
    for samples in (1, 15_999, 16_000, 16_001, 20_000, 63_999):
        assert len(voice_windows(sound(samples), HOW)) == len(voice_windows(sound(samples), plain))


def test_an_empty_clip_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 sample"):
        voice_windows(np.zeros(0, np.float32), HOW)
