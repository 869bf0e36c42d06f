"""`python -m evaluation run`: measures a protocol and writes its result file."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from evaluation.archive import read_appearances
from evaluation.demo.cli import demo_command
from evaluation.protocols.spine import SpineResult, run_spine
from evaluation.report import markdown_from_report, report_of_spine
from evaluation.stack import Stack, use_stack
from evaluation.truth import Film, load_film
from packs.manifest import Pack
from personsearch.client import PersonSearchClient
from services.backends.schemas import Appearance

__all__ = ["app"]

app = typer.Typer(help="Measure the product against films with known truth.", no_args_is_help=True)

FilmsOption = Annotated[
    list[Path],
    typer.Option("--films", exists=True, file_okay=False, help="Folder with film.mp4, truth.json and queries/."),
]
MoreFilmsArgument = Annotated[
    list[Path] | None, typer.Argument(metavar="[DIR]...", exists=True, file_okay=False, help="More such folders.")
]


app.command("demo")(demo_command)


@app.callback()
def _root() -> None:
    """Measure the product against films with known truth."""


@app.command()
def run(
    films: FilmsOption,
    json_path: Annotated[Path, typer.Option("--json", help="Where to write the result file.")],
    more_films: MoreFilmsArgument = None,
    protocol: Annotated[str, typer.Option(help="Which protocol; there is `spine`.")] = "spine",
    markdown_path: Annotated[Path | None, typer.Option("--markdown", help="Also write a page for people.")] = None,
    require: Annotated[bool, typer.Option("--require", help="Exit with 1 when a requirement does not hold.")] = False,
) -> None:
    """Ingest films through the services, ask with their portraits, and compare with the truth."""
    if protocol != "spine":
        raise typer.BadParameter(f"got {protocol!r}, expected 'spine'", param_hint="--protocol")
    report = _measure([*films, *(more_films or [])])
    json_path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    page = markdown_from_report(report)
    if markdown_path:
        markdown_path.write_text(page, encoding="utf-8")
    typer.echo(page)
    failed = [name for name, holds in report["requirements"].items() if not holds]
    for name in failed:
        typer.secho(f"does not hold: {name}", err=True, fg="red")
    if failed and require:
        raise typer.Exit(1)


def _measure(folders: list[Path]) -> dict[str, Any]:
    films = [load_film(folder) for folder in folders]
    with use_stack(_say) as stack:
        pack = Pack.load(stack.settings.pack)
        result = asyncio.run(_run(films, stack, pack))
        return report_of_spine(result, stack, pack)


async def _run(films: list[Film], stack: Stack, pack: Pack) -> SpineResult:
    async def read(gallery: str) -> list[Appearance]:
        token = stack.settings.milvus.token
        return await read_appearances(stack.endpoints.milvus_uri, pack, gallery, token=token)

    async with PersonSearchClient(stack.endpoints.search_address, stack.endpoints.ingest_address) as client:
        return await run_spine(films, client, read, _say)


def _say(line: str) -> None:
    typer.echo(line, err=True)
