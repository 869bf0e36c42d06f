"""Renders a whole film: shots in parallel, sound, things to search with, one video file and one truth file."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2

from synthetic.film.joining import blend_dissolves, join, pieces
from synthetic.film.queries import write_queries
from synthetic.film.script import FilmSpec, Script, write_script
from synthetic.film.shoot import read_notes, shoot, shot_files
from synthetic.film.truth_file import build_truth, write_truth
from synthetic.lens import Lens
from synthetic.renderer import Renderer
from synthetic.sound.scene import Speech, mix, schedule_speech
from synthetic.types import WORLD_VERSION, generator
from synthetic.workers import share

PARTS: Final = ".parts"


def render_film(
    spec: FilmSpec,
    out: Path,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    portraits: int = 2,
) -> Path:
    """Render a film into `out` (film.mp4, truth.json, queries/); an unfinished run is resumed shot by shot.

    Args:
        spec: what to film.
        out: folder, made when missing.
        workers: processes that draw shots.
        progress: called with frames done and frames in all.
        portraits: query pictures of each person.

    Returns:
        The path of the truth file, which is written last.
    """
    script = write_script(spec)
    parts = out / PARTS / f"w{WORLD_VERSION}-{spec.cast_seed}-{spec.seed}-{spec.identities}-{spec.frames}"
    parts.mkdir(parents=True, exist_ok=True)
    speeches = schedule_speech(script)
    done = 0
    for number in _shoot_all(script, speeches, parts, workers):
        done += script.shots[number].end - script.shots[number].start
        if progress:
            progress(done, spec.frames)
    blend_dissolves(script, parts)
    join(pieces(script, parts), mix(script, speeches), out / "film.mp4")
    queries = write_queries(script, speeches, out / "queries", portraits)
    observed = {shot.number: read_notes(shot_files(parts, shot)[1]) for shot in script.shots}
    write_truth(build_truth(script, observed, speeches, queries), out / "truth.json")
    shutil.rmtree(out / PARTS)
    return out / "truth.json"


def _shoot_all(script: Script, speeches: list[Speech], parts: Path, workers: int) -> Iterator[int]:
    missing = [shot.number for shot in script.shots if not shot_files(parts, shot)[1].exists()]
    yield from sorted({shot.number for shot in script.shots} - set(missing))
    yield from share(_ShotWork(script, speeches, parts), missing, workers)


@dataclass(frozen=True, slots=True)
class _ShotWork:
    script: Script
    speeches: list[Speech]
    parts: Path

    def __call__(self, numbers: list[int]) -> Iterator[int]:
        if not numbers:
            return
        cv2.setNumThreads(1)
        spec = self.script.spec
        lens = Lens(generator(spec.cast_seed, spec.seed, 502))
        with Renderer() as renderer:
            for number in numbers:
                shoot(renderer, lens, self.script, self.script.shots[number], self.speeches, self.parts)
                yield number
