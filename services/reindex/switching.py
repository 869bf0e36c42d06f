"""After the index was cut over: the deployment starts with the new pack, and a running stack is restarted."""

from __future__ import annotations

import os
from collections.abc import Callable

from packs.errors import PackError
from packs.manifest import Pack
from packs.shelf import PackShelf
from services.reindex.settings import ReindexStackSettings
from services.runtime.settings import StackSettings, variable
from services.supervisor import api

__all__ = ["start_with"]

Say = Callable[[str], None]


def start_with(pack: Pack, settings: ReindexStackSettings, shelf: PackShelf, *, stack_runs: bool, say: Say) -> None:
    """Make a pack the deployment's own, and replace the processes of the one before.

    Until they are replaced they go on answering from the collections of their own pack.

    Raises:
        PackError: If the pack's files are not what they should be.
        SupervisorError: If the stack does not come up again.
    """
    folder = shelf.activate(pack)
    said = _named_by_the_environment()
    if said is not None and said.digest != pack.digest:
        say(f"{variable('pack')} names another pack and wins: set it to {folder}, then restart the services")
        return
    if not stack_runs:
        say(f"`personsearch up` starts with it; restart processes elsewhere with {variable('pack')}={folder}")
        return
    say("restarting the stack with the new pack; searches are refused for a few seconds")
    api.down(settings)
    api.up(StackSettings(state_dir=settings.state_dir))


def _named_by_the_environment() -> Pack | None:
    folder = os.environ.get(variable("pack"))
    if not folder:
        return None
    try:
        return Pack.load(folder)
    except PackError:
        return None
