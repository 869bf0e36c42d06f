"""Sound of real files: where it lies in time, and that it is the same wherever reading began."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from services.ingest.pipeline.decode import AROUND_S, VideoFile
from services.ingest.pipeline.values import Position, Sound

RATE = 16_000


def beeps(seconds: float, rate: int = 48_000, every_s: float = 0.5, hz: float = 440.0) -> np.ndarray:
    """A tone that lasts for the first tenth of each half second."""
    t = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * hz * t) * ((t % every_s) < 0.1)).astype(np.float32)


def heard(path: Path, spans: list[tuple[float, float]], begin: Position | None = None) -> list[Sound | None]:
    """The sound of some shots, asked for where the frames reach their ends, as ingest does."""
    waiting, found = list(spans), []
    with VideoFile(path, with_sound=True) as file:
        for frame in file.frames(begin):
            while waiting and frame.position.time_s >= waiting[0][1] - 1e-6:
                start_s, end_s = waiting.pop(0)
                found.append(file.sound(Position(0, start_s), Position(0, end_s)))
        found += [file.sound(Position(0, start_s), Position(0, end_s)) for start_s, end_s in waiting]
    return found


def level(sound: Sound, start_s: float, end_s: float) -> float:
    low, high = (round((time_s - sound.start_s) * RATE) for time_s in (start_s, end_s))
    return float(np.sqrt(np.mean(sound.samples[low:high] ** 2)))


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("film.mp4", "aac", 48_000),
        ("film.mkv", "aac", 44_100),
        ("film.ts", "mp2", 48_000),
        ("film.mov", "pcm_s16le", 8_000),
        ("film.avi", "pcm_s16le", 48_000),
        ("film.mkv", "libopus", 48_000),
    ],
)
def test_sound_stands_at_its_time(film, script, track, name, codec, rate):
    path = film(script(frames=75), name=name, tracks=[track(beeps(3.0, rate), rate, codec)])
    (sound,) = heard(path, [(1.0, 2.0)])
    assert sound is not None
    assert sound.start_s == pytest.approx(1.0 - AROUND_S)
    assert len(sound.samples) == 2 * RATE
    assert sound.samples.dtype == np.float32
    for beep_s in (0.5, 1.0, 1.5, 2.0):
        assert level(sound, beep_s + 0.02, beep_s + 0.08) == pytest.approx(0.354, abs=0.06)
        assert level(sound, beep_s + 0.15, beep_s + 0.45) < 0.02


def test_sound_that_begins_later_is_not_moved(film, script, track):
    path = film(script(frames=50), name="film.mkv", tracks=[track(beeps(1.0), late_s=0.75)])
    (sound,) = heard(path, [(0.0, 2.0)])
    assert sound is not None
    assert level(sound, -0.4, 0.7) < 0.01
    assert level(sound, 0.77, 0.83) > 0.3
    assert level(sound, 0.9, 1.2) < 0.02


def test_two_channels_are_mixed(film, script, track):
    stereo = np.stack([beeps(2.0), np.zeros(96_000, np.float32)])
    (sound,) = heard(film(script(frames=50), tracks=[track(stereo)]), [(0.0, 1.0)])
    assert sound is not None
    assert level(sound, 0.52, 0.58) == pytest.approx(0.177, abs=0.04)


def test_of_several_tracks_the_default_one_is_heard(film, script, track):
    quiet = np.zeros(96_000, np.float32)
    (sound,) = heard(film(script(frames=50), tracks=[track(beeps(2.0)), track(quiet)]), [(0.0, 1.0)])
    assert sound is not None
    assert level(sound, 0.52, 0.58) > 0.3


def test_a_film_without_sound_has_none(film, script):
    assert heard(film(script(frames=30)), [(0.0, 1.0)]) == [None]


def test_where_the_sound_is_over_there_is_none(film, script, track):
    path = film(script(frames=200), tracks=[track(beeps(2.0))])
    first, second, third = heard(path, [(0.0, 1.5), (1.5, 3.0), (4.0, 8.0)])
    assert first is not None
    assert second is not None
    assert level(second, 2.2, 3.0) == 0.0
    assert third is None


def test_sound_that_goes_on_after_the_pictures_does_no_harm(film, script, track):
    path = film(script(frames=25), tracks=[track(beeps(20.0))])
    (sound,) = heard(path, [(0.0, 1.0)])
    assert sound is not None
    assert len(sound.samples) == 2 * RATE


@pytest.mark.parametrize(("name", "codec"), [("film.mp4", "aac"), ("film.mkv", "aac"), ("film.ts", "mp2")])
def test_a_resumed_film_sounds_the_same_to_the_last_bit(film, script, track, name, codec):
    noise = (0.2 * np.random.default_rng(1).normal(size=8 * 48_000)).astype(np.float32)
    path = film(script(frames=200, cuts=(40, 100)), name=name, tracks=[track(noise, codec=codec)])
    spans = [(0.0, 1.6), (1.6, 4.0), (4.0, 6.0), (6.0, 8.0)]
    whole = heard(path, spans)
    for number in (1, 2, 3):
        rest = heard(path, spans[number:], Position(round(spans[number][0] * 25), spans[number][0]))
        for found, expected in zip(rest, whole[number:], strict=True):
            assert found is not None
            assert expected is not None
            assert np.array_equal(found.samples, expected.samples)


def test_broken_sound_is_told_and_the_film_goes_on(film, script, track, tmp_path):
    whole = film(script(frames=100), name="whole.mkv", tracks=[track(beeps(4.0, every_s=0.12))])
    content = bytearray(whole.read_bytes())
    random = np.random.default_rng(2)
    for at in range(len(content) // 5, len(content) * 4 // 5, 150):
        content[at : at + 6] = random.bytes(6)
    path = tmp_path / "broken.mkv"
    path.write_bytes(bytes(content))
    with VideoFile(path, with_sound=True) as file:
        numbers = [frame.position.frame for frame in file.frames()]
        file.sound(Position(0, 0.0), Position(100, 4.0))
        assert len(numbers) > 20
        assert file.damage


def test_pictures_are_the_same_with_sound(film, script, track):
    path = film(script(frames=40), tracks=[track(beeps(1.6))])
    with VideoFile(path) as deaf, VideoFile(path, with_sound=True) as hearing:
        for one, other in zip(deaf.frames(), hearing.frames(), strict=True):
            hearing.sound(Position(0, 0.0), other.position)
            assert one.position == other.position
            assert np.array_equal(one.rgb(480), other.rgb(480))


def test_brightness_is_that_of_the_picture(film, script, walker):
    path = film(script(frames=3, walkers=(walker("yellow", 0, 3, 100.0),)))
    with VideoFile(path) as file:
        luma = next(file.frames()).luma()
    assert luma.shape == (270, 480)
    assert luma[140, 130] > luma[140, 40] + 60
