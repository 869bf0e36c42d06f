import numpy as np
import pytest

from packs.speech import (
    BINS,
    SYMBOLS,
    GreedyReader,
    SpectrogramStream,
    greedy_text,
    log_spectrogram,
    normalised,
    symbol_numbers,
)


def sound(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


def slow_frame(samples: np.ndarray, frame: int) -> np.ndarray:
    """One frame by the definition: every sample, every frequency."""
    values = np.zeros(BINS)
    for k in range(BINS):
        total = 0j
        for n in range(320):
            at = 160 * frame - 160 + n
            value = samples[at] if 0 <= at < len(samples) else 0.0
            total += value * (0.54 - 0.46 * np.cos(2 * np.pi * n / 320)) * np.exp(-2j * np.pi * k * n / 320)
        values[k] = np.log1p(abs(total))
    return values


def test_frames_are_the_definition() -> None:
    samples = sound(700)
    frames = log_spectrogram(samples)
    assert frames.shape == (1 + 700 // 160, 161)
    assert frames.dtype == np.float32
    for frame in (0, 2, 4):
        np.testing.assert_allclose(frames[frame], slow_frame(samples, frame), atol=2e-5)


def test_a_tone_is_where_it_should_be() -> None:
    tone = (0.5 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)).astype(np.float32)
    # 50 Hz a bin.
    assert set(log_spectrogram(tone)[5:-5].argmax(axis=1).tolist()) == {20}


@pytest.mark.parametrize("samples", [1, 159, 160, 161, 320, 4000, 4001])
def test_blocks_give_the_frames_of_the_whole(samples: int) -> None:
    whole, rng = log_spectrogram(sound(samples)), np.random.default_rng(1)
    stream, rest, parts = SpectrogramStream(), sound(samples), []
    while rest.size:
        size = int(rng.integers(0, 700))
        parts.append(stream.push(rest[:size]))
        rest = rest[size:]
    np.testing.assert_allclose(np.concatenate([*parts, stream.finish()]), whole, atol=1e-6)


def test_an_utterance_is_normalised_as_a_whole() -> None:
    spectrogram = log_spectrogram(sound(4000))
    even = normalised(spectrogram)
    assert even.mean() == pytest.approx(0.0, abs=1e-5)
    assert even.std(ddof=1) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_array_equal(normalised(np.zeros((3, 161), np.float32)), 0.0)


def test_what_is_no_sound_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 sample"):
        log_spectrogram(np.zeros(0, np.float32))
    with pytest.raises(ValueError, match="finite"):
        log_spectrogram(np.array([np.nan], np.float32))


def scores_of(path: str) -> np.ndarray:
    return np.eye(len(SYMBOLS), dtype=np.float32)[[SYMBOLS.index(symbol) for symbol in path]]


def test_repeats_and_blanks_are_dropped() -> None:
    assert len(SYMBOLS) == 29
    assert greedy_text(scores_of("__HHEE_L_LLO_  _WW_")) == "hello w"
    assert greedy_text(np.zeros((0, 29), np.float32)) == ""


def test_reading_in_parts_is_reading_the_whole() -> None:
    path = scores_of("RR_E_DD  H_AA_TT")
    for cut in range(len(path)):
        reader = GreedyReader()
        assert reader.read(path[:cut]) + reader.read(path[cut:]) == "RED HAT"


def test_text_becomes_symbols_and_comes_back() -> None:
    numbers = symbol_numbers("It's a T-shirt, no. 7")
    assert "".join(SYMBOLS[number] for number in numbers) == "IT'S A TSHIRT NO "
    assert symbol_numbers("_") == []
