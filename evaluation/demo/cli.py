"""`personsearch demo`: from nothing to people found, in one command."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from evaluation.demo.moments import Moment, Sighting, compare
from evaluation.truth import Film, QueryFile, load_film
from personsearch.cli.failures import report
from personsearch.cli.json_view import print_json
from personsearch.cli.options import JsonOption
from personsearch.cli.words import clock, percent
from personsearch.client import PersonSearchClient
from personsearch.errors import PersonSearchError
from personsearch.query import portrait as portrait_part
from services.runtime.settings import StackSettings
from services.supervisor.api import Endpoints, ProgressEvent, SupervisorError, up

__all__ = ["demo_command"]

DEMO_FILM = Path(__file__).resolve().parents[2] / "examples" / "demo"
GALLERY = "demo"

FilmOption = Annotated[
    Path, typer.Option(exists=True, file_okay=False, help="Folder with film.mp4, truth.json and queries/.")
]


def demo_command(film: FilmOption = DEMO_FILM, as_json: JsonOption = False) -> None:
    """Bring the stack up, ingest a short film, search each of its cast, and compare with the truth.

    The stack stays up. Exit status 1 when more moments with a face are missed than found.
    """
    console = Console(stderr=as_json)
    known = load_film(film)
    endpoints = _up(console)
    try:
        sightings = asyncio.run(_search_all(known, endpoints, console))
    except PersonSearchError as error:
        report(error, as_json=as_json)
        raise typer.Exit(1) from error
    if as_json:
        print_json({"people": [{"person": name} | _view(sighting) for name, sighting in sightings.items()]})
    else:
        console.print(_table(sightings))
    found = sum(sighting.found_count for sighting in sightings.values())
    wrong = sum(len(sighting.wrong) for sighting in sightings.values())
    missed = [face_visible for sighting in sightings.values() for _, face_visible in sighting.missed]
    console.print(
        f"{found} hits right, {wrong} wrong, {len(missed)} moments missed ({sum(missed)} of them with a face)."
    )
    _say_what_next(known, console)
    if sum(missed) > found:
        raise typer.Exit(1)


def _up(console: Console) -> Endpoints:
    began = time.monotonic()

    def tell(event: ProgressEvent) -> None:
        if event.kind == "note":
            console.print(f"note: {event.text}", style="yellow", highlight=False)

    try:
        endpoints = up(StackSettings(), tell)
    except SupervisorError as error:
        typer.secho(f"error: {error}", err=True, fg="red")
        raise typer.Exit(1) from error
    console.print(f"The stack is up after {time.monotonic() - began:.1f} s, networks run in {endpoints.inference}.")
    return endpoints


async def _search_all(film: Film, endpoints: Endpoints, console: Console) -> dict[str, Sighting]:
    async with PersonSearchClient(endpoints.search_address, endpoints.ingest_address) as client:
        began = time.monotonic()
        video = await client.ingest(film.path, gallery=GALLERY)
        with console.status(f"ingesting {film.path.name}"):
            video = await client.wait_until_ready(video.video_id, gallery=GALLERY)
        took_s = time.monotonic() - began
        console.print(
            f"{clock(film.duration_s)} of film taken in after {took_s:.1f} s: {video.appearance_count} appearances."
        )
        return {
            portrait.identity.rpartition("/")[2]: await _search(client, film, portrait, video.video_id)
            for portrait in _first_portraits(film)
        }


async def _search(client: PersonSearchClient, film: Film, portrait: QueryFile, video_id: str) -> Sighting:
    part = portrait_part(portrait.path)
    answer = await client.search([part], gallery=GALLERY, video_ids=[video_id], top_k=1000)
    return compare(answer.hits, portrait.identity, film)


def _first_portraits(film: Film) -> list[QueryFile]:
    """Take one portrait of each of the cast, in the order of the truth."""
    first: dict[str, QueryFile] = {}
    for portrait in film.portraits:
        first.setdefault(portrait.identity, portrait)
    return list(first.values())


def _table(sightings: dict[str, Sighting]) -> Table:
    table = Table("person", "right", "wrong", "missed", title="Hits against the truth")
    for name, sighting in sightings.items():
        right = "\n".join(f"[green]{_when(moment)}[/]  {percent(score)}" for moment, score in sighting.right)
        wrong = "\n".join(f"[red]{_when(moment)}[/]  {percent(score)}" for moment, score in sighting.wrong)
        missed = "\n".join(
            f"[yellow]{_when(moment)}[/]  {'face seen' if face_visible else 'no face'}"
            for moment, face_visible in sighting.missed
        )
        table.add_row(name, right, wrong, missed, end_section=True)
    return table


def _view(sighting: Sighting) -> dict[str, object]:
    return {
        "right": [asdict(moment) | {"score": score} for moment, score in sighting.right],
        "wrong": [asdict(moment) | {"score": score} for moment, score in sighting.wrong],
        "missed": [asdict(moment) | {"face_visible": face_visible} for moment, face_visible in sighting.missed],
    }


def _when(moment: Moment) -> str:
    return f"{clock(moment.start_s)}-{clock(moment.end_s)}"


def _say_what_next(film: Film, console: Console) -> None:
    portrait = _first_portraits(film)[0].path
    for line in (
        "The stack stays up. Try:",
        f"  personsearch search --portrait {portrait} --gallery {GALLERY}",
        f"  personsearch search --like APPEARANCE_ID --gallery {GALLERY}",
        "  personsearch ingest YOUR_FILM.mp4",
        "  personsearch down",
    ):
        console.print(line, highlight=False, soft_wrap=True)
