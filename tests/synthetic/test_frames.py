"""Training frames: dealing of identities, shards, resuming."""

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from synthetic.frames import SCENE_FRAMES, SHARD_FRAMES, UNIFORM_FROM, FramesJob, plan_scenes, shard_path, write_frames


def job(out: Path, frames: int, people_max: int = 4) -> FramesJob:
    return FramesJob(seed=4, identities=12, frames=frames, people_min=2, people_max=people_max, out=out)


def test_everyone_is_in_about_as_many_scenes(tmp_path: Path) -> None:
    plan = plan_scenes(job(tmp_path, 1000))
    counts = Counter(k for scene in plan for k in scene.people)
    assert max(counts.values()) - min(counts.values()) <= 2


def test_frames_show_people_of_their_scene_once(tmp_path: Path) -> None:
    for scene in plan_scenes(job(tmp_path, 400)):
        assert len(scene.hands) == SCENE_FRAMES
        for hand in scene.hands:
            assert len(set(hand)) == len(hand)
            assert 2 <= len(hand) <= 4
            assert set(hand) <= set(scene.people)
        assert {k for hand in scene.hands for k in hand} == set(scene.people)


def test_some_scenes_are_crowds_when_they_may(tmp_path: Path) -> None:
    plan = plan_scenes(job(tmp_path, 1000, people_max=10))
    crowds = [scene for scene in plan if scene.crowd]
    assert 0.08 < len(crowds) / len(plan) < 0.26
    assert max(len(hand) for scene in crowds for hand in scene.hands) == 10
    assert max(len(hand) for scene in plan if not scene.crowd for hand in scene.hands) <= 6


def test_a_longer_plan_begins_with_the_shorter_one(tmp_path: Path) -> None:
    assert plan_scenes(job(tmp_path, 90))[:8] == plan_scenes(job(tmp_path, 40))


def test_shards_hold_what_the_schema_says_and_are_not_drawn_twice(drawable: None, tmp_path: Path) -> None:
    small = job(tmp_path, 6)
    assert list(write_frames(small, workers=1)) == [0]
    with np.load(shard_path(small, 0)) as shard:
        rows = len(shard["identity"])
        assert rows >= 8
        assert shard["face_crop"].shape == shard["head_crop"].shape == (rows, 112, 112, 3)
        assert shard["body_crop"].shape == (rows, 144, 72, 3)
        assert shard["face_crop"].dtype == np.uint8
        assert set(shard["identity"]) <= set(range(12))
        assert all(0 <= k < 4 or UNIFORM_FROM <= k < 1000 for k in shard["outfit"])
        assert (shard["scene"] == shard["frame_index"] // SCENE_FRAMES).all()
        worn = {(s, i): set() for s, i in zip(shard["scene"], shard["identity"])}
        for s, i, k in zip(shard["scene"], shard["identity"], shard["outfit"]):
            worn[s, i].add(int(k))
        assert all(len(kinds) == 1 for kinds in worn.values())
        assert (shard["visibility"] >= 0.05).all()
        no_face = np.isnan(shard["face"]).any(1)
        assert (shard["face_crop"][no_face] == 0).all()
        assert (shard["face_crop"][~no_face].reshape(-1, 112 * 112 * 3).std(1) > 0).all()
        person = shard["person"]
        assert (person[:, 0] < person[:, 2]).all()
        assert person.min() >= 0
        assert person[:, 2].max() <= 1280
    picture = cv2.imread(str(tmp_path / "frames" / "000005.jpg"))
    assert picture is not None
    assert picture.shape == (360, 640, 3)
    index = json.loads((tmp_path / "index.json").read_text())
    assert index["schema"] == "synthcast-frames/2"
    assert index["shards"] == ["shard_0000.npz"]
    assert len(index["identities"]) == 12
    before = shard_path(small, 0).stat().st_mtime_ns
    assert list(write_frames(small, workers=1)) == [0]
    assert shard_path(small, 0).stat().st_mtime_ns == before
    assert SHARD_FRAMES == 250
