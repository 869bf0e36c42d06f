"""Gates hold and break; samples are read; films are counted."""

from pathlib import Path

import numpy as np
import pytest

from evaluation.gates.asking import Asked
from evaluation.gates.bounds import GATES, Gate, broken
from evaluation.gates.films import film_figures
from evaluation.gates.measure import Measured, measure_naive, table
from evaluation.gates.samples import first_people, first_speakers, load_clips, load_crops
from evaluation.metrics.bootstrap import Estimate
from evaluation.truth import Film, TruthTracklet
from evaluation.truth_speech import TruthSpeech
from evaluation.tubes import Tube


def asked(value: float) -> Asked:
    return Asked(Estimate(value, (value - 0.01, value + 0.01), 20, "identities"), 0.1, 100, 120)


def write_frames(folder: Path, *, scene: bool = True) -> None:
    rng = np.random.default_rng(4)
    rows = 8
    boxes = np.tile(np.array([10, 10, 60, 200], np.float32), (rows, 1))
    boxes[7, 2] = 20  # too narrow
    columns = {
        "frame_index": np.repeat(np.arange(4), 2).astype(np.int32),
        "identity": np.tile([0, 1], 4).astype(np.int32),
        "outfit": np.repeat([0, 1], 4).astype(np.int32),
        "person": boxes,
        "face": boxes,
        "visibility": np.array([1, 1, 1, 1, 1, 1, 0.4, 1], np.float32),
        "face_visibility": np.array([1, 1, 1, 1, 1, 0.5, 1, 1], np.float32),
        "yaw_deg": np.array([0, 0, 0, 0, 70, 0, 0, 0], np.float32),
        "face_crop": rng.integers(0, 256, (rows, 112, 112, 3)).astype(np.uint8),
        "body_crop": rng.integers(0, 256, (rows, 144, 72, 3)).astype(np.uint8),
    }
    if scene:
        columns["scene"] = np.repeat([0, 1], 4).astype(np.int32)
    np.savez(folder / "shard_0000.npz", **columns)


def write_voices(folder: Path) -> None:
    rng = np.random.default_rng(5)
    clips = rng.integers(-9000, 9000, 4 * 4000).astype(np.int16)
    np.savez(
        folder / "voices_0000.npz",
        clips=clips,
        offsets=np.arange(5) * 4000,
        identity=np.array([0, -1, 0, 1], np.int32),
    )


def test_samples_are_what_can_be_seen_and_what_is_said(tmp_path: Path) -> None:
    write_frames(tmp_path)
    write_voices(tmp_path)
    faces, bodies = load_crops(tmp_path)
    assert faces.frame.tolist() == [0, 0, 1, 1, 3]
    assert bodies.identity.tolist() == [0, 1, 0, 1, 0, 1]
    assert bodies.scene.tolist() == [0, 0, 0, 0, 1, 1]
    assert bodies.images.shape == (6, 144, 72, 3)
    clips = load_clips(tmp_path)
    assert clips.identity.tolist() == [0, 0, 1]
    with np.load(tmp_path / "voices_0000.npz") as columns:
        np.testing.assert_allclose(clips.sounds[1], columns["clips"][8000:12000] / 32768)


def test_larger_samples_are_cut_to_the_first_people(tmp_path: Path) -> None:
    write_frames(tmp_path)
    write_voices(tmp_path)
    faces = load_crops(tmp_path)[0]
    cut = first_people(faces, 1)
    assert cut.identity.tolist() == [0, 0, 0]
    assert cut.frame.tolist() == [0, 1, 3]
    assert (cut.images == faces.images[faces.identity == 0]).all()
    clips = first_speakers(load_clips(tmp_path), 1)
    assert len(clips.sounds) == len(clips.identity) == 2


def test_all_naive_figures_are_measured(tmp_path: Path) -> None:
    write_frames(tmp_path)
    write_voices(tmp_path)
    measured = Measured(measure_naive(*load_crops(tmp_path), load_clips(tmp_path)))
    wanted = {gate.figure for gate in GATES if gate.figure.startswith("naive.")}
    assert wanted <= set(measured.values)
    assert all(0 < value <= 1 for value in measured.values.values())


@pytest.mark.parametrize("read", [load_crops, load_clips])
def test_an_empty_folder_says_what_to_do(tmp_path: Path, read) -> None:
    with pytest.raises(ValueError, match="python -m synthetic"):
        read(tmp_path)


def test_frames_without_scenes_are_refused(tmp_path: Path) -> None:
    write_frames(tmp_path, scene=False)
    with pytest.raises(ValueError, match="synthcast-frames/2"):
        load_crops(tmp_path)


def test_a_gate_breaks_from_either_side() -> None:
    both = Gate("x", least=0.2, most=0.3)
    assert [both.holds(value) for value in (0.1, 0.2, 0.3, 0.31)] == [False, True, True, False]
    assert both.text == "0.2 to 0.3"


def test_a_world_that_is_too_easy_is_named() -> None:
    measured = Measured({"naive.body_histogram_in_scene": asked(0.75), "encoder.face": asked(0.98)})
    assert len(measured.broken) == 2
    assert "naive.body_histogram_in_scene is 0.750, must be at most 0.7" in measured.broken
    assert broken({"naive.body_histogram_in_scene": 0.69, "encoder.face": 0.97}) == []


def test_rows_say_interval_chance_and_gate() -> None:
    measured = Measured({"naive.face_pixels": asked(0.12341)})
    row = measured.rows()["naive.face_pixels"]
    assert row["value"] == 0.1234
    assert row["chance"] == 0.1
    assert row["gate"] == "at most 0.3"
    assert "| `naive.face_pixels` | 0.123 | 0.113 to 0.133 | 0.100 | at most 0.3 |" in table(measured)


def tracklet(key: str, who: str, frames: int, *, face: bool, counts: bool = True) -> TruthTracklet:
    tube = Tube(np.arange(frames), np.zeros((frames, 4)))
    return TruthTracklet(key, who, tube, np.zeros(0, np.int64), face, counts)


def test_films_are_counted() -> None:
    tracklets = (
        tracklet("t0", "a", 60, face=True),
        tracklet("t1", "b", 20, face=False),
        tracklet("t2", "c", 10, face=True),
        tracklet("t3", "d", 10, face=True, counts=False),
    )
    speech = tuple(TruthSpeech(f"s{k}", who, 0.0, end, None) for k, (who, end) in enumerate([("a", 1.0), ("b", 2.0)]))
    film = Film("f", Path("f"), 1280, 720, 25.0, 10.0, tracklets, (), {who: {} for who in "abcd"}, speech)
    found = film_figures([film])
    assert found.screen_time_of_busiest_quarter == pytest.approx(0.6)
    assert found.share_who_never_speak == pytest.approx(0.5)
    assert found.median_speech_s == pytest.approx(1.5)
    assert found.tracklets_without_face == pytest.approx(1 / 3)
    assert (found.tracklets, found.people, found.films) == (3, 4, 1)
    with pytest.raises(ValueError, match="without any speech"):
        film_figures([])
