"""Closeups: what the face encoder learns from beside whole frames."""

from pathlib import Path

import numpy as np
import pytest

from synthetic.closeups import CloseupsJob, closeup_shard, write_closeups


@pytest.fixture(scope="module")
def job(drawable: None, tmp_path_factory: pytest.TempPathFactory) -> CloseupsJob:
    job = CloseupsJob(seed=41, identities=3, views=3, out=tmp_path_factory.mktemp("closeups"))
    list(write_closeups(job, workers=1))
    return job


def test_rows_say_who_and_hold_faces(job: CloseupsJob) -> None:
    with np.load(closeup_shard(job, 0)) as shard:
        assert set(shard["identity"]) == {0, 1, 2}
        assert shard["face_crop"].shape == (len(shard["identity"]), 112, 112, 3)
        assert (shard["face_crop"].std(axis=(1, 2, 3)) > 3).all()
        widths = shard["face"][:, 2] - shard["face"][:, 0]
    assert (widths > 8).all()
    assert (widths < 140).all()


def test_the_same_job_gives_the_same_pictures(job: CloseupsJob, tmp_path: Path) -> None:
    again = CloseupsJob(job.seed, job.identities, job.views, tmp_path)
    list(write_closeups(again, workers=1))
    with np.load(closeup_shard(job, 0)) as first, np.load(closeup_shard(again, 0)) as second:
        assert np.array_equal(first["face_crop"], second["face_crop"])


def test_a_finished_shard_is_not_drawn_again(job: CloseupsJob) -> None:
    before = closeup_shard(job, 0).stat().st_mtime_ns
    assert list(write_closeups(job, workers=1)) == [0]
    assert closeup_shard(job, 0).stat().st_mtime_ns == before
