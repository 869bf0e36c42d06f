"""How the command ends: exit codes, and one clear line for each thing that can go wrong.

0    done
1    a service refused the call or failed
2    wrong usage
3    no stack runs, or it does not answer
4    the portrait needs a choice (several faces), or shows no face
130  interrupted with Ctrl-C
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import TypeVar

import typer

from personsearch.cli.faces import print_choice
from personsearch.cli.json_view import box_view
from personsearch.client import PersonSearchClient
from personsearch.errors import NoStackError, PersonSearchError, SeveralFacesError, UnreachableError

__all__ = ["Exit", "call", "fail", "report"]

T = TypeVar("T")


class Exit(IntEnum):
    """Exit codes."""

    REFUSED = 1
    USAGE = 2
    NO_STACK = 3
    NEEDS_A_FACE = 4
    INTERRUPTED = 130


def call(action: Callable[[PersonSearchClient], Awaitable[T]], *, as_json: bool) -> T:
    """Run an action with a connected client; an error becomes one line and an exit code."""
    try:
        return asyncio.run(_connected(action))
    except NoStackError as error:
        raise fail(str(error), Exit.NO_STACK, as_json=as_json, reason="NO_STACK") from error
    except PersonSearchError as error:
        report(error, as_json=as_json)
        raise typer.Exit(exit_code(error)) from error


async def _connected(action: Callable[[PersonSearchClient], Awaitable[T]]) -> T:
    async with PersonSearchClient() as client:
        return await action(client)


def exit_code(error: PersonSearchError) -> Exit:
    """Choose the exit code of a failed call."""
    if isinstance(error, UnreachableError):
        return Exit.NO_STACK
    if error.reason in ("SEVERAL_FACES", "NO_FACE"):
        return Exit.NEEDS_A_FACE
    return Exit.REFUSED


def report(error: PersonSearchError, *, as_json: bool) -> None:
    """Print a failed call to standard error: one line, or one JSON object."""
    if as_json:
        facts: dict[str, object] = {"reason": error.reason, "message": error.message, "metadata": error.metadata}
        facts["fields"] = {found.field: found.description for found in error.violations}
        if isinstance(error, SeveralFacesError):
            facts["faces"] = [box_view(face) for face in error.faces]
        typer.echo(json.dumps({"error": facts}), err=True)
        return
    if isinstance(error, SeveralFacesError):
        print_choice(error)
        return
    fields = "; ".join(f"{found.field}: {found.description}" for found in error.violations)
    typer.secho(f"error: {error.message}" + (f" ({fields})" if fields else ""), err=True, fg="red")


def fail(message: str, code: Exit, *, as_json: bool, reason: str) -> typer.Exit:
    """Print a mistake that no service reported, and return the exit to raise."""
    if as_json:
        typer.echo(json.dumps({"error": {"reason": reason, "message": message}}), err=True)
    else:
        typer.secho(f"error: {message}", err=True, fg="red")
    return typer.Exit(code)
