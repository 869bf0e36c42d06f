"""A film of twenty frames and a second of sound, and the tiny pack: from the file to figures."""

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from evaluation.encoders.footage import chosen_frames, sound_of
from evaluation.encoders.measure import measure_encoders
from evaluation.truth import Film
from packs.testing import write_tiny_pack

WIDTH, HEIGHT, RATE = 200, 100, 25
LEFT, RIGHT = (0.0, 0.0, 60.0, 100.0), (120.0, 0.0, 180.0, 100.0)
# Redness of the left half and blueness of the right in each frame: the second half of the film repeats the first.
SHADES = [(140 + 8 * (number % 10), 250 - 8 * (number % 10)) for number in range(20)]


def write_film(path: Path) -> None:
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE, options={"crf": "1"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = container.add_stream("aac", rate=48_000, layout="mono")
        for number, shades in enumerate(SHADES):
            picture = np.full((HEIGHT, WIDTH, 3), 30, dtype=np.uint8)
            picture[:, : WIDTH // 2, 0], picture[:, WIDTH // 2 :, 2] = shades
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
        for start in range(0, 48_000, 1024):
            block = av.AudioFrame.from_ndarray(tone[None, start : start + 1024].astype(np.float32), "fltp", "mono")
            block.sample_rate, block.pts, block.time_base = 48_000, start, Fraction(1, 48_000)
            container.mux(sound.encode(block))
        container.mux(sound.encode(None))


@pytest.fixture
def film(tmp_path: Path, truth, line) -> Film:
    path = tmp_path / "film.mp4"
    write_film(path)
    path.with_name("truth.json").write_text(json.dumps({}))
    tracklets = tuple(
        truth(f"{name}{half}", 10 * half, 10 * half + 10, box, identity=name, face=box, scene=f"s{half}")
        for name, box in (("a", LEFT), ("b", RIGHT))
        for half in range(2)
    )
    return Film("film", path, WIDTH, HEIGHT, RATE, 0.8, tracklets, (), {}, (line("l", 0.0, 1.0),))


def test_chosen_frames_are_those_of_the_film(film: Film) -> None:
    found = dict(chosen_frames(film.path, {3, 17}))
    assert sorted(found) == [3, 17]
    for number, picture in found.items():
        assert picture.shape == (HEIGHT, WIDTH, 3)
        assert picture[50, 20, 0] == pytest.approx(SHADES[number][0], abs=8)
        assert picture[50, 180, 2] == pytest.approx(SHADES[number][1], abs=8)
    with pytest.raises(ValueError, match="ends before frame 20"):
        dict(chosen_frames(film.path, {20}))


def test_sound_is_mono_at_16_khz_from_the_start(film: Film) -> None:
    samples = sound_of(film.path)
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(16_000, abs=1200)
    spectrum = np.abs(np.fft.rfft(samples[2000:10_000]))
    assert np.argmax(spectrum) * 16_000 / 8000 == pytest.approx(440, abs=4)


async def test_a_film_is_embedded_once(film: Film, tmp_path: Path) -> None:
    pack, said = write_tiny_pack(tmp_path).pack, []
    figures = await measure_encoders([film], pack, tmp_path / "kept", said.append)
    # One is red and one is blue.
    assert figures["encoder.face"].mean_average_precision.value == pytest.approx(1.0)
    assert figures["naive.face_pixels"].queries == 16
    assert figures["naive.body_histogram_across"].gallery == 16
    assert "encoder.body_in_scene" not in figures, "nobody has two tracklets in one scene"
    film.path.unlink()
    again = await measure_encoders([film], pack, tmp_path / "kept", said.append)
    assert {name: one.per_identity for name, one in again.items()} == {
        name: one.per_identity for name, one in figures.items()
    }
