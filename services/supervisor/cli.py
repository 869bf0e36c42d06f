"""The verbs of the command that concern the stack itself: up, down, status, doctor."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from services.runtime.settings import StackSettings, unknown_variables
from services.supervisor import api
from services.supervisor.doctor import Check, doctor
from services.supervisor.errors import SupervisorError

MARKS = {True: "[green]ok[/]", None: "[yellow]less[/]", False: "[red]no[/]"}
COLOURS = {"ready": "green", "starting": "cyan", "stopped": "white"}

app = typer.Typer(no_args_is_help=True, help="The stack of one machine.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("up")
def up_command(as_json: AsJson = False) -> None:
    """Start the stack of this machine and wait until it is ready; exit status 1 if it did not come up."""
    console = Console(stderr=True)
    began = time.monotonic()

    def tell(event: api.ProgressEvent) -> None:
        if event.kind == "note":
            console.print(f"[yellow]note[/] {event.text}", soft_wrap=True)
        elif event.kind == "child":
            colour = COLOURS.get(event.state, "red")
            console.print(f"  {event.name:<8} [{colour}]{event.state}[/] {time.monotonic() - began:.1f} s")

    try:
        endpoints = api.up(_settings(), tell)
    except SupervisorError as error:
        _fail(str(error))
    if as_json:
        typer.echo(json.dumps(asdict(endpoints)))
        return
    typer.echo(f"up after {time.monotonic() - began:.1f} s: search {endpoints.search_address}, ", nl=False)
    typer.echo(f"ingest {endpoints.ingest_address}, networks run in {endpoints.inference}")


@app.command("down")
def down_command() -> None:
    """Stop the stack of this machine, every process of it; exit status 0 also if none ran."""
    try:
        stopped = api.down(_settings())
    except SupervisorError as error:
        _fail(str(error))
    typer.echo("stopped" if stopped else "no stack was running")


@app.command("status")
def status_command(as_json: AsJson = False) -> None:
    """Say what runs, and where; exit status 3 if nothing does, 1 if a child is not ready."""
    status = api.status(_settings())
    if as_json:
        typer.echo(json.dumps(asdict(status)))
    elif status.running:
        _print_status(status)
    else:
        typer.echo("no stack is running here; start one with `personsearch up`")
    if not status.running:
        raise typer.Exit(3)
    if status.endpoints is None or any(child.state != "ready" for child in status.children):
        raise typer.Exit(1)


@app.command("doctor")
def doctor_command(as_json: AsJson = False) -> None:
    """Check this machine and the settings, change nothing; exit status 1 if the stack would not start."""
    checks = doctor(_settings())
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks]))
    else:
        _print_checks(checks)
    if any(check.ok is False for check in checks):
        raise typer.Exit(1)


def _settings() -> StackSettings:
    try:
        return StackSettings()
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        unknown = unknown_variables(os.environ)
        hint = f" (these mean nothing: {', '.join(unknown)})" if unknown else ""
        _fail(f"the settings in the environment are wrong: {wrong}{hint}")


def _fail(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)


def _print_status(status: api.StackStatus) -> None:
    table = Table("child", "state", "pid", "restarts", "address")
    for child in status.children:
        colour = COLOURS.get(child.state, "red")
        pid = "" if child.pid is None else str(child.pid)
        table.add_row(child.name, f"[{colour}]{child.state}[/]", pid, str(child.restarts), child.address)
    console = Console()
    console.print(table)
    for note in status.notes:
        console.print(f"[yellow]note[/] {note}", soft_wrap=True)


def _print_checks(checks: list[Check]) -> None:
    console = Console()
    for check in checks:
        console.print(f"{MARKS[check.ok]:<16} {check.name:<16} {check.found}", soft_wrap=True, highlight=False)
