"""Rooms, beds, coding and query clips do to a sound what they say."""

import numpy as np
import pytest
from scipy.signal import welch

from synthetic.identity import make_identity
from synthetic.sound.acoustics import Place, capture, film_place, impulse, reverberate
from synthetic.sound.beds import BEDS, at_level, draw_backdrop, music, noise_bed, transients
from synthetic.sound.codec import aac_loss
from synthetic.sound.queries import QUERY_RATE, narrate, voice_query
from synthetic.types import F32

RATE = 16_000


def burst(rng: np.random.Generator) -> F32:
    return np.asarray(0.1 * rng.standard_normal(RATE // 2), dtype=np.float32)


@pytest.mark.parametrize("rt60_s", [0.4, 0.8])
def test_reverberation_sinks_by_60_db_in_its_time(rt60_s: float) -> None:
    response = impulse(Place(rt60_s, 0.0, 0.0), np.random.default_rng(1), RATE)
    energy = np.cumsum(response[::-1].astype(np.float64) ** 2)[::-1]
    at = round(0.045 * RATE), round((0.045 + rt60_s / 2) * RATE)
    assert 10 * np.log10(energy[at[0]] / energy[at[1]]) == pytest.approx(30, abs=5)


def test_a_place_keeps_level_and_time_and_adds_a_tail() -> None:
    rng = np.random.default_rng(2)
    sound = burst(rng)
    wet = reverberate(sound, impulse(Place(0.3, 12.0, 1.0), rng, RATE), RATE)
    assert wet.dtype == np.float32
    assert len(wet) > len(sound) + 0.25 * RATE
    assert np.sqrt(np.mean(wet[: len(sound)] ** 2)) == pytest.approx(np.sqrt(np.mean(sound**2)), rel=1e-3)
    lags = [float(np.dot(sound[100:-100], wet[100 + k : len(sound) - 100 + k])) for k in range(-20, 21)]
    assert int(np.argmax(lags)) == 20


def test_who_is_not_on_screen_sounds_softer_and_duller() -> None:
    place = Place(0.2, 10.0, 0.0)
    sound = burst(np.random.default_rng(3))
    near = capture(np.random.default_rng(4), sound, place, RATE, seen=True)
    off = capture(np.random.default_rng(4), sound, place, RATE, seen=False)
    hz, near_power = welch(near, RATE)
    _, off_power = welch(off, RATE)
    assert np.mean(off**2) < np.mean(near**2)
    high, low = hz > 5000, (hz > 300) & (hz < 2000)
    assert near_power[high].mean() / near_power[low].mean() > 2 * off_power[high].mean() / off_power[low].mean()


def test_every_bed_is_noise_of_its_own_at_level_one() -> None:
    voices = [burst(np.random.default_rng(k)) for k in range(4)]
    for kind in BEDS:
        one, two = (noise_bed(np.random.default_rng(seed), kind, 2 * RATE, RATE, voices) for seed in (5, 6))
        assert one.shape == (2 * RATE,)
        assert np.sqrt(np.mean(one**2)) == pytest.approx(1.0, rel=1e-3)
        assert not np.array_equal(one, two)
        assert np.array_equal(one, noise_bed(np.random.default_rng(5), kind, 2 * RATE, RATE, voices))


def test_an_unknown_bed_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"got noise bed 'sea', expected one of room, hum"):
        noise_bed(np.random.default_rng(1), "sea", 100, RATE)


def test_music_has_tones_and_stands_out_of_the_backdrop() -> None:
    tune = music(np.random.default_rng(7), 3 * RATE, RATE)
    spectrum = np.abs(np.fft.rfft(tune * np.hanning(len(tune))))
    assert spectrum.max() > 50 * np.median(spectrum)
    with_music = draw_backdrop(np.random.default_rng(8), RATE, RATE, [], music_share=1.0)
    without = draw_backdrop(np.random.default_rng(8), RATE, RATE, [], music_share=0.0)
    assert np.mean(with_music**2) > np.mean(without**2)


def test_doors_and_steps_are_short_peaks() -> None:
    sounds = transients(np.random.default_rng(9), 60 * RATE, RATE)
    assert 0.3 < np.abs(sounds).max() <= 2.5
    assert np.mean(np.abs(sounds) > 0.01) < 0.2


def test_silence_stays_silent_at_any_level() -> None:
    assert not at_level(np.zeros(100, np.float32), -20).any()


@pytest.mark.parametrize("bit_rate", [24_000, 48_000])
def test_aac_loses_a_little_and_keeps_time(bit_rate: int) -> None:
    sound = voice_query(make_identity(4, 1), 0, 4)
    coded = aac_loss(sound, QUERY_RATE, bit_rate)
    assert coded.shape == sound.shape
    assert not np.array_equal(coded, sound)
    assert np.corrcoef(sound, coded)[0, 1] > 0.95


def test_query_clips_are_about_three_seconds_and_each_its_own() -> None:
    person = make_identity(4, 2)
    clips = [voice_query(person, n, 7) for n in range(2)]
    for clip in clips:
        assert clip.dtype == np.float32
        assert 2 <= len(clip) / QUERY_RATE <= 5
        assert 0.02 < np.abs(clip).max() <= 0.9 + 1e-6
    assert not np.array_equal(clips[0][:8000], clips[1][:8000])
    assert np.array_equal(clips[0], voice_query(person, 0, 7))


def test_a_narrator_reads_a_description() -> None:
    short, long = narrate("a man in a red coat", 3), narrate("a man in a red coat with glasses and a grey hat", 3)
    assert len(long) > len(short) > QUERY_RATE
    assert np.array_equal(short, narrate("a man in a red coat", 3))


def test_places_differ() -> None:
    rng = np.random.default_rng(10)
    places = [film_place(rng) for _ in range(200)]
    times = np.array([place.rt60_s for place in places])
    assert 0.05 < np.mean(times < 0.15) < 0.35
    assert 0.05 < np.mean(times > 0.6) < 0.3
