"""Fit who speaks: ``python -m tools.fit_speakers --films DIR... --pack PACK``.

Films are of training or validation seeds (100 to 119, 2000 and up), never test films (9300 and up).
Each is taken through the pipeline up to the evidence of each piece of speech; pieces are the truth's lines, so that the
fit does not depend on the voice activity. Prints the weights for `SpeakerSettings` and how often the choice is right,
each film left out of the fit in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from packs.manifest import Pack
from services.backends.inference.local import LocalInferenceBackend
from services.backends.vision import VisionModels
from services.ingest.pipeline.clothes import Clothes
from services.ingest.pipeline.decode import VideoFile
from services.ingest.pipeline.encode import encode
from services.ingest.pipeline.hear import evidence_in
from services.ingest.pipeline.mouth_reader import MouthReader
from services.ingest.pipeline.relink import Relinker
from services.ingest.pipeline.settings import PipelineSettings
from services.ingest.pipeline.shots import read_chunks
from services.ingest.pipeline.speakers import EVIDENCE
from services.ingest.pipeline.track_shots import ShotTracker
from services.ingest.pipeline.utterances import Utterance
from services.ingest.pipeline.values import Fragment, Shot

PRIOR = np.array([0.2, -0.8, 2.9, 1.8, 0.6])
COLUMNS = len(EVIDENCE)
HOLD = 0.02
STEPS, RATE = 4000, 0.05


@dataclass(frozen=True)
class Choice:
    """One line: evidence float64[P, 4] of the people present, and who it is (P: nobody who can be seen)."""

    evidence: Any
    right: int


async def choices_of(folder: Path, vision: VisionModels, pack: Pack) -> list[Choice]:
    """The lines of a film, but for dubbed ones."""
    truth = json.loads((folder / "truth.json").read_text())
    settings, reader = PipelineSettings(), MouthReader.load()
    relinker = Relinker(pack.calibration, settings.relink)
    found: list[Choice] = []
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
                found += choices_in(shot, relinker.relink(shot), truth, reader)
    return found


def choices_in(shot: Shot, people: Sequence[Fragment], truth: Any, reader: MouthReader) -> list[Choice]:
    """The lines that lie in a shot."""
    low, high = shot.start.time_s - 0.1, shot.end.time_s + 0.1
    lines = [one for one in truth["speech"] if one["start_s"] >= low and one["end_s"] <= high and not one["dubbed"]]
    if not lines or shot.sound is None:
        return []
    pieces = [Utterance(one["start_s"], one["end_s"], 1.0) for one in lines]
    evidence, present = evidence_in(shot, people, pieces, reader)
    shown = [shown_in(person, truth) for person in people]
    made = []
    for line, rows, there in zip(lines, evidence, present, strict=True):
        chosen = np.flatnonzero(there > 0.0)
        names = [shown[person] for person in chosen]
        known = line["tracklet_id"] in names if line["tracklet_id"] else False
        made.append(Choice(rows[chosen], names.index(line["tracklet_id"]) if known else len(names)))
    return made


def shown_in(person: Fragment, truth: Any) -> str | None:
    """The truth's tracklet whose boxes a person shares most."""
    best, name = 0.4, None
    for tracklet in truth["tracklets"]:
        boxes = dict(zip(tracklet["frames"]["index"], tracklet["frames"]["person"], strict=True))
        shares = [_iou(point.person.box, boxes[k]) for point in person.points if (k := point.position.frame) in boxes]
        worth = sum(shares) / len(person.points)
        if worth > best:
            best, name = worth, tracklet["tracklet_id"]
    return name


def fit(choices: Sequence[Choice]) -> Any:
    """Weights float64[5], the last that of nobody, by gradient, held to what was believed before."""
    weights = PRIOR.copy()
    for _ in range(STEPS):
        slope = HOLD * len(choices) * (weights - PRIOR) / 10.0
        for one in choices:
            rows = _rows(one)
            slope += (_shares(rows @ weights) - (np.arange(len(rows)) == one.right)) @ rows
        weights -= RATE * slope / len(choices)
    return weights


def right(choices: Sequence[Choice], weights: Any) -> int:
    """How many lines find who speaks them."""
    return sum(int((_rows(one) @ weights).argmax()) == one.right for one in choices)


def _rows(one: Choice) -> Any:
    people = np.concatenate([one.evidence.reshape(-1, COLUMNS), np.zeros((len(one.evidence), 1))], axis=1)
    return np.concatenate([people, np.eye(COLUMNS + 1)[COLUMNS:]])


def _shares(worth: Any) -> Any:
    powers = np.exp(worth - worth.max())
    return powers / powers.sum()


def _iou(one: Any, other: Any) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    both = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return float(shared / (both - shared + 1e-9))


async def _read(folders: Sequence[Path], pack: Pack) -> list[list[Choice]]:
    backend = LocalInferenceBackend(pack, threads=1)
    try:
        vision = VisionModels(backend, pack)
        return [await choices_of(folder, vision, pack) for folder in folders]
    finally:
        await backend.aclose()


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", nargs="+", type=Path, required=True, help="folders with film.mp4 and truth.json")
    parser.add_argument("--pack", type=Path, default=Path("packs/demo"), help="whose detector and encoders are used")
    options = parser.parse_args(arguments)
    films = asyncio.run(_read(options.films, Pack.load(options.pack)))
    for number, film in enumerate(films):
        others = [one for k, rest in enumerate(films) if k != number for one in rest]
        left_out = right(film, fit(others)) if others else right(film, PRIOR)
        print(f"{options.films[number].name}: {left_out} of {len(film)} right, left out of the fit")
    everything = [one for film in films for one in film]
    weights = fit(everything)
    print(f"all: {right(everything, weights)} of {len(everything)} right")
    print("weights", np.round(weights[:COLUMNS], 2).tolist(), "off_screen", round(float(weights[COLUMNS]), 2))


if __name__ == "__main__":
    main()
