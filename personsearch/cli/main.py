"""The `personsearch` command: every verb, with `--json` on each that answers."""

from __future__ import annotations

import importlib.metadata
from typing import Annotated

import typer

from personsearch.cli.identities import identities
from personsearch.cli.ingest import ingest
from personsearch.cli.library import delete, galleries, videos
from personsearch.cli.search import search, track
from personsearch.cli.stack import add_stack_verbs

__all__ = ["app", "main"]

EPILOG = (
    "Exit codes: 0 done; 1 refused or failed; 2 wrong usage; 3 no stack, or it does not answer; "
    "4 the portrait shows no face or several; 130 interrupted."
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"personsearch {importlib.metadata.version('personsearch')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Find every appearance of a person in an archive of video."""


def build_app() -> typer.Typer:
    """Put the command together."""
    made = typer.Typer(
        name="personsearch", no_args_is_help=True, epilog=EPILOG, pretty_exceptions_show_locals=False, callback=_root
    )
    add_stack_verbs(made)
    for verb in (ingest, search, track, videos, delete):
        made.command()(verb)
    made.add_typer(galleries, name="galleries")
    made.add_typer(identities, name="identity")
    return made


app = build_app()


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
