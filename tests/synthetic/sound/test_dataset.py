"""Voice shards: whole, the same for a seed, resumed after a kill, and true about where speech is."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from synthetic.cli import app
from synthetic.sound import dataset
from synthetic.sound.clips import ClipKind
from synthetic.sound.dataset import NOBODY, VoicesJob, plan_voices, shard_path, write_voices


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> VoicesJob:
    made = VoicesJob(11, 4, 36, tmp_path_factory.mktemp("voices"))
    assert list(write_voices(made, 1)) == [0]
    return made


def test_the_plan_is_fair_and_each_sixth_clip_is_wordless() -> None:
    plan = plan_voices(VoicesJob(1, 7, 420, Path("unused")))
    counts = Counter(plan)
    assert counts[NOBODY] == 70
    assert {counts[k] for k in range(7)} == {50}


def test_columns_fit_together(job: VoicesJob) -> None:
    with np.load(shard_path(job, 0)) as shard:
        assert shard["clips"].dtype == np.int16
        assert len(shard["offsets"]) == len(shard["speech_offsets"]) == job.clips + 1
        assert shard["offsets"][-1] == len(shard["clips"])
        assert shard["speech_offsets"][-1] == len(shard["speech"])
        samples = np.diff(shard["offsets"])
        assert np.array_equal(np.diff(shard["speech_offsets"]), -(-samples // 160))
        assert samples.min() >= 0.7 * 16_000
        assert samples.max() <= 4 * 16_000
        wordless = shard["identity"] == NOBODY
        assert np.array_equal(np.isnan(shard["snr_db"]), wordless)
        assert np.array_equal(shard["clip_kind"] >= ClipKind.WORDLESS_NOISE, wordless)
        for k in range(job.clips):
            speech = shard["speech"][shard["speech_offsets"][k] : shard["speech_offsets"][k + 1]]
            assert speech.any() != wordless[k]


def test_speech_is_where_the_sound_is(job: VoicesJob) -> None:
    """In clips that are clear enough, marked frames are far louder than the others, after AAC too."""
    with np.load(shard_path(job, 0)) as shard:
        ratios = []
        for k in np.flatnonzero(shard["snr_db"] > 15):
            sound = shard["clips"][shard["offsets"][k] : shard["offsets"][k + 1]].astype(np.float32)
            speech = shard["speech"][shard["speech_offsets"][k] : shard["speech_offsets"][k + 1]].astype(bool)
            whole = len(sound) // 160
            power = (sound[: whole * 160].reshape(whole, 160) ** 2).mean(1)
            speech = speech[:whole]
            if speech.all():
                continue
            ratios.append(np.mean(power[speech]) / np.mean(power[~speech]))
        assert len(ratios) >= 5
        assert np.median(ratios) > 8


def test_the_same_seed_gives_the_same_bytes_and_a_shard_that_exists_is_kept(
    job: VoicesJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "SHARD_CLIPS", 9)
    small = VoicesJob(11, 4, 18, tmp_path)
    assert sorted(write_voices(small, 1)) == [0, 1]
    before = {path.name: path.read_bytes() for path in tmp_path.glob("voices_*.npz")}
    (tmp_path / "voices_0001.npz").unlink()
    stamp = (tmp_path / "voices_0000.npz").stat().st_mtime_ns
    assert sorted(write_voices(small, 1)) == [0, 1]
    assert (tmp_path / "voices_0000.npz").stat().st_mtime_ns == stamp
    for name, old in before.items():
        with np.load(tmp_path / name) as new:
            (tmp_path / "old.npz").write_bytes(old)
            with np.load(tmp_path / "old.npz") as first:
                assert all(np.array_equal(new[key], first[key], equal_nan=key == "snr_db") for key in first.files)


def test_the_index_describes_the_people(job: VoicesJob) -> None:
    index = json.loads((job.out / "index.json").read_text())
    assert index["schema"] == "synthcast-voices/1"
    assert [p["identity_id"] for p in index["identities"]] == [f"c11-i{k}" for k in range(4)]
    assert index["shards"] == ["voices_0000.npz"]
    assert index["rate_hz"] == 16_000


def test_the_command_writes_a_set(tmp_path: Path) -> None:
    words = ["voices", "--seed", "5", "--identities", "2", "--clips", "6", "--out", str(tmp_path), "--workers", "1"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "index.json").exists()
    assert "6 clips of 2 people" in result.output
