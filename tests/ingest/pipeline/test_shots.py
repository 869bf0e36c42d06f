from __future__ import annotations

import numpy as np
import pytest
from scenedetect import FrameTimecode
from scenedetect.detectors import ContentDetector

from services.ingest.pipeline.decode import VideoFile
from services.ingest.pipeline.settings import DecodeSettings
from services.ingest.pipeline.shots import CutDetector, read_chunks
from services.ingest.pipeline.values import Position

DEFAULT = DecodeSettings()


def shots_of(path, settings=DEFAULT, start=None):
    with VideoFile(path) as file:
        return list(read_chunks(file.frames(start), file.frame_s, settings))


def starts(chunks):
    return sorted({chunk.start.frame for chunk in chunks})


def test_cuts_are_found_exactly(film, script):
    chunks = shots_of(film(script(frames=120, cuts=(31, 70))))
    assert starts(chunks) == [0, 31, 70]
    ends = [chunk.end.frame for chunk in chunks if chunk.end is not None]
    assert ends == [31, 70, 120]
    assert [chunk.film_ends for chunk in chunks].count(True) == 1
    assert chunks[-1].end.time_s == pytest.approx(120 / 25)


def test_every_second_frame_of_each_shot_is_analysed(film, script):
    chunks = shots_of(film(script(frames=60, cuts=(31,))))
    numbers = [frame.position.frame for chunk in chunks for frame in chunk.frames]
    assert numbers == [*range(0, 31, 2), *range(31, 60, 2)]
    assert all(len(chunk.frames) <= 8 for chunk in chunks)


def test_long_shots_are_split(film, script):
    chunks = shots_of(film(script(frames=80)), DecodeSettings(longest_segment_s=1.0))
    assert starts(chunks) == [0, 25, 50, 75]


@pytest.mark.parametrize("settings", [DecodeSettings(), DecodeSettings(longest_segment_s=0.6)])
def test_a_resumed_film_has_the_same_shots(film, script, settings):
    path = film(script(frames=120, cuts=(31, 36, 70)))
    everything = shots_of(path, settings)
    for begin in starts(everything):
        at = next(chunk.start for chunk in everything if chunk.start.frame == begin)
        rest = shots_of(path, settings, Position(at.frame, at.time_s))
        assert starts(rest) == [start for start in starts(everything) if start >= begin]


def test_a_walking_person_is_no_cut(film, script, walker):
    people = (walker("red", 0, 50, 0.0, 8.0), walker("blue", 0, 50, 400.0, -8.0))
    assert starts(shots_of(film(script(frames=50, walkers=people)))) == [0]


def picture(level: float) -> np.ndarray:
    return np.full((144, 256, 3), level, np.float64).astype(np.uint8)


def cuts_of(levels: list[float]) -> list[int]:
    detector = CutDetector(DEFAULT.cut_threshold, DEFAULT.shortest_shot_frames)
    return [number for number, level in enumerate(levels) if detector.begins(picture(level))]


def test_a_middling_change_is_a_cut_only_when_it_is_sudden():
    # A step of 60 grey levels is a change of 20: hue and saturation, the other two thirds, do not change.
    assert cuts_of([60.0] * 20 + [120.0] * 20) == [20]
    assert cuts_of([60.0] * 20 + [90.0] * 20) == []
    panning = [60.0 + 50.0 * (number % 2) for number in range(40)]
    assert cuts_of(panning) == []
    assert cuts_of([*panning[:20], *(level + 60.0 for level in panning[20:])]) == []


def test_a_resumed_detector_decides_as_the_first_one_did():
    random = np.random.default_rng(1)
    levels = [float(level) for level in np.cumsum(random.normal(0.0, 4.0, 300)) % 200.0]
    cuts = cuts_of(levels)
    assert len(cuts) >= 2
    for begin in cuts:
        assert [begin + cut for cut in cuts_of(levels[begin:])] == [cut for cut in cuts if cut > begin]


def test_a_flash_does_not_make_two_shots():
    assert cuts_of([60.0] * 20 + [240.0] + [60.0] * 20) == [20]


def dark_scene(noise_seed: int, brightness: float = 1.0) -> np.ndarray:
    """A dim ramp; in the dark, noise of a few grey levels turns the hue round."""
    ramp = np.linspace(4.0, 40.0, 256)[None, :, None] * np.ones((144, 1, 3)) * brightness
    noise = np.random.default_rng(noise_seed).normal(0.0, 5.0, (144, 256, 3))
    return np.clip(ramp + noise, 0.0, 255.0).astype(np.uint8)


def test_a_dark_scene_that_is_coded_anew_is_no_cut():
    coded = [dark_scene(1)] * 20 + [dark_scene(2)] * 20
    alone = ContentDetector(threshold=DEFAULT.cut_threshold, min_scene_len=DEFAULT.shortest_shot_frames)
    assert any(alone.process_frame(FrameTimecode(number, fps=25.0), one) for number, one in enumerate(coded))
    detector = CutDetector(DEFAULT.cut_threshold, DEFAULT.shortest_shot_frames)
    assert [number for number, one in enumerate(coded) if detector.begins(one)] == []


def test_a_dark_scene_is_cut_to_another_one():
    detector = CutDetector(DEFAULT.cut_threshold, DEFAULT.shortest_shot_frames)
    pictures = [dark_scene(1)] * 20 + [dark_scene(2)[:, ::-1]] * 20
    assert [number for number, one in enumerate(pictures) if detector.begins(one)] == [20]
