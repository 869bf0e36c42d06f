"""A short film: video, sound, truth and portraits."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from synthetic.film.render import render_film
from synthetic.film.script import FilmSpec
from synthetic.identity import make_identity
from synthetic.sound.voice import SAMPLE_RATE
from synthetic.testing import TinyFilm


def test_the_video_is_as_long_as_the_truth_says_and_has_sound(film: TinyFilm) -> None:
    with av.open(str(film.video)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        frames = list(container.decode(video))
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert len(frames) == film.truth["film"]["frames"] == 60
        assert [round(float(f.pts * f.time_base) * 25) for f in frames] == list(range(60))
        assert (frames[0].width, frames[0].height) == (1280, 720)
    with av.open(str(film.video)) as container:
        sound = np.concatenate([f.to_ndarray().ravel() for f in container.decode(audio=0)])
        assert container.streams.audio[0].rate == SAMPLE_RATE
    assert abs(len(sound) / SAMPLE_RATE - 2.4) < 0.1
    assert np.sqrt(np.mean(sound**2)) > 1e-4


def test_the_truth_follows_its_schema(film: TinyFilm) -> None:
    truth = film.truth
    assert truth["schema"] == "synthcast/2"
    assert set(truth) == {
        "schema", "world_version", "film", "identities", "scenes", "shots", "tracklets", "speech", "queries",
    }  # fmt: skip
    known = {p["identity_id"] for p in truth["identities"]}
    shots = {s["shot_id"]: s for s in truth["shots"]}
    assert known == {"c3-i0", "c3-i1"}
    for tracklet in truth["tracklets"]:
        frames, shot = tracklet["frames"], shots[tracklet["shot_id"]]
        assert tracklet["identity_id"] in known
        assert shot["start_frame"] <= tracklet["start_frame"] < tracklet["end_frame"] <= shot["end_frame"]
        assert {len(column) for column in frames.values()} == {len(frames["index"])}
        assert frames["index"] == sorted(set(frames["index"]))
        for person, head in zip(frames["person"], frames["head"], strict=True):
            assert 0 <= person[0] < person[2] <= 1280
            assert 0 <= person[1] < person[3] <= 720
            if head is not None:
                assert person[0] <= head[0] + 0.2
                assert head[3] <= person[3] + 0.2
        assert all(0 <= v <= 1 for v in frames["visibility"] + frames["face_visibility"])
        assert {d["kind"] for d in tracklet["descriptions"]} == {"full", "partial", "negated", "synonym"}
    for speech in truth["speech"]:
        assert 0 <= speech["start_s"] < speech["end_s"] <= truth["film"]["duration_s"]
    assert all(truth["film"][name] is None for name in ("camera_id", "site", "recorded_at", "clock_offset_s"))
    assert [shot["transition"] for shot in truth["shots"]] == ["cut", "cut"]


def test_everyone_has_two_tracklets_and_a_visible_face(film: TinyFilm) -> None:
    for person in film.truth["identities"]:
        mine = [t for t in film.truth["tracklets"] if t["identity_id"] == person["identity_id"]]
        assert len({t["shot_id"] for t in mine}) == 2
        assert any(t["face_visible"] for t in mine)


def test_a_broken_off_render_is_resumed_to_the_same_truth(film: TinyFilm, tmp_path: Path) -> None:
    spec = FilmSpec(seed=3, cast_seed=3, identities=2, minutes=2.4 / 60)

    def break_off(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_film(spec, tmp_path, progress=break_off)
    assert not (tmp_path / "film.mp4").exists()
    first = next(tmp_path.rglob("s000.mp4"))
    drawn_at = first.stat().st_mtime_ns
    seen: list[tuple[int, int]] = []

    def watch(done: int, total: int) -> None:
        if not seen:
            assert first.stat().st_mtime_ns == drawn_at
        seen.append((done, total))

    render_film(spec, tmp_path, progress=watch, portraits=1)
    assert seen == [(30, 60), (60, 60)]
    assert (tmp_path / "truth.json").read_bytes() == (film.video.parent / "truth.json").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["film.mp4", "queries", "truth.json"]


def test_portraits_are_there_and_show_skin_in_the_middle(film: TinyFilm) -> None:
    portraits = [query for query in film.truth["queries"] if query["kind"] == "portrait"]
    assert len(portraits) == 2
    for query in portraits:
        picture = cv2.imread(str(film.video.parent / query["path"]))
        assert picture is not None
        assert picture.shape == (512, 512, 3)
        index = int(query["identity_id"].rsplit("i", 1)[1])
        skin = np.array(make_identity(3, index).skin.color)
        cheek = picture[270:330, 200:310, ::-1].reshape(-1, 3).mean(0) / 255
        hue = cheek / cheek.sum() - skin / skin.sum()
        assert np.abs(hue).max() < 0.12
