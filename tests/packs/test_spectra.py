import numpy as np
import pytest

from packs.sound import magnitude
from packs.spectra import (
    MEL_FLOOR,
    SNIPPET_FRAMES,
    cepstra,
    cepstral_filters,
    linear_magnitudes,
    log_mel,
    mel_filters,
    snippets,
)

# What python_speech_features 0.6 (`mfcc(sound, 16000)`) gives for frames 0 and 43 of `chirp()`.
REFERENCE_FIRST = [
    21.04641,
    3.34759,
    -5.45296,
    29.32189,
    -23.86784,
    -49.92405,
    1.02895,
    -28.98572,
    -51.84291,
    5.15464,
    -1.11207,
    -20.90782,
    20.61664,
]
REFERENCE_LAST = [
    21.92977,
    10.14821,
    -28.91944,
    -3.18287,
    -17.45066,
    7.05337,
    52.72121,
    -14.97041,
    -54.81216,
    13.80846,
    21.29236,
    -6.89945,
    9.53228,
]


def chirp(samples: int = 7200) -> np.ndarray:
    """Two tones, one of them rising, as 16 bits hold them."""
    t = np.arange(samples) / 16000.0
    sound = 0.4 * np.sin(2 * np.pi * (300.0 + 900.0 * t) * t) + 0.1 * np.sin(2 * np.pi * 2750.0 * t)
    return (np.round(sound * 32767.0) / 32768.0).astype(np.float32)


def noise(samples: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, samples).astype(np.float32)


def slow_cepstra(samples: np.ndarray) -> np.ndarray:
    """The definition of the published cepstra, one frame, band and coefficient at a time."""
    sound = samples.astype(np.float64) * 32768.0
    sound = np.array([sound[0], *[sound[n] - 0.97 * sound[n - 1] for n in range(1, len(sound))]])
    frames = 1 if len(sound) <= 400 else 1 + int(np.ceil((len(sound) - 400) / 160))
    padded = np.concatenate([sound, np.zeros(400)])
    corners = [np.floor(513 * 700 * (10 ** (k * 2840.023046708319 / 27 / 2595) - 1) / 16000) for k in range(28)]
    result = np.zeros((frames, 13))
    for t in range(frames):
        power = np.abs(np.fft.rfft(padded[160 * t : 160 * t + 400], 512)) ** 2 / 512
        bands = np.zeros(26)
        for j in range(26):
            for i in range(int(corners[j]), int(corners[j + 1])):
                bands[j] += power[i] * (i - corners[j]) / (corners[j + 1] - corners[j])
            for i in range(int(corners[j + 1]), int(corners[j + 2])):
                bands[j] += power[i] * (corners[j + 2] - i) / (corners[j + 2] - corners[j + 1])
        for n in range(13):
            total = sum(np.log(bands[j]) * np.cos(np.pi * n * (2 * j + 1) / 52) for j in range(26))
            scale = np.sqrt(1 / 26) if n == 0 else np.sqrt(2 / 26)
            result[t, n] = total * scale * (1 + 11 * np.sin(np.pi * n / 22))
        result[t, 0] = np.log(power.sum())
    return result


def test_cepstra_are_those_of_the_reference_library() -> None:
    found = cepstra(chirp())
    assert found.shape == (44, 13)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], REFERENCE_FIRST, atol=2e-4)
    np.testing.assert_allclose(found[43], REFERENCE_LAST, atol=2e-4)


@pytest.mark.parametrize("samples", [1, 399, 400, 401, 1360])
def test_cepstra_are_their_definition(samples: int) -> None:
    sound = noise(samples)
    np.testing.assert_allclose(cepstra(sound), slow_cepstra(sound), atol=1e-3)


def test_cepstra_of_silence_are_finite() -> None:
    assert np.isfinite(cepstra(np.zeros(800, np.float32))).all()


def test_magnitudes_are_those_of_the_logarithm() -> None:
    sound = noise(5000)
    np.testing.assert_allclose(np.log(linear_magnitudes(sound) + 1e-3), magnitude(sound), atol=1e-6)


def test_twice_as_loud_is_twice_the_magnitude() -> None:
    sound = noise(3000)
    np.testing.assert_allclose(linear_magnitudes(2 * sound), 2 * linear_magnitudes(sound), rtol=1e-5, atol=1e-6)


def test_a_tone_stands_in_its_mel_band() -> None:
    t = np.arange(8000) / 16000.0
    found = log_mel((0.5 * np.sin(2 * np.pi * 1000.0 * t)).astype(np.float32))
    # 1000 Hz is 1000 mel; 64 triangles peak every 2840.02 / 65 mel, the 23rd at 1004.9.
    assert set(found[10:-10].argmax(axis=1).tolist()) == {22}
    assert found.shape == (50, 64)


def test_silence_is_the_floor() -> None:
    np.testing.assert_allclose(log_mel(np.zeros(1600, np.float32)), np.log(MEL_FLOOR), atol=1e-5)


def test_no_band_is_empty_and_no_triangle_exceeds_one() -> None:
    for filters in (mel_filters(), cepstral_filters()):
        assert (filters.max(axis=0) > 0.3).all()
        assert filters.min() == 0.0
        assert filters.max() <= 1.0


def test_a_snippet_of_apes_is_45_frames() -> None:
    sound = noise(int(0.45 * 16000))
    assert log_mel(sound).shape == (SNIPPET_FRAMES, 64)


def test_snippets_are_rows_and_wrap_round() -> None:
    spectrogram = np.arange(10, dtype=np.float32)[:, None] * np.ones((1, 3), np.float32)
    first, second = snippets(spectrogram, [2, 8], frames=4)
    assert first[:, 0].tolist() == [2, 3, 4, 5]
    assert second[:, 2].tolist() == [8, 9, 0, 1]


@pytest.mark.parametrize("front_end", [linear_magnitudes, log_mel, cepstra])
def test_what_is_no_sound_is_refused(front_end) -> None:
    with pytest.raises(ValueError, match="at least 1 sample"):
        front_end(np.zeros(0, np.float32))
    with pytest.raises(ValueError, match="must be finite"):
        front_end(np.array([np.nan], np.float32))


def test_a_second_of_cepstra_meets_25_frames_of_picture() -> None:
    sound = noise(16_000)
    whole = cepstra(sound)
    (window,) = snippets(whole, [0], frames=100)
    assert whole.shape == (99, 13)
    np.testing.assert_array_equal(window[:99], whole)
    np.testing.assert_array_equal(window[99], whole[0])
