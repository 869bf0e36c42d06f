"""`python -m evaluation`: measures films that are there, or a whole gallery from its seeds."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from evaluation.associations.cli import associations_command
from evaluation.ceiling.cli import ceiling_command
from evaluation.clearness.cli import faces_command
from evaluation.demo.cli import demo_command
from evaluation.encoders.figures import EncoderFigures
from evaluation.encoders.measure import measure_encoders
from evaluation.gallery.cli import gallery_command
from evaluation.gates.cli import gates_command
from evaluation.identities.cli import identities_command
from evaluation.index.cli import index_command
from evaluation.pairs_cli import pairs_command
from evaluation.presets.cli import presets_command
from evaluation.protocols.running import PROTOCOLS, Sources, run_protocol
from evaluation.protocols.spine import SpineResult, run_spine
from evaluation.reindex.cli import reindex_command
from evaluation.report import report_of_spine, setting_of
from evaluation.served.answers import answers_command
from evaluation.stack import Stack, use_stack
from evaluation.truth import Film, load_film
from evaluation.words.cli import words_command
from evaluation.writing import end_if_broken, write_results
from packs.errors import PackError
from packs.manifest import Pack
from personsearch.client import PersonSearchClient

__all__ = ["app"]

app = typer.Typer(help="Measure the product against films with known truth.", no_args_is_help=True)

FilmsOption = Annotated[
    list[Path] | None,
    typer.Option("--films", exists=True, file_okay=False, help="Folder with film.mp4, truth.json and queries/."),
]
MoreFilmsArgument = Annotated[
    list[Path] | None, typer.Argument(metavar="[DIR]...", exists=True, file_okay=False, help="More such folders.")
]


app.command("answers")(answers_command)
app.command("associations")(associations_command)
app.command("ceiling")(ceiling_command)
app.command("demo")(demo_command)
app.command("faces")(faces_command)
app.command("gallery")(gallery_command)
app.command("identities")(identities_command)
app.command("index")(index_command)
app.command("pairs")(pairs_command)
app.command("gates")(gates_command)
app.command("presets")(presets_command)
app.command("reindex")(reindex_command)
app.command("words")(words_command)


@app.callback()
def _root() -> None:
    """Measure the product against films with known truth."""


@app.command()
def run(
    json_path: Annotated[Path, typer.Option("--json", help="Where to write the result file.")],
    films: FilmsOption = None,
    more_films: MoreFilmsArgument = None,
    protocol: Annotated[str, typer.Option(help="Which protocol: spine, csm, apes or iqiyi.")] = "spine",
    data: Annotated[
        Path | None, typer.Option("--data", exists=True, file_okay=False, help="A published data set, not films.")
    ] = None,
    appearances: Annotated[
        Path | None, typer.Option("--appearances", dir_okay=False, help="Keeps what the index holds, to run again.")
    ] = None,
    embeddings: Annotated[
        list[Path] | None, typer.Option("--embeddings", exists=True, dir_okay=False, help="For data without any.")
    ] = None,
    fusers: Annotated[
        list[Path] | None,
        typer.Option("--fuser", exists=True, dir_okay=False, help="A network that fuses; without, those of the pack."),
    ] = None,
    samplings: Annotated[
        list[Path] | None, typer.Option("--sampling", exists=True, dir_okay=False, help="A training, for apes.")
    ] = None,
    networks: Annotated[
        list[Path] | None,
        typer.Option("--network", exists=True, dir_okay=False, help="A network that names clips, for iqiyi."),
    ] = None,
    state: Annotated[
        Path | None, typer.Option("--state", file_okay=False, help="A stack's kept folder, as `gallery` leaves it.")
    ] = None,
    markdown_path: Annotated[Path | None, typer.Option("--markdown", help="Also write a page for people.")] = None,
    plots: Annotated[Path | None, typer.Option("--plots", file_okay=False, help="Also draw plots (SVG) here.")] = None,
    encoders: Annotated[
        bool, typer.Option("--encoders/--no-encoders", help="Whether to measure encoders and naive baselines.")
    ] = True,
    require: Annotated[bool, typer.Option("--require", help="Exit with 1 when a requirement does not hold.")] = False,
) -> None:
    """Ingest films through the services, ask with their portraits and voices, and compare with the truth."""
    folders = [*(films or []), *(more_films or [])]
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise typer.BadParameter(f"got folders of the names {names}, expected them to differ", param_hint="--films")
    if protocol in PROTOCOLS:
        lists = (embeddings or (), fusers or (), samplings or (), networks or ())
        sources = Sources(folders, data, appearances, state, *lists)
        _run_published(protocol, sources, json_path, markdown_path, plots)
        return
    if protocol != "spine":
        raise typer.BadParameter(f"got {protocol!r}, expected spine, {', '.join(PROTOCOLS)}", param_hint="--protocol")
    if not folders:
        raise typer.BadParameter("expected at least one film", param_hint="--films")
    known = [load_film(folder) for folder in folders]
    with use_stack(_say) as stack:
        pack = Pack.load(stack.settings.pack)
        result = asyncio.run(_run(known, stack, pack, encoders=encoders))
        report = report_of_spine(result, setting_of(pack, stack.endpoints.inference))
    typer.echo(write_results(result, report, json_path, markdown_path, plots))
    end_if_broken(report, require=require)


def _run_published(
    protocol: str, sources: Sources, json_path: Path, markdown_path: Path | None, plots: Path | None
) -> None:
    if sources.data is not None and sources.films:
        raise typer.BadParameter("got films too; a protocol runs on one of both", param_hint="--data")
    try:
        typer.echo(run_protocol(protocol, sources, _say, json_path, markdown_path, plots))
    except (PackError, ValueError) as error:
        typer.secho(f"error: {error}", err=True, fg="red")
        raise typer.Exit(1) from error


async def _run(films: list[Film], stack: Stack, pack: Pack, *, encoders: bool) -> SpineResult:
    figures: dict[str, EncoderFigures] = {}
    if encoders:
        with tempfile.TemporaryDirectory(prefix="personsearch-embeddings-") as folder:
            figures = await measure_encoders(films, pack, Path(folder), _say)
    async with PersonSearchClient(stack.endpoints.search_address, stack.endpoints.ingest_address) as client:
        return await run_spine(films, client, _say, figures)


def _say(line: str) -> None:
    typer.echo(line, err=True)
