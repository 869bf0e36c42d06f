"""How well people are followed: ``python -m benchmarks.tracking --films DIR... [--pack DIR]``.

Runs the stages of ingest from decoding to re-linking on SynthCast films, without stores, and compares with the truth.
Without a pack the detections are the truth's own boxes with noise, misses, and false alarms, and nothing is embedded:
that measures the tracker alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from evaluation.following import follow
from evaluation.predictions import predicted_tracklets
from evaluation.truth import Film, load_film
from packs.arrays import F32, U8
from packs.calibration import Calibration
from packs.detections import DetectionClass, Detections, suppress
from packs.manifest import Pack
from packs.spec import Modality
from services.backends.inference.local import LocalInferenceBackend
from services.backends.schemas import Appearance, Video, VideoState
from services.backends.vision import VisionModels
from services.ingest.pipeline.appearances import appearances_of
from services.ingest.pipeline.clothes import Clothes
from services.ingest.pipeline.colours import similarity
from services.ingest.pipeline.decode import VideoFile
from services.ingest.pipeline.encode import Vision, encode
from services.ingest.pipeline.relink import Relinker
from services.ingest.pipeline.settings import PipelineSettings
from services.ingest.pipeline.shots import read_chunks
from services.ingest.pipeline.track_shots import ShotTracker
from services.ingest.pipeline.values import Chunk
from services.search.converters import appearance_to_proto


class Detector(Protocol):
    """Finds people in the frames of a chunk."""

    async def detect(self, chunk: Chunk) -> Sequence[Detections]:
        """Detections of each frame."""
        ...


class NoisyTruth:
    """The truth as a detector of middling quality would see it."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self._people: dict[int, list[tuple[F32, float]]] = {}
        for tracklet in json.loads((folder / "truth.json").read_text())["tracklets"]:
            frames = tracklet["frames"]
            for index, box, visibility in zip(frames["index"], frames["person"], frames["visibility"], strict=True):
                if box is not None:
                    self._people.setdefault(index, []).append((np.array(box, np.float32), visibility))

    async def detect(self, chunk: Chunk) -> Sequence[Detections]:
        """Jittered boxes; the less of a person can be seen, the lower the score, and now and then none at all."""
        return [self._frame(frame.position.frame) for frame in chunk.frames]

    def _frame(self, index: int) -> Detections:
        boxes, scores = [], []
        for box, visibility in self._people.get(index, []):
            size = np.tile(box[2:] - box[:2], 2)
            if self._random.random() < 0.05 or size.min() < 12:
                continue
            boxes.append(box + self._random.normal(0.0, 0.03, 4).astype(np.float32) * size)
            scores.append(float(np.clip(0.95 * visibility + self._random.normal(0.0, 0.1), 0.0, 1.0)))
        if self._random.random() < 0.05:
            corner = self._random.uniform((0, 0), (1100, 500))
            boxes.append(np.concatenate([corner, corner + self._random.uniform(60, 200, 2)]).astype(np.float32))
            scores.append(float(self._random.uniform(0.2, 0.6)))
        found, ranked = np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32)
        keep = suppress(found, ranked, 0.6)
        classes = np.full(len(keep), int(DetectionClass.PERSON), np.int32)
        return Detections(found[keep], ranked[keep], classes)


class PackDetector:
    """The detector of a pack."""

    def __init__(self, vision: VisionModels, settings: PipelineSettings) -> None:
        self._vision = vision
        scores = settings.tracker
        self._thresholds = (scores.face_score, scores.head_score, scores.low_score)

    async def detect(self, chunk: Chunk) -> Sequence[Detections]:
        """Detections of each frame."""
        return await self._vision.detect([frame.image for frame in chunk.frames], thresholds=self._thresholds)


def no_crop(modality: Modality, image: U8, box: F32) -> U8:
    """Stand in for the cutter where nothing is embedded."""
    raise AssertionError(f"nothing is embedded, yet a crop of {modality} was asked for")


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one film."""

    film: str
    tracklet_recall: float
    identity_switch_rate: float
    truth_count: int
    switch_count: int
    predicted_count: int
    times_real_time: float


async def analyse(
    film: Film, detector: Detector, vision: Vision | None, pack: Pack | None, settings: PipelineSettings
) -> list[Appearance]:
    """Run the stages one after the other over a film."""
    modalities = () if pack is None else pack.modalities
    calibration: dict[Modality, Calibration] = {} if pack is None else dict(pack.calibration)
    video = Video("0" * 32, "bench", film.path.as_uri(), VideoState.INGESTING, 1, 0.0, "")
    relinker = Relinker(calibration, settings.relink)
    found: list[Appearance] = []
    with VideoFile(film.path) as file:
        cut = no_crop if vision is None else vision.crop
        clothes = None if vision is None else Clothes(vision, modalities, calibration, settings.tracker.evidence_share)
        alike = similarity if clothes is None else clothes.alike
        tracker = ShotTracker(cut, modalities, file.frame_s, settings, alike)
        for chunk in read_chunks(file.frames(), file.frame_s, settings.decode):
            detected = await detector.detect(chunk) if chunk.frames else []
            worn = None if clothes is None else await clothes.look(chunk.frames, detected)
            shot = tracker.take(chunk, detected, worn)
            if shot is None:
                continue
            if vision is not None:
                await encode(vision, shot.fragments)
            people = relinker.relink(shot)
            found += [one.row for one in appearances_of(video, shot, people, settings.observations)]
    return found


async def measure(folder: Path, pack: Pack | None, settings: PipelineSettings, threads: int) -> Measured:
    """Analyse a film and compare it with its truth."""
    film = load_film(folder)
    started = time.perf_counter()
    if pack is None:
        found = await analyse(film, NoisyTruth(folder), None, None, settings)
    else:
        backend = LocalInferenceBackend(pack, threads=threads)
        vision = VisionModels(backend, pack)
        found = await analyse(film, PackDetector(vision, settings), vision, pack, settings)
        await backend.aclose()
    took_s = time.perf_counter() - started
    followed = follow(film, predicted_tracklets([appearance_to_proto(one) for one in found], film))
    return Measured(
        film=film.name,
        tracklet_recall=followed.covered_count / max(followed.truth_count, 1),
        identity_switch_rate=followed.switch_count / max(followed.truth_count, 1),
        truth_count=followed.truth_count,
        switch_count=followed.switch_count,
        predicted_count=followed.predicted_count,
        times_real_time=film.duration_s / took_s,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure films and print a line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--films", nargs="+", type=Path, required=True, help="folders made by `python -m synthetic render`"
    )
    parser.add_argument("--pack", type=Path, help="a model pack; without one the truth's boxes with noise are tracked")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of the networks")
    options: Any = parser.parse_args(arguments)
    pack = None if options.pack is None else Pack.load(options.pack)
    for folder in options.films:
        measured = asyncio.run(measure(folder, pack, PipelineSettings(), options.threads))
        print(json.dumps({name: getattr(measured, name) for name in Measured.__dataclass_fields__}))


if __name__ == "__main__":
    main()
