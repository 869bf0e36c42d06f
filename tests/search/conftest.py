"""A small world: painted portraits, an index in the process, edges and fusion that a test can break."""

from __future__ import annotations

import hashlib
import io
import logging
import wave
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import numpy as np
import pytest
from PIL import Image, ImageDraw

from packs.calibration import Calibration
from packs.manifest import Pack, PackManifest, TextSettings
from packs.sound import SAMPLE_RATE
from packs.spec import Modality, ModelSpec, Preprocessing, TensorSpec, WordPreprocessing
from personsearch.v1.person_search_service_pb2_grpc import PersonSearchServiceStub
from services.backends.index.fake import FakeIndex
from services.backends.schemas import (
    Appearance,
    AppearanceKind,
    Box,
    EmbeddingRow,
    Gallery,
    KeyBox,
    SpeechSpan,
    Video,
    VideoState,
)
from services.runtime.server import GrpcServer
from services.runtime.settings import ServerSettings
from services.search.fakes import ColourWords, FakeAssociations, FakeFusion, PaintedVision, ToneHearing
from services.search.handlers import SearchHandlers
from services.search.listing import AppearanceLister
from services.search.server import build_handlers
from services.search.servicer import mounted
from services.search.settings import SearchSettings

DIMENSION = 16
GALLERY = "town"
FACE = Calibration(slope=20.0, intercept=-10.0)
BODY = Calibration(slope=20.0, intercept=-12.0)
VOICE = Calibration(slope=20.0, intercept=-10.0)
TEXT = Calibration(slope=20.0, intercept=-12.0)


def a_pack(*, text: bool = True, calibrated: bool = True) -> Pack:
    def encoder(modality: Modality) -> ModelSpec:
        return ModelSpec(
            name=f"{modality}_encoder",
            modality=modality,
            file=f"{modality}.onnx",
            sha256="0" * 64,
            inputs=(TensorSpec(name="crop", dtype="UINT8", shape=(8, 8, 3)),),
            outputs=(TensorSpec(name="embedding", dtype="FP32", shape=(DIMENSION,)),),
            max_batch=4,
            preprocessing=Preprocessing(kind="stretch", height=8, width=8),
            embedding_dim=DIMENSION,
        )

    reads = ModelSpec(
        name="words",
        file="words.onnx",
        sha256="0" * 64,
        inputs=(TensorSpec(name="tokens", dtype="INT32", shape=(8,)),),
        outputs=(TensorSpec(name="embedding", dtype="FP32", shape=(DIMENSION,)),),
        max_batch=4,
        preprocessing=WordPreprocessing(kind="words", length=8, vocabulary="v.json", vocabulary_sha256="0" * 64),
        embedding_dim=DIMENSION,
    )
    known = {Modality.FACE: FACE, Modality.BODY: BODY, Modality.VOICE: VOICE, Modality.TEXT: TEXT}
    made = [modality for modality in known if text or modality is not Modality.TEXT]
    manifest = PackManifest(
        name="tiny",
        version="1",
        models=(*map(encoder, made), *([reads] if text else [])),
        text=TextSettings(model="words") if text else None,
        calibration={one: known[one] for one in made if calibrated or one is not Modality.TEXT},
    )
    return Pack.of(Path("/nowhere"), manifest)


@dataclass
class World:
    """What is stored, and the means to store more."""

    settings: SearchSettings
    index: FakeIndex = field(default_factory=FakeIndex)
    associations: FakeAssociations = field(default_factory=FakeAssociations)
    pack: Pack = field(default_factory=a_pack)

    def __post_init__(self) -> None:
        self.fusion = FakeFusion(self.pack.calibration)
        self.vision = PaintedVision(self.face)
        self.hearing = ToneHearing(self.voice)
        self.words = ColourWords(self.look, can_read=self.pack.text_model is not None)

    @staticmethod
    def face(number: int) -> np.ndarray:
        """A face; two of different numbers below D are at right angles."""
        vector = np.zeros(DIMENSION, np.float32)
        vector[number % DIMENSION] = 1.0
        return vector

    @staticmethod
    def body(number: int) -> np.ndarray:
        """An outfit, in a space of its own."""
        return World.face(number + 5)

    @staticmethod
    def voice(number: int) -> np.ndarray:
        """A voice, in a space of its own."""
        return World.face(number + 9)

    @staticmethod
    def look(number: int) -> np.ndarray:
        """Clothes as words tell them, in a space of its own."""
        return World.face(number + 2)

    @staticmethod
    def clip(*pieces: tuple[int | None, float]) -> bytes:
        """A WAV file of voices one after the other: (who, or None for silence, seconds)."""
        sounds = [
            np.zeros(round(seconds * SAMPLE_RATE), np.float32) if who is None else ToneHearing.tone(who, seconds)
            for who, seconds in pieces
        ]
        samples = np.concatenate(sounds)
        encoded = io.BytesIO()
        with wave.open(encoded, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes((samples * 32767).astype("<i2").tobytes())
        return encoded.getvalue()

    @staticmethod
    def between(one: np.ndarray, other: np.ndarray, cosine: float) -> np.ndarray:
        """The unit vector at that cosine to `one`, towards `other`, which is at right angles to it."""
        return (cosine * one + np.sqrt(1.0 - cosine**2) * other).astype(np.float32)

    @staticmethod
    def painted(*faces: tuple[int, tuple[int, int, int, int]], size: tuple[int, int] = (200, 160)) -> bytes:
        """A PNG with faces: (who, (x0, y0, x1, y1) in pixels)."""
        picture = Image.new("RGB", size, (20, 20, 20))
        draw = ImageDraw.Draw(picture)
        for who, (x0, y0, x1, y1) in faces:
            draw.rectangle((x0, y0, x1 - 1, y1 - 1), fill=(who, 255, 0))
        encoded = io.BytesIO()
        picture.save(encoded, "PNG")
        return encoded.getvalue()

    @staticmethod
    def portrait(who: int) -> bytes:
        """A picture of one face."""
        return World.painted((who, (60, 40, 120, 110)))

    @staticmethod
    def an_id(name: str) -> str:
        """32 hexadecimal digits for a readable name."""
        return hashlib.sha256(name.encode()).hexdigest()[:32]

    async def open(self) -> None:
        await self.index.open(dict.fromkeys(self.pack.modalities, DIMENSION))
        await self.index.put_gallery(Gallery(GALLERY, 0.0))

    async def put_video(self, name: str, gallery: str = GALLERY, **changes: object) -> str:
        video = Video(self.an_id(name), gallery, f"/{name}.mp4", VideoState.READY, 1, 0.0, "0" * 64, duration_s=600.0)
        await self.index.put_video(video.with_changes(**changes))
        return video.video_id

    async def put(
        self,
        name: str,
        *,
        face: np.ndarray | None = None,
        body: np.ndarray | None = None,
        voice: np.ndarray | None = None,
        look: np.ndarray | None = None,
        heard: tuple[SpeechSpan, ...] = (),
        kind: AppearanceKind = AppearanceKind.TRACKLET,
        video: str = "film",
        span: tuple[float, float] = (0.0, 1.0),
        gallery: str = GALLERY,
        quality: float = 1.0,
        committed: bool = True,
    ) -> str:
        """Store an appearance, with a voice one that speaks all the time, or `heard`; returns its id."""
        vectors = {Modality.FACE: face, Modality.BODY: body, Modality.VOICE: voice, Modality.TEXT: look}
        held = {modality: vector for modality, vector in vectors.items() if vector is not None}
        place = (self.an_id(name), gallery, self.an_id(video))
        for modality, vector in held.items():
            await self.index.put_embeddings(modality, [EmbeddingRow(*place, *span, 1, quality, vector)])
        box = KeyBox(span[0], Box(0.1, 0.1, 0.5, 0.9), face=Box(0.2, 0.1, 0.3, 0.2))
        boxes, uri = ((box,), f"file:///m/{name}.jpg") if kind is AppearanceKind.TRACKLET else ((), "")
        speech = heard or ((SpeechSpan(*span),) if voice is not None else ())
        row = Appearance(*place, kind, *span, 1, tuple(held), boxes, uri, span[0], speech)
        if committed:
            await self.index.put_appearances([row])
        return row.appearance_id

    def handlers(self, executor: ThreadPoolExecutor, **changes: object) -> SearchHandlers:
        settings = self.settings.model_copy(update=changes)
        return build_handlers(
            settings,
            self.pack,
            self.index,
            self.vision,
            self.hearing,
            self.words,
            executor,
            self.associations,
            self.fusion,
            logging.getLogger("tests.search"),
        )


@pytest.fixture
def make_pack() -> Callable[..., Pack]:
    """Makes the world's pack, without a text pair or without its calibration where that is asked for."""
    return a_pack


@pytest.fixture
async def world() -> World:
    made = World(SearchSettings(answers={}))
    await made.open()
    return made


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


@pytest.fixture
async def stub(world: World, executor: ThreadPoolExecutor) -> AsyncIterator[PersonSearchServiceStub]:
    """A client of a real server on the world."""
    server = GrpcServer(
        ServerSettings(reflection=False),
        "127.0.0.1:0",
        [mounted(world.handlers(executor), AppearanceLister(world.index, world.settings.max_key_boxes))],
        {},
        logging.getLogger("tests.search"),
    )
    await server.start()
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield PersonSearchServiceStub(channel)
    await server.stop(0.0)
