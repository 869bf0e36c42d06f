"""Naive embeddings against oracles written out by hand."""

import itertools

import numpy as np
import pytest
from scipy.fft import dct

from evaluation.naive import colour_histogram, mean_mfcc, mean_std_mfcc, mfcc, pixels, unit


def flat(*colors: tuple[int, int, int], size: tuple[int, int] = (120, 60)) -> np.ndarray:
    return np.stack([np.full((*size, 3), color, np.uint8) for color in colors])


def tone(hz: float, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(int(16_000 * seconds)) / 16_000).astype(np.float32)


def test_rows_of_length_one_and_zeros_stay() -> None:
    np.testing.assert_allclose(unit(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0.0, 0.0]], rtol=1e-6)


def test_pixels_are_area_means_with_the_mean_taken_out() -> None:
    crop = np.random.default_rng(1).integers(0, 256, (1, 64, 64, 3)).astype(np.uint8)
    small = np.rint(crop[0].reshape(16, 4, 16, 4, 3).mean((1, 3))).reshape(-1)
    wanted = (small - small.mean()) / np.linalg.norm(small - small.mean())
    np.testing.assert_allclose(pixels(crop)[0], wanted, atol=2e-3)


def test_pixels_do_not_see_brightness_but_do_see_where_things_are() -> None:
    crop = np.random.default_rng(2).integers(30, 120, (1, 32, 32, 3)).astype(np.uint8)
    same, mirrored = pixels(np.concatenate([crop, crop + 60])), pixels(crop[:, :, ::-1])
    assert same[0] @ same[1] > 0.999
    assert abs(float(same[0] @ mirrored[0])) < 0.3


def test_one_colour_is_like_itself_and_unlike_another() -> None:
    red, blue, red_again = colour_histogram(flat((180, 40, 40), (40, 40, 180), (180, 40, 40)))
    assert red @ red_again == pytest.approx(1.0, abs=1e-5)
    assert red @ blue == pytest.approx(0.0, abs=1e-6)


def test_a_third_of_another_colour_takes_a_third_of_the_likeness() -> None:
    crops = flat((180, 40, 40), (180, 40, 40))
    crops[1, :40] = (40, 40, 180)
    one, other = colour_histogram(crops)
    assert one @ other == pytest.approx(2 / 3, abs=1e-5)


def test_sides_are_background() -> None:
    crops = flat((180, 40, 40), (180, 40, 40))
    crops[1, :, :15] = crops[1, :, 45:] = (0, 255, 0)
    one, other = colour_histogram(crops)
    assert one @ other == pytest.approx(1.0, abs=1e-5)


def test_mfcc_equals_a_slow_oracle() -> None:
    sound = np.random.default_rng(3).normal(0, 0.1, 1600).astype(np.float32)
    emphasised = np.array([sound[0], *(float(b) - 0.97 * float(a) for a, b in itertools.pairwise(sound))])
    mel = np.linspace(2595 * np.log10(1 + 60 / 700), 2595 * np.log10(1 + 7600 / 700), 42)
    edges = [700 * (10 ** (m / 2595) - 1) for m in mel]
    rows = []
    for start in range(0, 1600 - 400 + 1, 160):
        power = np.abs(np.fft.fft(emphasised[start : start + 400] * np.hamming(400), 512)[:257]) ** 2
        bands = []
        for low, middle, high in zip(edges, edges[1:], edges[2:]):
            total = 0.0
            for k in range(257):
                hz = k * 16_000 / 512
                if low <= hz <= middle:
                    total += power[k] * (hz - low) / (middle - low)
                elif middle < hz <= high:
                    total += power[k] * (high - hz) / (high - middle)
            bands.append(np.log(total + 1e-10))
        rows.append(dct(np.array(bands), norm="ortho")[1:21])
    np.testing.assert_allclose(mfcc(sound), rows, atol=1e-3)


def test_the_level_does_not_matter() -> None:
    sound = tone(440) + tone(900)
    np.testing.assert_allclose(mfcc(sound), mfcc(0.2 * sound), atol=2e-2)


def test_mean_mfcc_tells_sounds_apart_whatever_their_length() -> None:
    low, high = [tone(300, s) for s in (0.4, 0.8)], [tone(2500, s) for s in (0.4, 0.8)]
    vectors = mean_mfcc([*low, *high])
    assert vectors.shape == (4, 20)
    assert vectors[0] @ vectors[1] > 0.9
    assert vectors[0] @ vectors[2] < 0


def test_the_deviation_tells_what_the_mean_does_not() -> None:
    steady = [tone(500) + tone(1500) for _ in range(2)]
    halves = [np.concatenate([tone(500), tone(1500)]) for _ in range(2)]
    vectors = mean_std_mfcc([*steady, *halves])
    assert vectors.shape == (4, 40)
    assert vectors[0] @ vectors[1] > 0.99
    assert vectors[0] @ vectors[2] < 0
    deviation = np.stack([mfcc(sound).std(0) for sound in (steady[0], halves[0])])
    assert deviation[1].mean() > 3 * deviation[0].mean()


def test_silence_between_words_does_not_count() -> None:
    speech = tone(300) + 0.3 * tone(1200)
    paused = np.concatenate([speech, np.zeros(16_000, np.float32)])
    other = tone(2500)
    vectors = mean_mfcc([speech, paused, other])
    assert vectors[0] @ vectors[1] > 0.9


@pytest.mark.parametrize("samples", [0, 1, 399])
def test_a_clip_shorter_than_a_window_has_one_row(samples: int) -> None:
    assert mfcc(np.zeros(samples, np.float32)).shape == (1, 20)


def test_nothing_gives_nothing() -> None:
    assert pixels(np.zeros((0, 8, 8, 3), np.uint8)).shape == (0, 768)
    assert colour_histogram(np.zeros((0, 8, 8, 3), np.uint8)).shape == (0, 3600)
    assert mean_mfcc([]).shape == (0, 20)
