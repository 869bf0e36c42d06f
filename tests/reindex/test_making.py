"""What the new pack's embeddings are made of: where a face is in a key frame, what is copied, what is heard."""

from __future__ import annotations

import logging
import wave
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from packs.arrays import F32
from packs.manifest import Pack, PackManifest, file_sha256
from packs.spec import Modality
from packs.testing import write_tiny_pack
from services.backends.schemas import Box, KeyBox, SpeechSpan, Video, VideoState
from services.backends.vision import Embedded
from services.reindex import voices as voices_module
from services.reindex.pictures import box_at
from services.reindex.voices import FilmVoices
from services.reindex.ways import Way, ways_between

LOW, HIGH = Box(0.0, 0.0, 0.5, 0.5), Box(0.4, 0.2, 0.9, 0.7)
RATE = 16_000


@pytest.mark.parametrize(
    ("boxes", "time_s", "modality", "expected"),
    [
        ([KeyBox(1.0, LOW), KeyBox(1.2, HIGH)], 1.0, Modality.BODY, LOW),
        ([KeyBox(1.0, LOW), KeyBox(1.2, HIGH)], 1.1, Modality.BODY, Box(0.2, 0.1, 0.7, 0.6)),
        ([KeyBox(1.0, LOW)], 9.0, Modality.BODY, LOW),
        ([KeyBox(1.0, LOW), KeyBox(1.2, HIGH)], 1.1, Modality.FACE, None),
        ([KeyBox(1.0, LOW, None, LOW), KeyBox(1.2, HIGH)], 1.1, Modality.FACE, LOW),
        ([KeyBox(1.0, LOW, None, LOW), KeyBox(1.2, HIGH, None, HIGH)], 1.1, Modality.FACE, Box(0.2, 0.1, 0.7, 0.6)),
        ([KeyBox(1.0, LOW, None, LOW)], 2.0, Modality.FACE, None),
        ([KeyBox(1.0, LOW, HIGH)], 1.0, Modality.HEAD, HIGH),
        ([KeyBox(1.0, LOW, HIGH)], 1.0, Modality.TEXT, LOW),
        ([], 1.0, Modality.BODY, None),
    ],
    ids=["at one", "between", "far", "no face", "one face", "two faces", "face long ago", "head", "text", "nothing"],
)
def test_where_somebody_is(boxes: list[KeyBox], time_s: float, modality: Modality, expected: Box | None) -> None:
    found = box_at(boxes, time_s, modality)
    if expected is None or found is None:
        assert found is expected
    else:
        edges = [(one.x_min, one.y_min, one.x_max, one.y_max) for one in (found, expected)]
        np.testing.assert_allclose(*edges, atol=1e-6)


def changed(pack: Pack, name: str, **fields: object) -> Pack:
    models = [model.model_copy(update=fields) if model.name == name else model for model in pack.manifest.models]
    return Pack.of(pack.directory, pack.manifest.model_copy(update={"models": tuple(models)}))


def test_only_the_very_same_network_is_copied_from(tmp_path: Path) -> None:
    old = write_tiny_pack(tmp_path).pack
    assert set(ways_between(old, old).values()) == {Way.COPY}
    new = changed(old, "face_encoder", sha256="1" * 64)
    assert ways_between(old, new) == {Modality.FACE: Way.KEY_FRAME, Modality.BODY: Way.COPY, Modality.VOICE: Way.COPY}
    spec = old.model("face_encoder")
    assert spec.preprocessing is not None
    cut = changed(old, "face_encoder", preprocessing=spec.preprocessing.model_copy(update={"enlarge": 1.5}))
    assert ways_between(old, cut)[Modality.FACE] is Way.KEY_FRAME


def test_an_unknown_pack_is_not_copied_from(tmp_path: Path) -> None:
    new = write_tiny_pack(tmp_path).pack
    expected = {Modality.FACE: Way.KEY_FRAME, Modality.BODY: Way.KEY_FRAME, Modality.VOICE: Way.SOUND}
    assert ways_between(None, new) == expected
    models = tuple(
        model.model_copy(update={"preprocessing": None}) if model.modality is Modality.BODY else model
        for model in new.manifest.models
    )
    strange = PackManifest(name="strange", version="1", models=models)
    assert ways_between(None, Pack.of(tmp_path, strange)) == {
        Modality.FACE: Way.KEY_FRAME,
        Modality.BODY: Way.NONE,
        Modality.VOICE: Way.NONE,
    }


class Tones:
    """Knows a voice by its pitch; hears speech everywhere."""

    async def speech(self, samples: F32) -> F32:
        return np.ones(-(-samples.size // 160), np.float32)

    async def embed(self, clips: Sequence[F32], *, activity: Sequence[F32] | None = None) -> Embedded:
        assert activity is not None
        assert [one.size for one in activity] == [-(-clip.size // 160) for clip in clips]
        pitches = [np.abs(np.fft.rfft(clip, RATE)).argmax() for clip in clips]
        raw = np.eye(4, dtype=np.float32)[[int(pitch) // 200 % 4 for pitch in pitches]]
        return Embedded(raw, np.full(len(raw), 2.0, np.float32))


def film(path: Path, pitches: Sequence[int]) -> Path:
    """Two seconds of each tone, with a grey picture."""
    tone = np.concatenate([np.sin(2 * np.pi * pitch * np.arange(2 * RATE) / RATE) for pitch in pitches])
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        samples = (0.5 * tone * 32767).astype(np.int16)
        for at in range(0, samples.size, 1600):
            frame = av.AudioFrame.from_ndarray(samples[None, at : at + 1600], "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
            container.mux(sound.encode(frame))
        for _ in range(20 * len(pitches)):
            grey = np.full((48, 64, 3), 99, np.uint8)
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(pictures.encode(None))
    return path


def video_of(path: Path, digest: str | None = None) -> Video:
    known = digest or file_sha256(path)
    return Video("1" * 32, "town", path.as_uri(), VideoState.READY, 1, 1.0, known)


async def test_voices_are_heard_again_in_the_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices_module, "STEP_S", 1.0)
    video = video_of(film(tmp_path / "film.mkv", [250, 450, 650, 850]))
    speech = {
        "a": [SpeechSpan(0.5, 1.5), SpeechSpan(6.5, 7.0)],
        "b": [SpeechSpan(2.5, 3.5)],
        "c": [SpeechSpan(4.6, 5.4, 0.5)],
        "silent": [],
    }
    found = await FilmVoices(Tones(), logging.getLogger()).embed(video, speech)
    assert found.keys() == {"a", "b", "c"}
    np.testing.assert_allclose(found["b"].vector, [0, 0, 1, 0])
    np.testing.assert_allclose(found["c"].vector, [0, 0, 0, 1])
    # A second of one tone and half a second of another.
    np.testing.assert_allclose(found["a"].vector, np.array([0.5, 1, 0, 0]) / np.sqrt(1.25), atol=1e-6)
    assert found["a"].quality == pytest.approx(1.5 / 2.5)


async def test_a_film_that_is_gone_or_another_has_no_voices(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mkv", [250])
    hearing = FilmVoices(Tones(), logging.getLogger())
    speech = {"a": [SpeechSpan(0.5, 1.5)]}
    assert await hearing.embed(video_of(path, "e" * 64), speech) == {}
    gone = video_of(path)
    path.unlink()
    assert await hearing.embed(gone, speech) == {}


async def test_a_film_without_sound_has_no_voices(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(b"\0" * RATE)
    found = await FilmVoices(Tones(), logging.getLogger()).embed(video_of(path), {"a": [SpeechSpan(0.1, 0.4)]})
    assert found == {}
