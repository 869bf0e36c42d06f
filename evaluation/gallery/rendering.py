"""Renders what is missing of a gallery, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from evaluation.gallery.plan import FilmPlan
from services.supervisor.guard import Guard

__all__ = ["RenderError", "render_film"]

ROOT = Path(__file__).resolve().parents[2]
TAIL = 2000


class RenderError(Exception):
    """A film could not be rendered; the message has the end of what the renderer said."""


def render_film(film: FilmPlan, workers: int) -> None:
    """Render a film, or go on with one that was begun; its processes end with this one, also when it is killed.

    Raises:
        RenderError: The renderer failed.
    """
    command = [
        sys.executable,
        "-m",
        "synthetic",
        "render",
        "--seed",
        str(film.seed),
        "--cast-seed",
        str(film.cast_seed),
    ]
    command += ["--identities", str(film.identities), "--minutes", f"{film.minutes:g}"]
    command += ["--out", str(film.folder.absolute()), "--workers", str(workers)]
    film.folder.mkdir(parents=True, exist_ok=True)
    log = film.folder / "render.log"
    with log.open("ab") as out, closing(Guard()) as guard:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
        guard.watch(process.pid)
        try:
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
        finally:
            guard.forget(process.pid)
    if code != 0 or not film.is_rendered:
        end = log.read_text(encoding="utf-8", errors="replace")[-TAIL:]
        raise RenderError(f"the film of seed {film.seed} was not rendered (exit status {code}); {log} ends:\n{end}")
