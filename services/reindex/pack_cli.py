"""`personsearch pack list | verify | activate`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from packs.checking import faults_of
from packs.errors import PackError
from packs.manifest import Pack
from packs.shelf import KEY_DIGITS, PackShelf
from services.backends.index.milvus import MilvusIndex
from services.ingest.lease import LeaseLostError
from services.reindex.assembly import opened_bench
from services.reindex.settings import ReindexStackSettings
from services.reindex.stores import reachable_stores
from services.reindex.switching import start_with
from services.reindex.telling import Bar, pack_name, progress_bar
from services.reindex.tidy import IncompleteCopyError
from services.runtime.errors import BackendUnavailableError, DomainError
from services.runtime.settings import pack_shelf
from services.supervisor.errors import SupervisorError
from services.supervisor.state import StateDir

__all__ = ["pack_app"]

pack_app = typer.Typer(no_args_is_help=True, help="The packs of this deployment: networks that are used as one.")
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, for programs.")]
PackArgument = Annotated[str, typer.Argument(metavar="PACK", help="A pack's folder, name, name@version or digest.")]


@pack_app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """List the packs that this deployment knows; the one that it starts with is marked."""
    settings = ReindexStackSettings()
    states = asyncio.run(_states(settings))
    shelf = pack_shelf(settings.state_dir)
    active = _active_digest(settings)
    packs = {pack.digest: pack for pack in (*shelf.packs(), *_configured(settings))}
    rows = [_view(pack, active, states) for pack in packs.values()]
    if as_json:
        typer.echo(json.dumps({"packs": rows, "index_reached": states is not None}))
        return
    headings = ("", "pack", "digest", "modalities", "licence", "in the index", "folder")
    table = Table(*headings[:-1], box=None, pad_edge=False)
    table.add_column(headings[-1], overflow="fold")
    for row in rows:
        dimensions = "\n".join(f"{name} {length}" for name, length in row["modalities"].items())
        mark, name = "*" if row["active"] else "", f"{row['name']} {row['version']}"
        licence, stored = row["licence"] or "not said", row["index"] or "-"
        table.add_row(mark, name, row["digest"][:KEY_DIGITS], dimensions, licence, stored, row["folder"])
    Console().print(table)
    if states is None:
        typer.echo("the index was not asked: no stack runs here and no PERSONSEARCH_MILVUS__URI is set", err=True)


@pack_app.command("verify")
def verify_command(pack: PackArgument, as_json: JsonOption = False) -> None:
    """Check a pack: manifest, digests of its files, and what its graphs take and give; exit status 1 if not sound."""
    folder = _folder(pack)
    faults = faults_of(folder)
    if as_json:
        typer.echo(json.dumps({"folder": str(folder), "faults": faults}))
    elif faults:
        for fault in faults:
            typer.secho(f"error: {fault}", err=True, fg="red")
        typer.echo(f"{folder}: {len(faults)} faults", err=True)
    else:
        sound = Pack.load(folder)
        typer.echo(f"{pack_name(sound)}: sound, {len(sound.models)} networks, {', '.join(sound.modalities)}")
    if faults:
        raise typer.Exit(1)


@pack_app.command("activate")
def activate_command(pack: PackArgument, as_json: JsonOption = False) -> None:
    """Switch this deployment to a pack for which all that is stored was embedded; `personsearch reindex` does that."""
    folder = _folder(pack)
    faults = faults_of(folder)
    if faults:
        _fail(f"{folder} is not sound: {faults[0]} ({len(faults)} faults; `personsearch pack verify` lists all)")
    try:
        new = asyncio.run(_activate(ReindexStackSettings(), Pack.load(folder), quiet=as_json))
    except IncompleteCopyError as error:
        _fail(f"{error}. First embed for it what is stored: personsearch reindex --to {pack}")
    except (PackError, SupervisorError, DomainError, LeaseLostError, OSError) as error:
        _fail(str(error))
    typer.echo(json.dumps({"active": new.digest}) if as_json else f"{pack_name(new)} is live")


async def _activate(settings: ReindexStackSettings, pack: Pack, *, quiet: bool) -> Pack:
    shelf = pack_shelf(settings.state_dir)
    new = await asyncio.to_thread(shelf.keep, pack)
    async with reachable_stores(settings) as stores:
        watcher = Bar(progress_bar())
        async with opened_bench(settings, stores, shelf, new, watcher) as bench:
            await bench.reindexer.check()
            await bench.reindexer.cut_over()
    say = Console(quiet=quiet, stderr=True, soft_wrap=True).print
    await asyncio.to_thread(start_with, new, settings, shelf, stack_runs=stores.stack_runs, say=say)
    return new


async def _states(settings: ReindexStackSettings) -> Mapping[str, str] | None:
    """What each pack is to the index, by key: live, previous or built; None when it cannot be asked."""
    endpoints = StateDir(settings.state_dir).read_status().endpoints
    uri = endpoints.milvus_uri if endpoints is not None else settings.milvus.uri
    if uri is None:
        return None
    index = MilvusIndex(uri, "", token=settings.milvus.token, timeout_s=5.0)
    try:
        await index.stored_dimensions()
        states = dict.fromkeys(await index.pack_keys(), "built")
        for key, state in ((await index.previous_pack(), "previous"), (await index.live_pack(), "live")):
            states |= {key: state} if key is not None else {}
        return states
    except BackendUnavailableError:
        return None
    finally:
        await index.aclose()


def _view(pack: Pack, active: str | None, states: Mapping[str, str] | None) -> dict[str, Any]:
    return {
        "name": pack.name,
        "version": pack.version,
        "digest": pack.digest,
        "active": pack.digest == active,
        "modalities": {str(one): pack.model_for(one).embedding_dim for one in pack.modalities},
        "licence": pack.manifest.licence,
        "index": (states or {}).get(pack.digest[:KEY_DIGITS], ""),
        "folder": str(pack.directory),
    }


def _configured(settings: ReindexStackSettings) -> list[Pack]:
    try:
        return [Pack.load(settings.pack)]
    except PackError:
        return []


def _active_digest(settings: ReindexStackSettings) -> str | None:
    return next((pack.digest for pack in _configured(settings)), None)


def _folder(text: str) -> Path:
    """The folder that is meant; one that exists need not hold a pack that can be read."""
    if Path(text).is_dir():
        return Path(text).absolute()
    shelf: PackShelf = pack_shelf(ReindexStackSettings().state_dir)
    try:
        return shelf.find(text).directory
    except PackError as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)
