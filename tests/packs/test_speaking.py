"""Windows of faces and sound: what they show, and how answers are put together again."""

from __future__ import annotations

import numpy as np
import pytest

from packs.manifest import PackManifest, SpeakingSettings
from packs.speaking import heard_in, joined, looks_of, starts_of
from packs.spec import ModelSpec, TensorSpec


def test_windows_cover_a_track_and_overlap_by_half():
    assert starts_of(10.0, 10.5, 50) == [10.0]
    assert starts_of(10.0, 12.0, 50) == [10.0]
    assert starts_of(10.0, 14.2, 50) == pytest.approx([10.0, 11.0, 12.0, 13.0])
    assert starts_of(10.0, 14.2, 50)[-1] + 2.0 >= 14.2


@pytest.mark.parametrize("rate", [23.976, 25.0, 30.0, 50.0])
def test_a_window_shows_the_nearest_face_of_each_moment(rate: float):
    times = 3.0 + np.arange(200) / rate
    rows, near = looks_of(times, 4.0, 50)
    assert near.all()
    assert np.abs(times[rows] - (4.0 + np.arange(50) / 25.0)).max() <= 0.5 / rate + 1e-9


def test_moments_without_a_face_are_told():
    times = np.array([0.0, 0.04, 0.08, 1.0])
    rows, near = looks_of(times, 0.0, 50)
    assert near.tolist() == [True, True, True, *[False] * 22, True, *[False] * 24]
    assert rows[[5, 24, 40]].tolist() == [2, 3, 3]
    assert looks_of(np.array([0.5]), 0.0, 3)[0].tolist() == [0, 0, 0]


def test_sound_beyond_its_ends_repeats_them():
    cepstra = np.arange(100, dtype=np.float32)[:, None] * np.ones((1, 13), np.float32)
    assert heard_in(cepstra, 2.0, 2.2, 10)[:, 0].tolist() == list(range(20, 60))
    assert heard_in(cepstra, 2.0, 1.98, 2)[:, 0].tolist() == [0, 0, 0, 1, 2, 3, 4, 5]
    assert heard_in(cepstra, 2.0, 2.9, 5)[-5:, 0].tolist() == [99] * 5


def test_answers_of_overlapping_windows_are_averaged_the_middle_counting_most():
    times = np.arange(75) / 25.0
    answers = np.stack([np.zeros(50), np.ones(50)]).astype(np.float32)
    said = joined(answers, [0.0, 1.0], times)
    assert said[:25].max() == 0.0
    assert said[50:].min() == 1.0
    assert said[37] == pytest.approx(0.5, abs=0.02)
    assert (np.diff(said[25:50]) > 0).all()
    assert joined(answers, [0.0, 1.0], np.array([9.0])).tolist() == [0.0]


def speaker(frames: int = 6, cepstra: int = 24) -> ModelSpec:
    return ModelSpec(
        name="watcher",
        file="watcher.onnx",
        sha256="0" * 64,
        inputs=(
            TensorSpec(name="faces", dtype="UINT8", shape=(frames, 8, 8)),
            TensorSpec(name="cepstra", dtype="FP32", shape=(cepstra, 13)),
        ),
        outputs=(TensorSpec(name="speaking", dtype="FP32", shape=(frames,)),),
        max_batch=4,
        warmup_batches=(1,),
    )


def test_a_pack_names_its_active_speaker_network():
    plain = PackManifest(name="x", version="1", models=(speaker(),))
    assert '"speaking":{' not in plain.canonical_json()
    watches = plain.model_copy(update={"speaking": SpeakingSettings(model="watcher")})
    assert watches.canonical_json() != plain.canonical_json()
    with pytest.raises(ValueError, match="speaking names 'eye'"):
        PackManifest(name="x", version="1", models=(speaker(),), speaking=SpeakingSettings(model="eye"))
    with pytest.raises(ValueError, match="cannot tell who speaks"):
        PackManifest(name="x", version="1", models=(speaker(cepstra=25),), speaking=SpeakingSettings(model="watcher"))
