"""For tests of other rooms: a tiny film, and whether this machine can draw one."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthetic.film.render import render_film
from synthetic.film.script import FilmSpec
from synthetic.renderer import Renderer


@dataclass(frozen=True, slots=True)
class TinyFilm:
    """A rendered film: its video, its truth (schema "synthcast/2", already read) and its folder of query pictures."""

    video: Path
    truth: dict[str, Any]
    queries: Path


def why_not_drawable() -> str | None:
    """Return why films cannot be drawn on this machine, or None when they can; for `pytest.skip`."""
    try:
        with Renderer(width=64, height=64):
            return None
    except RuntimeError as error:
        return str(error)


def tiny_film(out: Path, *, seed: int = 1, identities: int = 2, seconds: float = 6.0, portraits: int = 1) -> TinyFilm:
    """Render a short film in this process (about 0.1 s a frame); the same arguments give the same truth.

    Args:
        out: folder to write.
        seed: seed of the cast and of the film.
        identities: how many people, all of whom appear in both shots.
        seconds: length, at least 2.
        portraits: query pictures of each person.
    """
    spec = FilmSpec(seed=seed, cast_seed=seed, identities=identities, minutes=seconds / 60)
    truth = render_film(spec, out, workers=1, portraits=portraits)
    return TinyFilm(out / "film.mp4", json.loads(truth.read_text()), out / "queries")
