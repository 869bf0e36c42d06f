"""`personsearch up`, `down`, `status`, `doctor`, `demo`, `pack` and `reindex`: handed on to the packages that do them.

They are loaded only when asked for, by name (each has an `app`): a client may be installed without the services, and
the client is below them in the order of imports.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import typer

from personsearch.cli.failures import Exit, fail

__all__ = ["add_stack_verbs"]

SUPERVISOR = "services.supervisor.cli"
DEMO = "evaluation.cli"
REINDEX = "services.reindex.cli"
VERBS = {
    "up": (SUPERVISOR, "Start the stack of this machine and wait until it is ready."),
    "down": (SUPERVISOR, "Stop the stack of this machine, every process of it."),
    "status": (SUPERVISOR, "Say what runs, and where."),
    "doctor": (SUPERVISOR, "Check this machine and the settings; changes nothing."),
    "demo": (DEMO, "Bring the stack up, ingest a short film, search each of its cast, and compare with the truth."),
    "pack": (REINDEX, "List, verify and activate packs: the networks that a deployment uses."),
    "reindex": (REINDEX, "Embed all that is stored anew with another pack, compare, and switch over; or back."),
}
# The verb's own package reads the arguments, --help included.
HANDED_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


def add_stack_verbs(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    for verb, (module, summary) in VERBS.items():
        app.command(verb, help=summary, context_settings=HANDED_ON)(_handler(verb, module))


def _handler(verb: str, module: str) -> Callable[[typer.Context], None]:
    def hand_on(context: typer.Context) -> None:
        _load_app(module, verb)(args=[verb, *context.args], prog_name="personsearch")

    return hand_on


def _load_app(module: str, verb: str) -> typer.Typer:
    """Import the package of a verb; a missing one is a clear line, a broken one keeps its trace."""
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        message = f"`{verb}` needs the package {module.split('.')[0]!r}, and only the client is installed here"
        raise fail(message, Exit.NO_STACK, as_json=False, reason="NO_STACK") from error
    app = loaded.app
    if not isinstance(app, typer.Typer):
        raise TypeError(f"got {type(app).__name__} for {module}.app, expected a typer.Typer")
    return app
