"""`python -m evaluation reindex`: the check on a stack of its own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from evaluation.reindex.check import Check, Figures
from evaluation.stack import kept_stack
from packs.manifest import Pack
from services.runtime.settings import default_pack_dir, variable

__all__ = ["reindex_command"]

DEMO_FILM = Path(__file__).resolve().parents[2] / "examples" / "demo" / "film.mp4"


def reindex_command(
    out: Annotated[Path, typer.Option("--out", file_okay=False, help="Folder for the stack; emptied first.")],
    appearances: Annotated[int, typer.Option(min=20, help="How many the gallery has.")] = 10_000,
    kills: Annotated[int, typer.Option(min=0, help="How often the reindex is killed.")] = 2,
    film: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="A film to ingest meanwhile.")] = DEMO_FILM,
    seed: Annotated[int, typer.Option(help="Of the second pack's weights and of when it is killed.")] = 1,
) -> None:
    """Reindex a gallery from the demo pack to another, killed on the way and asked all the time; 1 if a claim breaks.

    The gallery's pictures are generated (coloured patches, nobody's); the stack, the index server, the networks, the
    command and the kills are real. The second pack has the demo pack's networks with other weights.
    """
    from evaluation.reindex.shaken import shaken_pack

    shutil.rmtree(out, ignore_errors=True)
    # Networks run in the services: questions are vectors here, and the machine's memory is for two packs.
    os.environ.setdefault(variable("inference", "kind"), "local")
    new = shaken_pack(Pack.load(default_pack_dir()), out / "shaken", seed=seed)
    with kept_stack(out / "state", _say) as stack:
        check = Check(stack.settings, new, appearances, kills, film, seed, _say)
        figures = asyncio.run(check.run())
    _write(figures, out / "reindex.json")
    if figures.faults:
        raise typer.Exit(1)


def _write(figures: Figures, path: Path) -> None:
    text = json.dumps({"faults": figures.faults, **figures.facts}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
    typer.echo(text)


def _say(line: str) -> None:
    typer.echo(line, err=True)
