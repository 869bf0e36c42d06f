"""What commands that work for long share: a folder of their own, bars, and films that are rendered where missing."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from evaluation.gallery.plan import FilmPlan
from evaluation.gallery.rendering import render_film
from evaluation.gallery.work import Bar
from evaluation.truth import Film, load_film

__all__ = ["alone", "bars", "rendered_films"]


def rendered_films(plans: Sequence[FilmPlan], workers: int, bar: Bar, say: Callable[[str], None]) -> list[Film]:
    """Render the films that are missing, and load all.

    Raises:
        RenderError: A film could not be rendered.
        ValueError: If a folder holds another film than is planned.
    """
    for number, film in enumerate(plans):
        bar("films", number, len(plans))
        if not film.is_rendered:
            say(f"rendering {film.folder}")
            render_film(film, workers)
    bar("films", len(plans), len(plans))
    films = [load_film(film.folder) for film in plans]
    for one, loaded in zip(plans, films, strict=True):
        one.check(loaded)
    return films


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder's lock; the kernel frees it with the process."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            typer.secho(
                f"error: another run works in {folder}; wait for it or choose another --out", err=True, fg="red"
            )
            raise typer.Exit(1) from None
        yield


@contextmanager
def bars() -> Iterator[tuple[Bar, Callable[[str], None]]]:
    """Bars of steps by name, and a way to say something above them."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console) as progress:

        def bar(step: str, done: float, total: float) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=round(total))
            progress.update(tasks[step], completed=round(done))

        yield bar, lambda line: console.print(line, highlight=False, soft_wrap=True)
