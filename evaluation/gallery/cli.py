"""`python -m evaluation gallery`: from seeds to a report in one command."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from evaluation.encoders.measure import measure_encoders
from evaluation.gallery.console import alone, bars, rendered_films
from evaluation.gallery.memory import IngestMemory
from evaluation.gallery.plan import GalleryPlan
from evaluation.gallery.rendering import RenderError
from evaluation.gallery.work import Bar, answer_memory, ask_all, forget, ingest_all
from evaluation.protocols.spine import SpineResult, evaluate_spine
from evaluation.report import report_of_spine, setting_of
from evaluation.stack import Stack, kept_stack
from evaluation.truth import Film
from evaluation.writing import end_if_broken, write_results
from packs.manifest import Pack
from personsearch.client import PersonSearchClient

__all__ = ["gallery_command"]

ASK_TIMEOUT_S = 120.0


def gallery_command(
    films: Annotated[int, typer.Option(min=1, help="How many films.")],
    first_seed: Annotated[int, typer.Option(help="Seed of the first film; the others follow by one.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of everything; resumed when partly done.")],
    minutes: Annotated[float, typer.Option(min=0.04, help="Length of each film.")] = 5.0,
    identities: Annotated[int, typer.Option(min=2, help="People in each film.")] = 12,
    cast_seed_share: Annotated[int, typer.Option(min=1, help="So many films in a row share one cast.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes that render.")] = 2,
    require: Annotated[bool, typer.Option("--require", help="Exit with 1 when a requirement does not hold.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Keep the films, forget what was ingested and asked.")] = False,
) -> None:
    """Render films, ingest them, ask for everybody and report; killed at any point and run again, it goes on."""
    plan = GalleryPlan(films, minutes, identities, first_seed, out, cast_seed_share)
    out.mkdir(parents=True, exist_ok=True)
    with alone(out), bars() as (bar, say):
        try:
            rendered = rendered_films(plan.film_plans(), workers, bar, say)
        except (RenderError, ValueError) as error:
            typer.secho(f"error: {error}", err=True, fg="red")
            raise typer.Exit(1) from error
        if again:
            shutil.rmtree(out / "answers", ignore_errors=True)
        with kept_stack(out / "state", say) as stack:
            result, report = asyncio.run(_measure(plan, rendered, stack, bar, say, again=again))
        target = out / "report"
        page = write_results(result, report, target / "report.json", target / "report.md", target)
    typer.echo(page)
    typer.echo(f"The report is {target / 'report.md'}.", err=True)
    end_if_broken(report, require=require)


async def _measure(
    plan: GalleryPlan, films: list[Film], stack: Stack, bar: Bar, say: Callable[[str], None], *, again: bool
) -> tuple[SpineResult, dict[str, Any]]:
    pack = Pack.load(stack.settings.pack)
    answers_folder = plan.out / "answers"
    addresses = stack.endpoints.search_address, stack.endpoints.ingest_address
    async with PersonSearchClient(*addresses, timeout_s=ASK_TIMEOUT_S) as client:
        if again:
            await forget(client)
        ingested, appearances = await ingest_all(client, films, IngestMemory(answers_folder / "ingest.json"), bar, say)
        say("asking for everybody")
        answers = await ask_all(client, films, answer_memory(answers_folder, ingested, pack.digest), bar)
    encoders = await measure_encoders(films, pack, answers_folder / "embeddings", say)
    say("comparing with the truth")
    result = evaluate_spine(ingested, appearances, answers, encoders)
    return result, report_of_spine(result, setting_of(pack, stack.endpoints.inference))
