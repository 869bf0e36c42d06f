"""Search on the real sound code: a pack that hears, and one without voice, which serves pictures all the same."""

from __future__ import annotations

import io
import logging
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from packs.arrays import F32
from packs.spec import Modality
from packs.testing import DIMENSION, TinyPack, write_tiny_pack
from services.backends.hearing import HearingModels
from services.backends.index.fake import FakeIndex
from services.backends.inference.fake import FakeInferenceBackend
from services.backends.schemas import Appearance, AppearanceKind, EmbeddingRow, Gallery, SpeechSpan
from services.backends.vision import VisionModels
from services.backends.words import WordModels
from services.runtime.errors import NoSpeechError, UnsupportedModalityError
from services.search.fakes import FakeAssociations, FakeFusion
from services.search.handlers import SearchHandlers
from services.search.query import Query, QueryPart, RawEmbedding, Task, VoiceClip
from services.search.server import build_handlers
from services.search.settings import SearchSettings

SEEN, OFF = "1" * 32, "2" * 32


def backend_of(tiny: TinyPack) -> FakeInferenceBackend:
    return FakeInferenceBackend(
        tiny.pack.models,
        {
            "voice_activity": lambda inputs: {"speech": tiny.activity(np.asarray(inputs["windows"], np.float32))},
            "voice_encoder": lambda inputs: {"embedding": tiny.voice(np.asarray(inputs["windows"], np.float32))},
        },
    )


def noise(seed: int) -> F32:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, 24_000).astype(np.float32)


def a_wave(samples: F32) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return out.getvalue()


async def gallery_of(tiny: TinyPack, voice: F32 | None) -> FakeIndex:
    """A silent face, and speech off screen if there is a voice."""
    index = FakeIndex()
    await index.open(dict.fromkeys(tiny.pack.modalities, DIMENSION))
    await index.put_gallery(Gallery("town", 0.0))
    rows = {SEEN: (Modality.FACE, np.eye(DIMENSION, dtype=np.float32)[0])}
    if voice is not None:
        rows[OFF] = (Modality.VOICE, voice)
    for name, (modality, vector) in rows.items():
        place = (name, "town", "f" * 32)
        await index.put_embeddings(modality, [EmbeddingRow(*place, 0.0, 2.0, 1, 0.7, vector)])
        kind = AppearanceKind.SPEECH if name == OFF else AppearanceKind.TRACKLET
        speech = (SpeechSpan(0.0, 2.0),) if name == OFF else ()
        await index.put_appearances([Appearance(*place, kind, 0.0, 2.0, 1, (modality,), speech=speech)])
    return index


def handlers_of(tiny: TinyPack, index: FakeIndex, executor: ThreadPoolExecutor) -> SearchHandlers:
    backend = backend_of(tiny)
    vision, hearing, words = (
        VisionModels(backend, tiny.pack),
        HearingModels(backend, tiny.pack),
        WordModels(backend, tiny.pack),
    )
    fusion, logger = FakeFusion(tiny.pack.calibration), logging.getLogger("tests.search")
    return build_handlers(
        SearchSettings(answers={}),
        tiny.pack,
        index,
        vision,
        hearing,
        words,
        executor,
        FakeAssociations(),
        fusion,
        logger,
    )


async def test_a_clip_finds_what_sounds_like_it(tmp_path: Path, executor: ThreadPoolExecutor) -> None:
    tiny = write_tiny_pack(tmp_path)
    heard = await HearingModels(backend_of(tiny), tiny.pack).embed([noise(1)])
    handlers = handlers_of(tiny, await gallery_of(tiny, heard.vectors[0]), executor)
    clip = VoiceClip(a_wave(noise(1)))
    answer = await handlers.search(Query((QueryPart(clip),), "town", task=Task.HEARD), 10)
    assert [hit.appearance.appearance_id for hit in answer.hits] == [OFF]
    assert answer.hits[0].belief.chain[0].cosine == pytest.approx(1.0, abs=0.01)
    assert answer.voice_speech_s[0] == pytest.approx(1.5, abs=0.05)
    silence = VoiceClip(a_wave(np.zeros(24_000, np.float32)))
    with pytest.raises(NoSpeechError):
        await handlers.search(Query((QueryPart(silence),), "town", task=Task.HEARD), 10)


async def test_a_pack_without_voice_serves_pictures(tmp_path: Path, executor: ThreadPoolExecutor) -> None:
    tiny = write_tiny_pack(tmp_path, sound=False)
    handlers = handlers_of(tiny, await gallery_of(tiny, None), executor)
    face = RawEmbedding(Modality.FACE, np.eye(DIMENSION, dtype=np.float32)[0], tiny.pack.digest)
    answer = await handlers.search(Query((QueryPart(face),), "town"), 10)
    assert [hit.appearance.appearance_id for hit in answer.hits] == [SEEN]
    with pytest.raises(UnsupportedModalityError, match="searches by face, body"):
        await handlers.search(Query((QueryPart(VoiceClip(a_wave(noise(1)))),), "town"), 10)
