"""`personsearch reindex` and `personsearch pack`: from one pack to another, and back."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console

from packs.errors import PackError
from packs.manifest import Pack
from packs.shelf import PackShelf
from services.backends.index.milvus import MilvusIndex
from services.ingest.lease import LeaseLostError
from services.reindex.assembly import opened_bench
from services.reindex.difference import compare
from services.reindex.pack_cli import pack_app
from services.reindex.settings import ReindexStackSettings
from services.reindex.stores import StoreAddresses, reachable_stores
from services.reindex.switching import start_with
from services.reindex.telling import Bar, difference_table, difference_view, pack_name, progress_bar, totals_view
from services.reindex.tidy import IncompleteCopyError
from services.runtime.errors import DomainError
from services.runtime.settings import pack_shelf
from services.supervisor.errors import SupervisorError

__all__ = ["app"]

INTERRUPTED = 130
TROUBLE = (PackError, SupervisorError, DomainError, IncompleteCopyError, LeaseLostError, OSError)

app = typer.Typer(no_args_is_help=True, help="Packs, and the index made anew for another one.")
app.add_typer(pack_app, name="pack")


@app.command("reindex")
def reindex_command(
    to: Annotated[
        str | None, typer.Option("--to", metavar="PACK", help="A pack's folder, name, name@version or digest.")
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="To the pack that was live before.")] = False,
    cut_over: Annotated[
        bool, typer.Option("--cut-over/--no-cut-over", help="Whether the new pack answers from then on.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Embed all that is stored anew with another pack, beside the live index, compare the two, and switch over.

    Searches are answered by the old pack until then. Killed or interrupted, it goes on where it was when it is asked
    again. What is stored of the old pack stays, so that `--back` is quick.
    """
    if (to is None) == (not back):
        raise typer.BadParameter("give either --to PACK or --back", param_hint="--to")
    try:
        told = asyncio.run(_reindex(_settings(), to, cut_over=cut_over, quiet=as_json))
    except TROUBLE as error:
        _fail(str(error))
    except KeyboardInterrupt:
        typer.echo("stopped; `personsearch reindex` goes on where it was", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        typer.echo(json.dumps(told))


async def _reindex(settings: ReindexStackSettings, to: str | None, *, cut_over: bool, quiet: bool) -> dict[str, Any]:
    """Do it, and tell: `to` is None for the pack before."""
    shelf, began = pack_shelf(settings.state_dir), time.monotonic()
    console = Console(quiet=quiet)
    async with AsyncExitStack() as opened:
        stores = await opened.enter_async_context(reachable_stores(settings))
        meant = shelf.find(to) if to is not None else await _previous(settings, stores, shelf)
        new = await asyncio.to_thread(shelf.keep, meant)
        bar = opened.enter_context(progress_bar()) if not quiet else None
        watcher = Bar(bar) if bar is not None else Bar(progress_bar())
        bench = await opened.enter_async_context(opened_bench(settings, stores, shelf, new, watcher))
        totals = await bench.reindexer.run()
        found = await compare(bench.source, bench.target, sample=settings.reindex.sample)
        if bar is not None:
            bar.stop()
        console.print(f"{found.new_appearances} of {found.old_appearances} appearances are in {pack_name(new)}")
        console.print(difference_table(found, bench.ways, totals))
        if cut_over:
            await bench.reindexer.cut_over()
            console.print(f"{pack_name(new)} is live")
        told = {
            "pack": new.digest,
            "from": bench.old_key,
            **totals_view(totals),
            "difference": difference_view(found),
            "cut_over": cut_over,
            "seconds": round(time.monotonic() - began, 1),
        }
    if cut_over:
        say = lambda line: console.print(line, soft_wrap=True)  # noqa: E731
        await asyncio.to_thread(start_with, new, settings, shelf, stack_runs=stores.stack_runs, say=say)
    return told


async def _previous(settings: ReindexStackSettings, stores: StoreAddresses, shelf: PackShelf) -> Pack:
    """The pack that was live before. Raises PackError where there was none, or its folder is not known."""
    index = MilvusIndex(stores.milvus_uri, "", token=settings.milvus.token)
    try:
        await index.stored_dimensions()
        key = await index.previous_pack()
    finally:
        await index.aclose()
    if key is None:
        raise PackError("no pack was live before: there is nothing to go back to")
    pack = shelf.by_key(key)
    if pack is None:
        raise PackError(f"the folder of pack {key}, which was live before, is not known: give it with --to FOLDER")
    return pack


def _settings() -> ReindexStackSettings:
    try:
        return ReindexStackSettings()
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        _fail(f"the settings in the environment are wrong: {wrong}")


def _fail(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)
