"""`python -m evaluation pairs`: writes down the pairs that `python -m training calibrate --pairs` is fitted on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from evaluation.pairs import Pairs, collect_pairs, write_pairs
from evaluation.stack import Stack, use_stack
from evaluation.truth import Film, load_film
from packs.manifest import Pack
from packs.spec import Modality
from personsearch.client import PersonSearchClient
from services.backends.index.live import dimensions_of
from services.backends.index.milvus import MilvusIndex

__all__ = ["pairs_command"]


def pairs_command(
    films: Annotated[list[Path], typer.Option("--films", exists=True, file_okay=False, help="Validation films.")],
    out: Annotated[Path, typer.Option("--out", help="The npz file to write.")],
    more_films: Annotated[list[Path] | None, typer.Argument(metavar="[DIR]...", exists=True, file_okay=False)] = None,
) -> None:
    """Take validation films in and write the cosines that the product compares, with the truth."""
    known = [load_film(folder) for folder in [*films, *(more_films or [])]]
    with use_stack(_say) as stack:
        pairs = asyncio.run(_collect(known, stack, Pack.load(stack.settings.pack)))
    write_pairs(pairs, out)
    for (modality, kind), part in pairs.items():
        typer.echo(f"{modality} {kind}: {int(part.same.sum())} pairs of one person, {int((~part.same).sum())} of two")


async def _collect(films: list[Film], stack: Stack, pack: Pack) -> dict[tuple[Modality, str], Pairs]:
    index = MilvusIndex(stack.endpoints.milvus_uri, pack.digest, token=stack.settings.milvus.token)
    try:
        await index.open(dimensions_of(pack))
        async with PersonSearchClient(stack.endpoints.search_address, stack.endpoints.ingest_address) as client:
            with_text = pack.text_model is not None and Modality.TEXT in pack.calibration
            return await collect_pairs(films, client, index, _say, with_text=with_text)
    finally:
        await index.aclose()


def _say(line: str) -> None:
    typer.echo(line, err=True)
