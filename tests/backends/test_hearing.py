from pathlib import Path

import numpy as np
import pytest

from packs.errors import PackError
from packs.sound import frame_count, voice_windows
from packs.testing import TinyPack, write_tiny_pack
from services.backends.hearing import HearingModels
from services.backends.inference.fake import FakeInferenceBackend
from services.backends.inference.local import LocalInferenceBackend


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyPack:
    return write_tiny_pack(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def hearing(tiny: TinyPack) -> HearingModels:
    """The tiny networks, computed by numpy."""
    behaviours = {
        "voice_activity": lambda inputs: {"speech": tiny.activity(inputs["windows"])},
        "voice_encoder": lambda inputs: {"embedding": tiny.voice(inputs["windows"])},
    }
    return HearingModels(FakeInferenceBackend(tiny.pack.models, behaviours), tiny.pack)


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * 16000)).astype(np.float32)


async def test_speech_is_where_it_is_loud(hearing: HearingModels) -> None:
    sound = np.concatenate([np.zeros(8000, np.float32), noise(0.5), np.zeros(8040, np.float32)])
    speech = await hearing.speech(sound)
    assert speech.shape == (frame_count(len(sound)),)
    loud = speech > hearing.threshold
    assert loud[51:99].all()
    assert not loud[:48].any()
    assert not loud[102:].any()


@pytest.mark.parametrize("block", [100, 3333, 16000])
async def test_blocks_are_answered_as_the_whole(hearing: HearingModels, block: int) -> None:
    sound = noise(2.37) * np.linspace(0.0, 1.0, 37920, dtype=np.float32)
    stream = hearing.stream()
    parts = [await stream.push(sound[start : start + block]) for start in range(0, len(sound), block)]
    parts.append(await stream.finish())
    np.testing.assert_allclose(np.concatenate(parts), await hearing.speech(sound), atol=1e-6)
    assert stream.answered_frames == frame_count(len(sound))


async def test_no_sound_has_no_speech(hearing: HearingModels) -> None:
    assert (await hearing.speech(np.zeros(0, np.float32))).shape == (0,)
    assert (await hearing.embed([])).vectors.shape == (0, 4)


async def test_a_clip_is_the_weighted_mean_of_its_windows(hearing: HearingModels, tiny: TinyPack) -> None:
    short, long = noise(0.2, 1), noise(0.64, 2)
    how = tiny.pack.models["voice_encoder"].preprocessing
    found = await hearing.embed([short, long])
    raw = tiny.voice(voice_windows(long, how))
    assert raw.shape == (3, 4)
    np.testing.assert_allclose(found.norms[1], np.linalg.norm(raw.mean(axis=0)), rtol=1e-4)
    np.testing.assert_allclose(found.vectors[1] * found.norms[1], raw.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1.0, rtol=1e-5)
    activity = [np.ones(20, np.float32), np.repeat([1.0, 0.0], 32).astype(np.float32)]
    weighted = await hearing.embed([short, long], activity=activity)
    expected = (raw * np.array([[1.0], [0.5], [0.01]])).sum(axis=0) / 1.51
    np.testing.assert_allclose(weighted.vectors[1] * weighted.norms[1], expected, atol=1e-4)


async def test_activity_must_fit_its_clip(hearing: HearingModels) -> None:
    with pytest.raises(ValueError, match=r"expected \[20\], got \[19\]"):
        await hearing.embed([noise(0.2)], activity=[np.ones(19, np.float32)])


async def test_the_files_compute_what_numpy_says(hearing: HearingModels, tiny: TinyPack) -> None:
    backend = LocalInferenceBackend(tiny.pack, threads=1)
    served = HearingModels(backend, tiny.pack)
    sound = noise(1.0)
    try:
        np.testing.assert_allclose(await served.speech(sound), await hearing.speech(sound), atol=0.02)
        one, two = await served.embed([sound]), await hearing.embed([sound])
        assert float((one.vectors * two.vectors).sum()) > 0.999
    finally:
        await backend.aclose()


async def test_a_pack_without_sound_says_so(tmp_path: Path) -> None:
    pack = write_tiny_pack(tmp_path, sound=False).pack
    deaf = HearingModels(FakeInferenceBackend(pack.models), pack)
    assert not deaf.can_hear
    with pytest.raises(PackError, match="cannot hear"):
        await deaf.speech(noise(0.1))
    with pytest.raises(PackError, match="cannot embed voice"):
        await deaf.embed([noise(0.1)])


def test_a_pack_with_both_networks_can_hear(hearing: HearingModels) -> None:
    assert hearing.can_hear
    assert hearing.threshold == 0.5
