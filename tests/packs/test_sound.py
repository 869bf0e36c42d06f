import numpy as np
import pytest

from packs.sound import (
    BINS,
    FLOOR,
    SAMPLE_RATE,
    SILENCE,
    ActivityStream,
    activity_windows,
    frame_count,
    magnitude,
    stitched,
    voice_windows,
    window_starts,
    window_weights,
)
from packs.spec import SoundPreprocessing

VOICE = SoundPreprocessing(kind="wrapped", frames=128, hop=64)
ACTIVITY = SoundPreprocessing(kind="overlapped", frames=128, hop=96)


def tone(hz: float, seconds: float, level: float = 0.5) -> np.ndarray:
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (level * np.sin(2 * np.pi * hz * times)).astype(np.float32)


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * SAMPLE_RATE)).astype(np.float32)


def slow_magnitude(samples: np.ndarray) -> np.ndarray:
    """The definition, one frame and one bin at a time, in double precision."""
    frames = -(-len(samples) // 160)
    padded = np.concatenate([np.zeros(120), samples, np.zeros(frames * 160 + 120 - len(samples))])
    window = np.array([0.54 - 0.46 * np.cos(2 * np.pi * n / 399) for n in range(400)])
    result = np.zeros((frames, 257))
    for t in range(frames):
        frame = padded[160 * t : 160 * t + 400] * window
        for k in range(257):
            turn = np.exp(-2j * np.pi * k * np.arange(400) / 512)
            result[t, k] = np.log(abs((frame * turn).sum()) + 1e-3)
    return result


def test_the_spectrogram_is_its_definition() -> None:
    sound = noise(0.035) + tone(700.0, 0.035)
    found = magnitude(sound)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, slow_magnitude(sound.astype(np.float64)), atol=2e-4)


def test_a_tone_stands_at_its_bin_with_its_golden_height() -> None:
    spectrogram = magnitude(tone(1000.0, 1.0))
    middle = spectrogram[10:-10]
    assert set(middle.argmax(axis=1).tolist()) == {32}  # 1000 Hz / (16000 / 512)
    # Half of amplitude x the window's sum: 0.5 * 0.5 * 215.54 = 53.885.
    np.testing.assert_allclose(middle[:, 32], np.log(53.885), atol=1e-3)
    quieter = magnitude(tone(1000.0, 1.0, level=0.05))
    np.testing.assert_allclose(middle[:, 32] - quieter[10:-10, 32], np.log(10.0), atol=1e-3)


def test_silence_is_the_floor() -> None:
    np.testing.assert_allclose(magnitude(np.zeros(1600, np.float32)), np.log(FLOOR), atol=1e-6)
    assert pytest.approx(np.log(1e-3)) == SILENCE


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (160, 1), (161, 2), (16000, 100)])
def test_there_is_a_frame_for_each_begun_ten_milliseconds(samples: int, frames: int) -> None:
    assert frame_count(samples) == frames
    assert magnitude(np.zeros(samples, np.float32)).shape == (frames, BINS)


@pytest.mark.parametrize(
    ("sound", "message"),
    [
        (np.zeros(0, np.float32), "at least 1 sample"),
        (np.zeros((2, 80), np.float32), "must be mono"),
        (np.zeros(80), "must be float32"),
        (np.array([0.0, np.nan], np.float32), "must be finite"),
    ],
)
def test_what_is_no_sound_is_refused(sound: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        magnitude(sound)


def test_a_short_clip_is_wrapped_round() -> None:
    sound = noise(0.5)
    (window,) = voice_windows(sound, VOICE)
    assert window.shape == (128, BINS)
    np.testing.assert_array_equal(window[:50], magnitude(sound))
    np.testing.assert_array_equal(window[50:100], window[:50])


@pytest.mark.parametrize("frames", [1, 127, 128, 129, 143, 144, 300, 1000])
def test_windows_cover_a_clip_but_for_a_few_frames(frames: int) -> None:
    starts = window_starts(frames, VOICE)
    covered = {frame for start in starts for frame in range(start, start + 128)}
    assert max(0, frames - 128) - starts[-1] < 16
    assert set(range(starts[-1] + 128)) <= covered
    assert starts == sorted(set(starts))
    assert all(start + 128 <= max(frames, 128) for start in starts)


def test_a_window_of_pauses_weighs_little() -> None:
    activity = np.concatenate([np.ones(128), np.zeros(192)]).astype(np.float32)
    weights = window_weights(activity, VOICE)
    np.testing.assert_allclose(weights, [1.0, 0.5, 0.01, 0.01])
    assert len(voice_windows(noise(3.2), VOICE)) == len(weights)


@pytest.mark.parametrize("seconds", [0.003, 0.9, 0.96, 1.0, 3.337])
@pytest.mark.parametrize("block", [77, 1600, 40_000])
def test_blocks_give_the_windows_of_the_whole(seconds: float, block: int) -> None:
    sound = noise(seconds)
    whole = activity_windows(sound, ACTIVITY)
    stream = ActivityStream(ACTIVITY)
    parts = [stream.push(sound[start : start + block]) for start in range(0, len(sound), block)]
    np.testing.assert_array_equal(np.concatenate([*parts, stream.finish()]), whole)
    assert stream.windows == len(whole) == -(-frame_count(len(sound)) // 96)


def test_stitched_windows_are_the_spectrogram() -> None:
    sound = noise(3.0)
    windows = activity_windows(sound, ACTIVITY)
    first_bin = stitched(windows[:, :, 5], ACTIVITY)[:300]
    np.testing.assert_allclose(first_bin, magnitude(sound)[:, 5], atol=1e-5)


def test_an_answer_waits_a_bounded_time() -> None:
    stream = ActivityStream(ACTIVITY)
    sound = noise(10.0)
    for end in range(160, len(sound), 160):
        stream.push(sound[end - 160 : end])
        assert end / 160 - stream.windows * 96 <= 113


def test_a_sound_of_nothing_has_no_windows() -> None:
    assert activity_windows(np.zeros(0, np.float32), ACTIVITY).shape == (0, 128, BINS)


def test_margins_are_equal() -> None:
    with pytest.raises(ValueError, match="must be even"):
        ActivityStream(SoundPreprocessing(kind="overlapped", frames=128, hop=95))
    with pytest.raises(ValueError, match="leave gaps"):
        SoundPreprocessing(kind="wrapped", frames=10, hop=11)
