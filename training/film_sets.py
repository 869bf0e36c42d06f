"""The films that the active-speaker network learns from and is measured on: rendered, and cut as ingest sees them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from training.data.shards import RenderError

MOUTHS = "mouths"


@dataclass(frozen=True, slots=True)
class FilmSet:
    """Films of casts of their own: one for each seed, of so many people and minutes."""

    seeds: tuple[int, ...]
    identities: int
    minutes: float

    @property
    def names(self) -> tuple[str, ...]:
        """What their files are called."""
        return tuple(map(str, self.seeds))


LEARNED = FilmSet((7101, 7102, 7103, 8101, 8102, 8103), 12, 2.5)
MEASURED = FilmSet((9601, 9602, 9603, 9604, 9605), 12, 5.0)


def cut_films(data: Path, pack: Path, *, say: Callable[[str], None]) -> None:
    """Render and cut the films that `data` lacks, each in processes of their own.

    Args:
        data: Folder of the sets; films go to `films` in it, and what is cut of them to `mouths`.
        pack: Whose detector and encoders find the people.
        say: Receives lines of progress.

    Raises:
        RenderError: If one fails; its own message stands above.
    """
    for films in (LEARNED, MEASURED):
        for seed in films.seeds:
            if (data / MOUTHS / f"{seed}.npz").exists():
                continue
            film = data / "films" / str(seed)
            if not (film / "truth.json").exists():
                say(f"rendering {film}: {films.minutes} minutes, {films.identities} people")
                size = ["--identities", films.identities, "--minutes", films.minutes]
                _run("synthetic", ["render", "--seed", seed, *size, "--out", film], f"rendering {film}")
            say(f"cutting {film}")
            _run("tools.cut_mouths", ["--films", film, "--pack", pack, "--out", data / MOUTHS], f"cutting {film}")


def _run(module: str, arguments: Iterable[object], doing: str) -> None:
    done = subprocess.run([sys.executable, "-m", module, *map(str, arguments)], check=False)
    if done.returncode != 0:
        raise RenderError(f"{doing} ended with status {done.returncode}; its message is above")
