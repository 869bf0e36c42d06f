"""`python -m evaluation words`: typed descriptions of films, asked of a pack with a text pair."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from evaluation.naive import BagError, BagOfWords, read_bag
from evaluation.stack import Stack, stack_of_pack, use_stack
from evaluation.truth import Film, load_film
from evaluation.words.protocol import report_of_words, run_words, table_of
from packs.errors import PackError
from packs.manifest import Pack
from packs.spec import Modality
from personsearch.client import PersonSearchClient
from services.runtime.settings import StackSettings

__all__ = ["words_command"]

TIMEOUT_S = 120.0


def words_command(
    films: Annotated[list[Path], typer.Option("--films", exists=True, file_okay=False, help="Unseen films.")],
    bag: Annotated[Path, typer.Option("--bag", help="The baseline, of `python -m training teach-words`.")],
    json_path: Annotated[Path, typer.Option("--json", help="Where to write the figures.")],
    more_films: Annotated[list[Path] | None, typer.Argument(metavar="[DIR]...", exists=True, file_okay=False)] = None,
    pack: Annotated[Path | None, typer.Option("--pack", help="Pack with a text pair; else that of the stack.")] = None,
) -> None:
    """Ask the descriptions of films through the services, beside a bag of words and chance."""
    known = [load_film(folder) for folder in [*films, *(more_films or [])]]
    try:
        baseline, chosen = read_bag(bag), _with_text(pack or StackSettings().pack)
    except (BagError, PackError) as error:
        typer.secho(f"error: {error}", err=True, fg="red")
        raise typer.Exit(2) from error
    with _stack(pack) as stack:
        report = asyncio.run(_measure(known, stack, baseline))
    report = {"films": [film.name for film in known], "pack": {"name": chosen.name, "digest": chosen.digest}, **report}
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    typer.echo(table_of(report))


def _with_text(folder: Path) -> Pack:
    """The pack of a folder, which must be able to answer."""
    pack = Pack.load(folder)
    if pack.text_model is None or Modality.TEXT not in pack.calibration:
        raise PackError(f"pack {pack.name} in {folder} has no calibrated text pair: give one that has with --pack")
    return pack


@contextmanager
def _stack(pack: Path | None) -> Iterator[Stack]:
    with use_stack(_say) if pack is None else stack_of_pack(pack.absolute(), _say) as stack:
        yield stack


async def _measure(films: list[Film], stack: Stack, bag: BagOfWords) -> dict[str, Any]:
    addresses = stack.endpoints.search_address, stack.endpoints.ingest_address
    async with PersonSearchClient(*addresses, timeout_s=TIMEOUT_S) as client:
        gallery, asked = await run_words(films, client, bag, _say)
    return await asyncio.to_thread(report_of_words, gallery, asked, bag)


def _say(line: str) -> None:
    typer.echo(line, err=True)
