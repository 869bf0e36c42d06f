"""Films with known truth, taken through the pipeline shot by shot, for what is fitted on them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from packs.manifest import Pack
from services.backends.vision import VisionModels
from services.ingest.pipeline.clothes import Clothes
from services.ingest.pipeline.decode import VideoFile
from services.ingest.pipeline.encode import encode
from services.ingest.pipeline.relink import Relinker
from services.ingest.pipeline.settings import PipelineSettings
from services.ingest.pipeline.shots import read_chunks
from services.ingest.pipeline.track_shots import ShotTracker
from services.ingest.pipeline.values import Fragment, Shot

__all__ = ["read_truth", "shots_of", "shown_in"]

# A person shows a tracklet of the truth from this mean overlap on.
LEAST_SHARE = 0.4


def read_truth(folder: Path) -> Any:
    """The truth of a film, as it is in the file."""
    return json.loads((folder / "truth.json").read_text())


async def shots_of(folder: Path, vision: VisionModels, pack: Pack) -> AsyncIterator[tuple[Shot, list[Fragment]]]:
    """The shots of a film with their sound, and the people in each as they would be stored."""
    settings = PipelineSettings()
    relinker = Relinker(pack.calibration, settings.relink)
    with VideoFile(folder / "film.mp4", threads=1, with_sound=True) as file:
        clothes = Clothes(vision, pack.modalities, pack.calibration, settings.tracker.evidence_share)
        tracker = ShotTracker(vision.crop, pack.modalities, file.frame_s, settings, clothes.alike)
        scores = settings.tracker
        thresholds = (scores.face_score, scores.head_score, scores.low_score)
        for chunk in read_chunks(file.frames(), file.frame_s, settings.decode, file.sound):
            detected = await vision.detect([one.image for one in chunk.frames], thresholds=thresholds)
            shot = tracker.take(chunk, detected, await clothes.look(chunk.frames, detected))
            if shot is not None:
                await encode(vision, shot.fragments)
                yield shot, list(relinker.relink(shot))


def shown_in(person: Fragment, truth: Any) -> str | None:
    """The truth's tracklet whose boxes a person shares most."""
    best, name = LEAST_SHARE, None
    for tracklet in truth["tracklets"]:
        boxes = dict(zip(tracklet["frames"]["index"], tracklet["frames"]["person"], strict=True))
        shares = [_iou(point.person.box, boxes[k]) for point in person.points if (k := point.position.frame) in boxes]
        worth = sum(shares) / len(person.points)
        if worth > best:
            best, name = worth, tracklet["tracklet_id"]
    return name


def _iou(one: Any, other: Any) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    both = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return float(shared / (both - shared + 1e-9))
