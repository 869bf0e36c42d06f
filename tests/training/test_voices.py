from pathlib import Path

import numpy as np
import pytest

from packs.sound import BINS, frame_count, magnitude
from training.data.batches import step_generator
from training.data.shards import DataError
from training.data.voices import VoiceSet, open_voices
from training.data.windows import activity_window, coloured, masked, voice_window
from training.measure.voices import best_threshold, frame_errors, loudness_of_clips, seconds_of_speech
from training.recipe import SoundAugment

STILL = SoundAugment(noise=0.0, least_snr_db=0.0, gain_db=0.0, colour_db=0.0, time_mask=0, frequency_mask=0)
WILD = SoundAugment(noise=1.0, least_snr_db=5.0, gain_db=6.0, colour_db=6.0, time_mask=12, frequency_mask=40)


@pytest.fixture(scope="module")
def train(voices: Path) -> VoiceSet:
    return open_voices(voices / "train")


def test_clips_of_all_shards_are_read(train: VoiceSet) -> None:
    assert len(train) == 24
    assert train.wordless.tolist() == [5, 11, 17, 23]
    assert len(train.spoken) == 20
    for row in range(len(train)):
        assert frame_count(len(train.clip(row))) == len(train.activity(row))
        assert train.activity(row).any() == (train.identity[row] >= 0)
    assert len(train.attributes) == 5


def test_a_part_reaches_silently_beyond_its_clip(train: VoiceSet) -> None:
    clip = train.clip(3)
    part = train.part(3, -100, 200)
    np.testing.assert_array_equal(part[:100], 0.0)
    np.testing.assert_array_equal(part[100:], clip[:200])
    tail = train.part(3, len(clip) - 50, len(clip) + 50)
    np.testing.assert_array_equal(tail[:50], clip[-50:])
    np.testing.assert_array_equal(tail[50:], 0.0)


def test_absent_voices_say_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="python -m synthetic voices"):
        open_voices(tmp_path)


def test_another_schema_is_refused(voices: Path, tmp_path: Path) -> None:
    for file in (voices / "val").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "index.json").write_text('{"schema": "synthcast-voices/9", "rate_hz": 8000}')
    with pytest.raises(DataError, match="synthcast-voices/9' at 8000 Hz"):
        open_voices(tmp_path)


def test_an_unchanged_window_is_what_serving_sees(train: VoiceSet) -> None:
    window = voice_window(train, 0, 40, STILL, np.random.default_rng(0))
    spectrogram = magnitude(train.clip(0))
    distances = [np.abs(spectrogram[start : start + 40] - window).max() for start in range(len(spectrogram) - 39)]
    assert min(distances) < 1e-3


def test_a_short_clip_is_wrapped_round(train: VoiceSet) -> None:
    frames = len(train.activity(0))
    window = voice_window(train, 0, frames + 30, STILL, np.random.default_rng(0))
    np.testing.assert_allclose(window[frames:], window[:30], atol=1e-4)


def test_changed_windows_are_the_same_for_one_seed(train: VoiceSet) -> None:
    one, two = (voice_window(train, 1, 64, WILD, step_generator(3, 8)) for _ in range(2))
    other = voice_window(train, 1, 64, WILD, step_generator(3, 9))
    assert one.shape == (64, BINS)
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, two)
    assert np.abs(one - other).max() > 0.1


def test_labels_lie_on_their_frames(train: VoiceSet) -> None:
    """In the made-up clips speech is far louder than the rest, so loudness is the truth."""
    for seed in range(10):
        window, speech = activity_window(train, seed, 128, STILL, np.random.default_rng(seed))
        assert window.shape == (128, BINS)
        loud = window.max(axis=1) > 1.5
        edges = np.flatnonzero(np.diff(speech)) + 1
        sure = np.ones(128, bool)
        for edge in edges:
            sure[max(0, edge - 2) : edge + 2] = False
        np.testing.assert_array_equal(loud[sure], speech[sure] > 0.5)


def test_no_colour_is_no_change_and_silence_has_none() -> None:
    spectrogram = magnitude(np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32))
    assert coloured(spectrogram, STILL, np.random.default_rng(0)) is spectrogram
    silence = magnitude(np.zeros(8000, np.float32))
    np.testing.assert_allclose(coloured(silence, WILD, np.random.default_rng(0)), silence, atol=1e-3)
    assert np.abs(coloured(spectrogram, WILD, np.random.default_rng(0)) - spectrogram).max() > 0.1


def test_masks_hide_no_more_than_they_may() -> None:
    spectrogram = np.random.default_rng(0).normal(size=(64, BINS)).astype(np.float32)
    for seed in range(20):
        hidden = masked(spectrogram, WILD, np.random.default_rng(seed)) != spectrogram
        assert hidden.all(axis=1).sum() <= 12
        assert hidden.all(axis=0).sum() <= 40


def test_frame_errors_by_hand() -> None:
    errors = frame_errors(np.array([0.9, 0.4, 0.6, 0.1], np.float32), np.array([1, 1, 0, 0], np.uint8), 0.5)
    assert (errors.error, errors.miss, errors.false_alarm, errors.balanced) == (0.5, 0.5, 0.5, 0.5)


def test_the_best_threshold_parts_what_can_be_parted(train: VoiceSet) -> None:
    loudness = loudness_of_clips(train)
    assert loudness.shape == train.speech.shape
    errors = frame_errors(loudness, train.speech, best_threshold(loudness, train.speech))
    assert errors.error < 0.1  # frames at the edges reach over them


def test_seconds_of_speech_are_counted(train: VoiceSet) -> None:
    seconds = seconds_of_speech(train, np.array([0, 5]))
    assert seconds[0] == pytest.approx(len(train.activity(0)) / 100 - 0.2)
    assert seconds[1] == 0.0
