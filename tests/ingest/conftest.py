"""A little cinema: films of coloured people made on the spot, and a network that sees exactly those colours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from packs.arrays import F32, U8
from packs.calibration import Calibration
from packs.detections import DetectionClass, Detections
from packs.spec import Modality

DIMENSION = 16
GRID = 3
CROP_SIZES = {Modality.FACE: (32, 32), Modality.BODY: (32, 16)}
TEXT_CROP = (32, 16)
# Far apart, so that a lossy codec cannot mix them up.
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (40, 40, 230), "yellow": (230, 220, 30)}


@dataclass(frozen=True)
class Walker:
    """A coloured rectangle of 60x160 px that walks; x(frame) is its left edge, y its upper one.

    `mouth` says how far their mouth is open in each frame of the film, float[frames] in [0, 1].
    """

    colour: str
    first: int
    last: int
    x0: float
    speed: float = 0.0
    y: float = 60.0
    mouth: tuple[float, ...] = ()

    def box(self, frame: int) -> tuple[int, int, int, int] | None:
        if not self.first <= frame < self.last:
            return None
        left = round(self.x0 + self.speed * (frame - self.first))
        return left, round(self.y), left + 60, round(self.y) + 160


@dataclass(frozen=True)
class Script:
    """A film: background grey levels change at the cuts."""

    frames: int
    cuts: tuple[int, ...] = ()
    walkers: tuple[Walker, ...] = ()
    size: tuple[int, int] = (480, 270)
    fps: int = 25

    def picture(self, frame: int) -> U8:
        shot = sum(frame >= cut for cut in self.cuts)
        width, height = self.size
        picture = np.full((height, width, 3), 70 + 110 * (shot % 2), dtype=np.uint8)
        # A little texture, different in each frame, so that seeking to the wrong frame shows.
        cv2.putText(picture, str(frame), (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (128, 128, 128), 2)
        for walker in self.walkers:
            box = walker.box(frame)
            if box is not None:
                cv2.rectangle(picture, box[:2], (box[2] - 1, box[3] - 1), COLOURS[walker.colour], -1)
                self._draw_face(picture, walker, box, frame)
        return picture

    def _draw_face(self, picture: U8, walker: Walker, box: tuple[int, int, int, int], frame: int) -> None:
        middle, top = (box[0] + box[2]) // 2, box[1] + 6
        for eye in (middle - 5, middle + 5):
            cv2.rectangle(picture, (eye - 1, top + 6), (eye + 1, top + 7), (20, 20, 20), -1)
        opened = round(6 * walker.mouth[frame]) if walker.mouth else 0
        if opened:
            cv2.rectangle(picture, (middle - 4, top + 13), (middle + 4, top + 12 + opened), (20, 20, 20), -1)


@dataclass(frozen=True)
class Track:
    """A sound track: float32[N] or float32[channels, N], and how it is stored; it begins `late_s` after the film."""

    samples: F32
    rate: int = 48_000
    codec: str = "aac"
    late_s: float = 0.0

    def write(self, container: Any, stream: Any) -> None:
        planes = np.atleast_2d(self.samples)
        kind = "s16p" if self.codec == "mp2" else "s16" if self.codec.startswith("pcm") else "fltp"
        step = 1024 if self.codec == "aac" else 1152
        for at in range(0, planes.shape[1], step):
            part = planes[:, at : at + step]
            if kind != "fltp":
                part = np.clip(part * 32767.0, -32768, 32767).astype(np.int16)
            if kind == "s16":
                part = part.T.reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(part), kind, "mono" if len(planes) == 1 else "stereo"
            )
            frame.sample_rate = self.rate
            frame.pts = at + round(self.late_s * self.rate)
            frame.time_base = Fraction(1, self.rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_film(
    path: Path, script: Script, *, gop: int = 12, codec: str = "libx264", tracks: Sequence[Track] = (), **options: str
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=script.fps, options={"crf": "16", "g": str(gop), **options})
        stream.width, stream.height = script.size
        stream.pix_fmt = "yuv420p"
        layouts = ["mono" if np.ndim(track.samples) == 1 else "stereo" for track in tracks]
        sounds = [
            container.add_stream(track.codec, rate=track.rate, layout=layout)
            for track, layout in zip(tracks, layouts, strict=True)
        ]
        for track, sound in zip(tracks, sounds, strict=True):
            track.write(container, sound)
        for number in range(script.frames):
            frame = av.VideoFrame.from_ndarray(script.picture(number), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@dataclass
class SeenEmbeddings:
    vectors: F32
    norms: F32


@dataclass
class ColourVision:
    """Finds the coloured rectangles, gives each a head and a face, and embeds by mean colour."""

    detect_calls: int = 0
    on_detect: Callable[[int], None] = field(default=lambda call: None)
    text_crop: tuple[int, int] = TEXT_CROP
    cut: list[Modality] = field(default_factory=list)

    async def detect(self, images: Sequence[U8], *, thresholds: Sequence[float] | None = None) -> list[Detections]:
        self.detect_calls += 1
        self.on_detect(self.detect_calls)
        await asyncio.sleep(0)
        return [self._one(image) for image in images]

    async def embed(self, modality: Modality, crops: U8) -> SeenEmbeddings:
        await asyncio.sleep(0)
        mean = crops.reshape(len(crops), -1, 3).mean(axis=1) / 255.0 - 0.45
        basis = np.random.default_rng(list(Modality).index(modality)).normal(size=(3, DIMENSION))
        raw = mean @ basis
        # As long as the usual crop's: all of these are clear.
        usual = np.full(len(crops), np.sqrt(DIMENSION), np.float32)
        return SeenEmbeddings((raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32), usual)

    def crop(self, modality: Modality, image: U8, box: F32) -> U8:
        height, width = image.shape[:2]
        x0, y0, x1, y1 = (int(value) for value in box)
        region = image[max(y0, 0) : min(y1, height), max(x0, 0) : min(x1, width)]
        self.cut.append(modality)
        rows, columns = self._size(modality)
        return np.asarray(cv2.resize(region, (columns, rows), interpolation=cv2.INTER_AREA))

    def alike(self, one: Modality, other: Modality) -> bool:
        return self._size(one) == self._size(other)

    def _size(self, modality: Modality) -> tuple[int, int]:
        return self.text_crop if modality is Modality.TEXT else CROP_SIZES[modality]

    def _one(self, image: U8) -> Detections:
        boxes: list[tuple[float, ...]] = []
        classes: list[int] = []
        sparse = np.ascontiguousarray(image[::GRID, ::GRID])
        for colour in COLOURS.values():
            low, high = np.clip(np.array(colour) - 60, 0, 255), np.clip(np.array(colour) + 60, 0, 255)
            near = cv2.inRange(sparse, low, high)
            rows, columns = np.flatnonzero(near.any(axis=1)) * GRID, np.flatnonzero(near.any(axis=0)) * GRID
            if rows.size * columns.size < 130:
                continue
            x0, x1, y0, y1 = columns[0], columns[-1] + GRID, rows[0], rows[-1] + GRID
            middle, size = (x0 + x1) / 2.0, (x1 - x0) / 2.0
            boxes += [(x0, y0, x1, y1), (middle - size / 2, y0, middle + size / 2, y0 + size)]
            boxes += [(middle - size / 3, y0 + size * 0.2, middle + size / 3, y0 + size * 0.9)]
            classes += [DetectionClass.PERSON, DetectionClass.HEAD, DetectionClass.FACE]
        found = np.array(boxes, dtype=np.float32).reshape(-1, 4)
        return Detections(found, np.full(len(found), 0.9, np.float32), np.array(classes, dtype=np.int32))


@dataclass
class ToneHearing:
    """Hears speech wherever it is loud, and knows voices by their pitch: a tone is a voice."""

    can_hear: bool = True
    threshold: float = 0.5
    speech_calls: int = 0
    on_speech: Callable[[int], None] = field(default=lambda call: None)

    async def speech(self, samples: F32) -> F32:
        self.speech_calls += 1
        self.on_speech(self.speech_calls)
        await asyncio.sleep(0)
        frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
        return (np.sqrt((frames**2).mean(axis=1)) > 0.05).astype(np.float32)

    async def embed(self, clips: Sequence[F32], *, activity: Sequence[F32] | None = None) -> SeenEmbeddings:
        await asyncio.sleep(0)
        pitches = [np.abs(np.fft.rfft(clip, 16_000)).argmax() for clip in clips]
        octaves = np.log2(np.maximum(pitches, 50) / 50.0)
        raw = np.exp(-8.0 * (octaves[:, None] - np.linspace(0.0, 5.0, DIMENSION)) ** 2) + 1e-6
        norms = np.linalg.norm(raw, axis=1)
        return SeenEmbeddings((raw / norms[:, None]).astype(np.float32), norms.astype(np.float32))


@pytest.fixture
def hearing() -> ToneHearing:
    return ToneHearing()


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    """Writes a film of a script and returns its path."""

    def make(script: Script, name: str = "film.mp4", **options: Any) -> Path:
        return write_film(tmp_path / name, script, **options)

    return make


@pytest.fixture
def script() -> type[Script]:
    return Script


@pytest.fixture
def walker() -> type[Walker]:
    return Walker


@pytest.fixture
def track() -> type[Track]:
    return Track


@pytest.fixture
def vision() -> ColourVision:
    return ColourVision()


@pytest.fixture
def calibration() -> dict[Modality, Calibration]:
    return {modality: Calibration(slope=12.0, intercept=-6.0) for modality in (*CROP_SIZES, Modality.VOICE)}


@pytest.fixture
def modalities() -> tuple[Modality, ...]:
    return (*CROP_SIZES, Modality.VOICE)


@pytest.fixture
def dimensions() -> dict[Modality, int]:
    return dict.fromkeys((*CROP_SIZES, Modality.VOICE), DIMENSION)
