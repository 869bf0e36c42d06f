"""`python -m evaluation ceiling`: what a perfect reader of typed descriptions would find in films."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from evaluation.ceiling.reading import POPULATION
from evaluation.ceiling.report import measure_ceiling, page_of_ceiling
from evaluation.truth import load_film

__all__ = ["ceiling_command"]


def ceiling_command(
    films: Annotated[list[Path], typer.Option("--films", exists=True, file_okay=False, help="Films; one gallery.")],
    json_path: Annotated[Path, typer.Option("--json", help="Where to write the figures; the page lies beside them.")],
    more_films: Annotated[list[Path] | None, typer.Argument(metavar="[DIR]...", exists=True, file_okay=False)] = None,
    population: Annotated[int, typer.Option(min=100, help="People who tell how rare a description is.")] = POPULATION,
) -> None:
    """Say what somebody would find who sees everything: their truth.json is all that is read of the films."""
    folders = [*films, *(more_films or [])]
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise typer.BadParameter(f"got folders of the names {names}, expected them to differ", param_hint="--films")
    try:
        report = measure_ceiling([load_film(folder) for folder in folders], population)
    except (OSError, ValueError) as error:
        typer.secho(f"error: {error}", err=True, fg="red")
        raise typer.Exit(1) from error
    page = page_of_ceiling(report)
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    json_path.with_suffix(".md").write_text(page, encoding="utf-8")
    typer.echo(page)
