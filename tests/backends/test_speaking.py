"""The active-speaker network asked for tracks of faces, on networks whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from packs.errors import PackError
from packs.manifest import Pack, PackManifest, SpeakingSettings
from packs.spec import ModelSpec, TensorSpec
from services.backends.inference.fake import FakeInferenceBackend
from services.backends.speaking import FaceTrack, SpeakingModels

FRAMES = 50
SOUND = np.random.default_rng(0).normal(0.0, 0.1, 16_000 * 8).astype(np.float32)


def pack(tmp_path, watches: bool = True) -> Pack:
    spec = ModelSpec(
        name="watcher",
        file="watcher.onnx",
        sha256="0" * 64,
        inputs=(
            TensorSpec(name="faces", dtype="UINT8", shape=(FRAMES, 8, 6)),
            TensorSpec(name="cepstra", dtype="FP32", shape=(4 * FRAMES, 13)),
        ),
        outputs=(TensorSpec(name="speaking", dtype="FP32", shape=(FRAMES,)),),
        max_batch=4,
        warmup_batches=(1,),
    )
    settings = SpeakingSettings(model="watcher") if watches else None
    return Pack.of(tmp_path, PackManifest(name="x", version="1", models=(spec,), speaking=settings))


def track(first_s: float, last_s: float, grey: int, size: tuple[int, int] = (8, 6)) -> FaceTrack:
    times = np.arange(first_s, last_s, 0.04)
    return FaceTrack(times, np.full((len(times), *size), grey, np.uint8))


@pytest.fixture
def backend(tmp_path):
    def brightness(inputs):
        return {"speaking": inputs["faces"].mean(axis=(2, 3)).astype(np.float32) / 255.0}

    return FakeInferenceBackend(pack(tmp_path).models, {"watcher": brightness})


async def test_each_face_of_each_track_is_answered_for(backend, tmp_path):
    models = SpeakingModels(backend, pack(tmp_path))
    one, other = await models.speaks([track(0.0, 5.0, 51), track(1.0, 2.0, 204, (56, 40))], SOUND, 0.0, [(0.5, 4.5)])
    assert one == pytest.approx(np.full(125, 0.2), abs=1e-5)
    assert other == pytest.approx(np.full(25, 0.8), abs=1e-5)
    assert sum(rows for _, rows in backend.batches) == 5


async def test_windows_without_speech_are_not_asked_for(backend, tmp_path):
    models = SpeakingModels(backend, pack(tmp_path))
    (said,) = await models.speaks([track(0.0, 8.0, 102)], SOUND, 0.0, [(6.5, 7.0)])
    assert sum(rows for _, rows in backend.batches) == 2
    assert said[:125].max() == 0.0
    assert said[160:].min() == pytest.approx(0.4)
    backend.batches.clear()
    assert (await models.speaks([track(0.0, 2.0, 102)], SOUND, 0.0, [(6.5, 7.0)]))[0].max() == 0.0
    assert backend.batches == []


async def test_a_pack_without_the_network_cannot_watch(backend, tmp_path):
    models = SpeakingModels(backend, pack(tmp_path, watches=False))
    assert not models.can_watch
    with pytest.raises(PackError, match="cannot tell who speaks"):
        await models.speaks([track(0.0, 1.0, 0)], SOUND, 0.0, [(0.0, 1.0)])
