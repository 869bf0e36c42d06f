from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from services.ingest.pipeline.decode import UnreadableFileError, VideoFile
from services.ingest.pipeline.values import Position


def decoded(path: Path, start: Position | None = None) -> list[tuple[int, float, np.ndarray]]:
    with VideoFile(path) as file:
        return [(frame.position.frame, frame.position.time_s, frame.rgb(1920)) for frame in file.frames(start)]


def test_each_frame_comes_once_with_its_time(film, script):
    path = film(script(frames=60))
    frames = decoded(path)
    assert [number for number, _, _ in frames] == list(range(60))
    assert np.allclose([time_s for _, time_s, _ in frames], np.arange(60) / 25.0)


def test_format_is_known_at_once(film, script):
    with VideoFile(film(script(frames=50))) as file:
        assert (file.format.width_px, file.format.height_px, file.format.frames_per_second) == (480, 270, 25.0)
        assert file.format.duration_s == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize("options", [{}, {"bf": "3"}, {"gop": 250}, {"x264-params": "open-gop=1"}], ids=str)
@pytest.mark.parametrize("number", [1, 11, 12, 13, 47, 98])
def test_any_checkpoint_is_found_exactly(film, script, options, number):
    path = film(script(frames=100, cuts=(30,)), **options)
    everything = decoded(path)
    rest = decoded(path, Position(number, everything[number][1]))
    assert [frame[:2] for frame in rest] == [frame[:2] for frame in everything[number:]]
    for found, expected in zip(rest, everything[number:], strict=True):
        assert np.array_equal(found[2], expected[2])


@pytest.mark.parametrize("name", ["film.mkv", "film.ts", "film.avi"])
def test_other_containers_are_resumed_exactly_too(film, script, name):
    path = film(script(frames=80), name=name)
    everything = decoded(path)
    assert len(everything) == 80
    assert everything[0][1] == 0.0
    rest = decoded(path, Position(41, everything[41][1]))
    assert [frame[:2] for frame in rest] == [frame[:2] for frame in everything[41:]]
    assert np.array_equal(rest[0][2], everything[41][2])


def test_a_rounded_checkpoint_still_names_the_same_frame(film, script):
    path = film(script(frames=60))
    rest = decoded(path, Position(33, float(np.float32(33 / 25.0)) + 0.0004))
    assert rest[0][0] == 33
    assert rest[0][1] == pytest.approx(33 / 25.0)


def test_nothing_follows_the_end(film, script):
    assert decoded(film(script(frames=30)), Position(30, 30 / 25.0)) == []


def test_a_truncated_file_gives_what_is_there(film, script, tmp_path):
    whole = film(script(frames=200, cuts=(40, 80, 120)), name="whole.mkv")
    content = whole.read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(content[: len(content) * 2 // 3])
    with VideoFile(cut) as file:
        numbers = [frame.position.frame for frame in file.frames()]
        assert "ends in the middle" in file.damage
    assert 60 < len(numbers) < 200
    assert numbers == list(range(len(numbers)))


def test_damage_in_the_middle_does_not_end_the_film(film, script, tmp_path):
    whole = film(script(frames=200, cuts=(40, 80, 120)), name="whole.mkv")
    content = bytearray(whole.read_bytes())
    start = len(content) // 2
    content[start : start + 400] = np.random.default_rng(0).bytes(400)
    damaged = tmp_path / "damaged.mkv"
    damaged.write_bytes(bytes(content))
    with VideoFile(damaged) as file:
        assert file.damage == ""
        frames = [frame.position for frame in file.frames()]
        assert file.damage != ""
    assert frames[-1].time_s > 6.0


@pytest.mark.parametrize("content", [b"", b"no video at all" * 100, b"\x00\x00\x00\x18ftypmp42" + b"\0" * 500])
def test_what_is_no_video_is_refused(tmp_path, content):
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"film\.mp4"):
        VideoFile(path)


def test_sound_alone_is_refused(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(UnreadableFileError, match="no video stream"):
        VideoFile(path)


def test_play_lists_are_refused(film, script, tmp_path):
    film(script(frames=5), name="inner.mp4")
    playlist = tmp_path / "list.mp4"
    playlist.write_text("ffconcat version 1.0\nfile inner.mp4\n")
    with pytest.raises(UnreadableFileError):
        VideoFile(playlist)


def test_a_name_is_never_an_address(tmp_path, film, script):
    path = film(script(frames=5), name="concat:a|b.mp4")
    assert len(decoded(path)) == 5


def test_large_pictures_are_shrunk(film, script):
    with VideoFile(film(script(frames=3))) as file:
        first = next(file.frames())
        assert first.rgb(240).shape == (135, 240, 3)
        assert first.thumbnail().shape == (144, 256, 3)


def turned_clockwise(path: Path) -> Path:
    """Let a film say, as a telephone held upright does, that it is to be shown turned by 90 degrees."""
    content = bytearray(path.read_bytes())
    # ISO/IEC 14496-12, 8.3.2: the matrix stands 40 bytes behind the name of the track header, in 16.16 and 2.30.
    at = content.index(b"tkhd") + 44
    content[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    turned = path.with_name("turned.mp4")
    turned.write_bytes(bytes(content))
    return turned


def test_a_film_is_shown_upright(film, script, walker):
    path = turned_clockwise(film(script(frames=5, walkers=(walker("red", 0, 5, 0.0, y=0.0),))))
    with VideoFile(path) as file:
        assert (file.format.width_px, file.format.height_px) == (270, 480)
        picture = next(file.frames()).rgb(1920)
    assert picture.shape == (480, 270, 3)
    # What was in the upper left corner, 60 wide and 160 high, is now in the upper right one.
    assert picture[20, 200, 0] > 180
    assert picture[20, 200, 1] < 90
    assert picture[20, 60, 1] > 50
    assert picture[200, 200, 1] > 50
