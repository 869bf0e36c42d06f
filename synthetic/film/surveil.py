"""Renders what the fixed cameras of a site film: an ordinary film folder for each camera, resumable piece by piece."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2

from synthetic.film.joining import join
from synthetic.film.queries import write_queries
from synthetic.film.render import PARTS
from synthetic.film.script import FPS, FilmSpec
from synthetic.film.shoot import Scenery, Span, read_notes, shoot_span
from synthetic.film.site import SiteFilm, plan_site
from synthetic.film.speaking import Talking
from synthetic.film.truth_file import Json, build_truth, write_truth
from synthetic.lens import Lens
from synthetic.renderer import Renderer
from synthetic.sound.scene import mix
from synthetic.types import WORLD_VERSION, generator
from synthetic.workers import share

PIECE_FRAMES: Final = 8 * FPS


def render_site(
    spec: FilmSpec,
    cameras: int,
    out: Path,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    portraits: int = 2,
) -> list[Path]:
    """Render the films of a site into `out`/cam0, cam1, ...; a camera that is done is left as it is.

    The cameras record the sound of their rooms, but nobody speaks before them.

    Returns:
        The truth files, in order of the cameras.
    """
    films = plan_site(spec, cameras)
    done = 0
    for number, film in enumerate(films):
        folder = out / f"cam{number}"
        for frames in _film(film, number, folder, workers, portraits):
            done += frames
            if progress:
                progress(done, spec.frames * cameras)
    return [out / f"cam{number}" / "truth.json" for number in range(cameras)]


def _film(film: SiteFilm, number: int, folder: Path, workers: int, portraits: int) -> Iterator[int]:
    """Render one camera; yields frames as they are done."""
    spec = film.script.spec
    if _is_done(film, folder / "truth.json"):
        yield spec.frames
        return
    key = f"w{WORLD_VERSION}-{spec.cast_seed}-{spec.seed}-{spec.identities}-{spec.frames}-cam{number}"
    parts = folder / PARTS / key
    parts.mkdir(parents=True, exist_ok=True)
    pieces = [
        (parts / f"p{k:04d}.mp4", start, min(start + PIECE_FRAMES, spec.frames))
        for k, start in enumerate(range(0, spec.frames, PIECE_FRAMES))
    ]
    missing = [k for k, (video, _, _) in enumerate(pieces) if not video.with_suffix(".json").exists()]
    yield sum(end - start for k, (_, start, end) in enumerate(pieces) if k not in missing)
    for k in share(_PieceWork(film, number, parts, pieces), missing, workers):
        yield pieces[k][2] - pieces[k][1]
    join(pieces, mix(film.script, []), folder / "film.mp4")
    queries = write_queries(film.script, [], folder / "queries", portraits)
    observed = {0: [row for video, _, _ in pieces for row in read_notes(video.with_suffix(".json"))]}
    write_truth(build_truth(film.script, observed, [], queries, film.where), folder / "truth.json")
    shutil.rmtree(folder / PARTS)


def _is_done(film: SiteFilm, path: Path) -> bool:
    if not path.exists():
        return False
    truth: Json = json.loads(path.read_text())
    wanted = {**film.where.to_json(), "seed": film.script.spec.seed, "frames": film.script.spec.frames}
    have = truth["film"]
    return bool(truth["world_version"] == WORLD_VERSION) and all(have.get(k) == v for k, v in wanted.items())


@dataclass(frozen=True, slots=True)
class _PieceWork:
    film: SiteFilm
    number: int
    parts: Path
    pieces: list[tuple[Path, int, int]]

    def __call__(self, numbers: list[int]) -> Iterator[int]:
        if not numbers:
            return
        cv2.setNumThreads(1)
        spec = self.film.script.spec
        lens = Lens(generator(spec.cast_seed, spec.seed, 502))
        with Renderer() as renderer:
            scenery = Scenery(renderer, lens, self.film.script, self.film.take)
            for k in numbers:
                video, start, end = self.pieces[k]
                rng = generator(spec.cast_seed, spec.seed, 705, self.number, k)
                shoot_span(scenery, Talking({}, {}), Span(start, start, end, end), rng, self.parts, video.stem)
                yield k
