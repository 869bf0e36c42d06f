"""`python -m evaluation index`: everything that is claimed of the multimodality index, by one command."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from evaluation.gallery.console import alone, bars, rendered_films
from evaluation.gallery.rendering import RenderError
from evaluation.gallery.work import Bar
from evaluation.index.claims import claims_of
from evaluation.index.kept import Made
from evaluation.index.others import EXTRAS
from evaluation.index.plan import IndexPlan, films_of_largest_cast
from evaluation.index.report import write_index
from evaluation.index.steps import Steps, run_steps
from evaluation.index.taking import Taken, take_in
from evaluation.stack import kept_stack
from evaluation.truth import Film, load_film
from evaluation.writing import end_if_broken, write_results
from packs.errors import PackError

__all__ = ["index_command"]

ROOT = Path(__file__).resolve().parents[2]
TRAINER = ROOT / ".venv-train" / "bin" / "python"


def index_command(
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of everything; resumed when partly done.")],
    films: Annotated[
        list[Path] | None, typer.Option("--films", exists=True, file_okay=False, help="A film that is there.")
    ] = None,
    more_films: Annotated[
        list[Path] | None, typer.Argument(metavar="[DIR]...", exists=True, file_okay=False, help="More such folders.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many films are rendered, without --films.")] = 20,
    sharing: Annotated[int, typer.Option(min=0, help="How many of them share one cast.")] = 5,
    first_seed: Annotated[int, typer.Option(help="Seed of the first film.")] = 9801,
    minutes: Annotated[float, typer.Option(min=0.04, help="Length of each film.")] = 2.0,
    identities: Annotated[int, typer.Option(min=2, help="People in each film.")] = 12,
    workers: Annotated[int, typer.Option(min=1, help="Processes that render.")] = 2,
    state: Annotated[Path | None, typer.Option(file_okay=False, help="The stack's folder; OUT/state.")] = None,
    fusers: Annotated[
        list[Path] | None, typer.Option("--fuser", exists=True, dir_okay=False, help="A network that fuses.")
    ] = None,
    corrections: Annotated[int, typer.Option(min=1, help="Simulated corrections of identities.")] = 20,
    trainer: Annotated[Path, typer.Option(help="Python with torch, for the networks of iqiyi.")] = TRAINER,
    encoders: Annotated[
        bool, typer.Option("--encoders/--no-encoders", help="Whether to measure encoders and naive baselines too.")
    ] = False,
    require: Annotated[bool, typer.Option("--require", help="Exit with 1 when a claim does not hold.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Keep the films, take them in and ask anew.")] = False,
) -> None:
    """Render films, take them in, ask, run the protocols and identities, and report what holds; goes on when killed."""
    plan = IndexPlan(count, sharing, minutes, identities, first_seed, out)
    out.mkdir(parents=True, exist_ok=True)
    target, record = out / "report", state or out / "state"
    with alone(out), bars() as (bar, say):
        try:
            known = _films([*(films or []), *(more_films or [])], plan, workers, bar, say)
            if again:
                shutil.rmtree(out / "answers", ignore_errors=True)
            taken = _taken(known, record, out, bar, say, encoders=encoders, again=again)
            steps = Steps(
                films=known,
                appearances=out / "appearances.npz",
                record=record / "milvus",
                report=target,
                networks=out / "networks",
                pack=taken.pack,
                fusers=fusers or (),
                corrections=corrections,
                trainer=trainer,
                extras=EXTRAS,
            )
            made = run_steps(steps, say)
        except (PackError, RenderError, ValueError) as error:
            typer.secho(f"error: {error}", err=True, fg="red")
            raise typer.Exit(1) from error
        made["spine"] = _spine(taken, target)
    gallery = {"films": len(known), "sharing": films_of_largest_cast(known)}
    claims = claims_of({name: report for name, (report, _) in made.items()}, gallery)
    report = write_index(target, claims, made, gallery, taken.setting)
    typer.echo((target / "report.md").read_text(encoding="utf-8").partition("\n## ")[0])
    typer.echo(f"The report is {target / 'report.md'}.", err=True)
    end_if_broken(report, require=require)


def _films(folders: list[Path], plan: IndexPlan, workers: int, bar: Bar, say: Callable[[str], None]) -> list[Film]:
    """Those that are given, else those of the plan, rendered where they are missing."""
    if not folders:
        return rendered_films(plan.film_plans(), workers, bar, say)
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise ValueError(f"got films of the names {names}, expected them to differ")
    return [load_film(folder) for folder in folders]


def _taken(
    films: list[Film], record: Path, out: Path, bar: Bar, say: Callable[[str], None], *, encoders: bool, again: bool
) -> Taken:
    with kept_stack(record, say) as stack:
        return asyncio.run(take_in(films, stack, out, bar, say, encoders=encoders, again=again))


def _spine(taken: Taken, folder: Path) -> Made:
    page = write_results(taken.spine, taken.report, folder / "spine.json", folder / "spine.md", folder)
    return taken.report, page
