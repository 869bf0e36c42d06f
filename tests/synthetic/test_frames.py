"""Training frames: dealing of identities, shards, resuming."""

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from synthetic.frames import SHARD_FRAMES, FramesJob, plan_frames, shard_path, write_frames


def job(out: Path, frames: int) -> FramesJob:
    return FramesJob(seed=4, identities=12, frames=frames, people_min=2, people_max=4, out=out)


def test_everyone_appears_about_equally_often_and_once_a_frame(tmp_path: Path) -> None:
    plan = plan_frames(job(tmp_path, 400))
    counts = Counter(k for hand in plan for k in hand)
    assert max(counts.values()) - min(counts.values()) <= 2
    assert all(len(set(hand)) == len(hand) and 2 <= len(hand) <= 4 for hand in plan)


def test_a_longer_plan_begins_with_the_shorter_one(tmp_path: Path) -> None:
    assert plan_frames(job(tmp_path, 90))[:40] == plan_frames(job(tmp_path, 40))


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
        assert set(shard["outfit"]) <= set(range(4))
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
    assert index["schema"] == "synthcast-frames/1"
    assert index["shards"] == ["shard_0000.npz"]
    assert len(index["identities"]) == 12
    before = shard_path(small, 0).stat().st_mtime_ns
    assert list(write_frames(small, workers=1)) == [0]
    assert shard_path(small, 0).stat().st_mtime_ns == before
    assert SHARD_FRAMES == 250
