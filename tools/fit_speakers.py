"""Fit who speaks: ``python -m tools.fit_speakers --films DIR... --pack PACK``.

Films are of training or validation seeds (100 to 119, 2000 and up), never test films (9300 and up).
Each is taken through the pipeline up to the evidence of each piece of speech; pieces are the truth's lines, so that the
fit does not depend on the voice activity. Prints the weights for `SpeakerSettings` and how often the choice is right,
each film left out of the fit in turn.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from packs.manifest import Pack
from services.backends.inference.local import LocalInferenceBackend
from services.backends.speaking import SpeakingModels
from services.backends.vision import VisionModels
from services.ingest.pipeline.hear import Watching, evidence_in, watch
from services.ingest.pipeline.mouth_reader import MouthReader
from services.ingest.pipeline.utterances import Utterance
from services.ingest.pipeline.values import Fragment, Shot
from tools.film_shots import read_truth, shots_of, shown_in

# What was believed before, the last that of nobody; without an active-speaker network and with one.
PRIORS = {4: np.array([0.2, -0.8, 2.9, 1.8, 0.6]), 5: np.array([0.2, -0.8, 1.5, 0.9, 0.5, 0.6])}
HOLD = 0.02
STEPS, RATE = 4000, 0.05


@dataclass(frozen=True)
class Choice:
    """One line: evidence float64[P, K] of the people present, and who it is (P: nobody who can be seen)."""

    evidence: Any
    right: int


async def choices_of(folder: Path, vision: VisionModels, watching: SpeakingModels, pack: Pack) -> list[Choice]:
    """The lines of a film, but for dubbed ones."""
    truth, reader, found = read_truth(folder), MouthReader.load(), []
    async for shot, people in shots_of(folder, vision, pack):
        found += await choices_in(shot, people, truth, reader, watching)
    return found


async def choices_in(
    shot: Shot, people: Sequence[Fragment], truth: Any, reader: MouthReader, watching: Watching
) -> list[Choice]:
    """The lines that lie in a shot."""
    low, high = shot.start.time_s - 0.1, shot.end.time_s + 0.1
    lines = [one for one in truth["speech"] if one["start_s"] >= low and one["end_s"] <= high and not one["dubbed"]]
    if not lines or shot.sound is None:
        return []
    pieces = [Utterance(one["start_s"], one["end_s"], 1.0) for one in lines]
    watched = await watch(watching, shot.sound, people, pieces)
    evidence, present = evidence_in(shot, people, pieces, reader, watched)
    shown = [shown_in(person, truth) for person in people]
    made = []
    for line, rows, there in zip(lines, evidence, present, strict=True):
        chosen = np.flatnonzero(there > 0.0)
        names = [shown[person] for person in chosen]
        known = line["tracklet_id"] in names if line["tracklet_id"] else False
        made.append(Choice(rows[chosen], names.index(line["tracklet_id"]) if known else len(names)))
    return made


def fit(choices: Sequence[Choice]) -> Any:
    """Weights float64[K + 1], the last that of nobody, by gradient, held to what was believed before."""
    prior = PRIORS[choices[0].evidence.shape[1]]
    weights = prior.copy()
    for _ in range(STEPS):
        slope = HOLD * len(choices) * (weights - prior) / 10.0
        for one in choices:
            rows = _rows(one)
            slope += (_shares(rows @ weights) - (np.arange(len(rows)) == one.right)) @ rows
        weights -= RATE * slope / len(choices)
    return weights


def right(choices: Sequence[Choice], weights: Any) -> int:
    """How many lines find who speaks them."""
    return sum(int((_rows(one) @ weights).argmax()) == one.right for one in choices)


def _rows(one: Choice) -> Any:
    columns = one.evidence.shape[1]
    people = np.concatenate([one.evidence, np.zeros((len(one.evidence), 1))], axis=1)
    return np.concatenate([people, np.eye(columns + 1)[columns:]])


def _shares(worth: Any) -> Any:
    powers = np.exp(worth - worth.max())
    return powers / powers.sum()


async def _read(folders: Sequence[Path], pack: Pack) -> list[list[Choice]]:
    backend = LocalInferenceBackend(pack, threads=1)
    try:
        vision, watching = VisionModels(backend, pack), SpeakingModels(backend, pack)
        return [await choices_of(folder, vision, watching, pack) for folder in folders]
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
        weights = fit(others) if others else PRIORS[film[0].evidence.shape[1]]
        left_out = right(film, weights)
        print(f"{options.films[number].name}: {left_out} of {len(film)} right, left out of the fit")
    everything = [one for film in films for one in film]
    weights = fit(everything)
    print(f"all: {right(everything, weights)} of {len(everything)} right")
    print("weights", np.round(weights[:-1], 2).tolist(), "off_screen", round(float(weights[-1]), 2))


if __name__ == "__main__":
    main()
