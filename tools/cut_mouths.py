"""Cut what the active-speaker network learns from: ``python -m tools.cut_mouths --films DIR... --out DIR``.

Each film is taken through the pipeline. Of each person of each shot the small grey faces at the film's own rate are
kept as ingest sees them, with who speaks by the truth, and the sound of the shot; also the lines of the film, and what
the mouth, its movement and the size of the face say of each person who is in the picture, so that the network can be
compared with them. One npz a film, layout in `training.data.mouths`. What is there already is not cut again.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from packs.manifest import Pack
from services.backends.inference.local import LocalInferenceBackend
from services.backends.vision import VisionModels
from services.ingest.pipeline.hear import evidence_in
from services.ingest.pipeline.mouth_reader import MouthReader
from services.ingest.pipeline.utterances import Utterance
from services.ingest.pipeline.values import Fragment, MouthSeen, Shot
from tools.film_shots import read_truth, shots_of, shown_in

UNKNOWN = -1
LEAST_LOOKS = 5
# Rows and columns of a patch in which a mouth moves.
LOWER = slice(28, 52), slice(8, 32)


class Cut:
    """Gathers the columns of one film's file."""

    def __init__(self, truth: Any) -> None:
        self._truth = truth
        self._columns: dict[str, list[Any]] = {}
        self._persons = self._shots = self._samples = self._lines = 0

    def take(self, shot: Shot, people: Sequence[Fragment], reader: MouthReader) -> None:
        """Take in a shot that has sound."""
        if shot.sound is None:
            return
        names = [shown_in(person, self._truth) for person in people]
        self._add("sound", np.rint(np.clip(shot.sound.samples, -1.0, 1.0) * 32767.0).astype(np.int16))
        self._add("sound_start_s", [shot.sound.start_s])
        self._add("sound_first", [self._samples])
        self._samples += len(shot.sound.samples)
        self._take_lines(shot, people, names, reader)
        for name, person in zip(names, people, strict=True):
            self._take_person(name, person.mouths)
        self._shots += 1

    def columns(self) -> dict[str, Any]:
        """All columns, as they are stored."""
        return {name: np.concatenate(parts) for name, parts in self._columns.items()}

    def _take_person(self, name: str | None, mouths: Sequence[MouthSeen]) -> None:
        if mouths:
            times = np.array([seen.time_s for seen in mouths])
            self._add("patches", np.stack([seen.patch for seen in mouths]))
            self._add("times_s", times)
            self._add("speaking", self._speaking(name, times))
            self._add("person", np.full(len(mouths), self._persons))
            self._add("shot", np.full(len(mouths), self._shots))
        self._persons += 1

    def _speaking(self, name: str | None, times: Any) -> Any:
        """int8[N]: 1 speaks, 0 does not, -1 nobody could say: of an unknown person, or a mouth that is dubbed."""
        if name is None:
            return np.full(len(times), UNKNOWN, np.int8)
        said = np.zeros(len(times), np.int8)
        for line in self._truth["speech"]:
            if line["mouth_tracklet_id"] == name:
                inside = (times >= line["start_s"]) & (times < line["end_s"])
                said[inside] = UNKNOWN if line["dubbed"] else 1
        return said

    def _take_lines(self, shot: Shot, people: Sequence[Fragment], names: Sequence[str | None], reader: Any) -> None:
        low, high = shot.start.time_s - 0.1, shot.end.time_s + 0.1
        lines = [one for one in self._truth["speech"] if one["start_s"] >= low and one["end_s"] <= high]
        if not lines or not people:
            return
        pieces = [Utterance(one["start_s"], one["end_s"], 1.0) for one in lines]
        evidence, present = evidence_in(shot, people, pieces, reader)
        for number, line in enumerate(lines):
            for place in np.flatnonzero(present[number] > 0.0).tolist():
                self._add_candidate(line, people[place], names[place], self._persons + place, evidence[number, place])
            self._lines += 1

    def _add_candidate(self, line: Any, person: Fragment, name: str | None, number: int, evidence: Any) -> None:
        """One person who is in the picture while a line is said."""
        looks = [seen for seen in person.mouths if line["start_s"] <= seen.time_s < line["end_s"]]
        self._add("line", [self._lines])
        self._add("line_span_s", [[line["start_s"], line["end_s"]]])
        self._add("line_dubbed", [line["dubbed"]])
        self._add("line_person", [number])
        self._add("line_right", [name is not None and name == line["tracklet_id"]])
        self._add("line_evidence", [evidence])
        seen = len(looks) >= LEAST_LOOKS
        self._add("line_face_px", [float(np.mean([one.height_px for one in looks])) if seen else 0.0])
        self._add("line_motion", [_motion(looks) if seen else 0.0])

    def _add(self, name: str, values: Any) -> None:
        self._columns.setdefault(name, []).append(np.asarray(values))


def _motion(looks: Sequence[MouthSeen]) -> float:
    """How much the lower face changes from look to look, in shares of the face's contrast."""
    faces = np.stack([one.patch for one in looks]).astype(np.float32)
    moved = np.abs(np.diff(faces[:, *LOWER], axis=0)).mean()
    return float(moved / max(float(faces.std(axis=(1, 2)).mean()), 1.0))


async def cut(folder: Path, vision: VisionModels, pack: Pack, out: Path) -> None:
    """Cut a film."""
    reader, made = MouthReader.load(), Cut(read_truth(folder))
    async for shot, people in shots_of(folder, vision, pack):
        made.take(shot, people, reader)
    partial = out.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **made.columns())
    partial.replace(out)


async def _cut_all(folders: Sequence[Path], pack: Pack, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    backend = LocalInferenceBackend(pack, threads=1)
    try:
        vision = VisionModels(backend, pack)
        for folder in folders:
            target = out / f"{folder.name}.npz"
            if not target.exists():
                await cut(folder, vision, pack, target)
            print(f"{target}", flush=True)
    finally:
        await backend.aclose()


def main(arguments: Sequence[str] | None = None) -> None:
    """Cut films."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", nargs="+", type=Path, required=True, help="folders with film.mp4 and truth.json")
    parser.add_argument("--pack", type=Path, default=Path("packs/demo"), help="whose detector and encoders are used")
    parser.add_argument("--out", type=Path, required=True, help="folder of the npz files")
    options = parser.parse_args(arguments)
    asyncio.run(_cut_all(options.films, Pack.load(options.pack), options.out))


if __name__ == "__main__":
    main()
