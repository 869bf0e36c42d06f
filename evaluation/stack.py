"""The stack that a measurement runs against: the one that runs, or one of its own in a fresh folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.runtime.settings import StackSettings
from services.supervisor.api import Endpoints, ProgressEvent, down, status, up

__all__ = ["Stack", "use_stack"]


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that is ready; `own` says whether it was started for this measurement."""

    endpoints: Endpoints
    settings: StackSettings
    own: bool


@contextmanager
def use_stack(say: Callable[[str], None]) -> Iterator[Stack]:
    """Use the running stack, or start one in a fresh folder and stop it at the end, whatever happens.

    The folder is kept, for its logs, when the measurement fails.
    """
    settings = StackSettings()
    running = status(settings)
    if running.endpoints is not None:
        say(f"using the stack that runs in {settings.state_dir}")
        yield Stack(running.endpoints, settings, own=False)
        return
    folder = Path(tempfile.mkdtemp(prefix="personsearch-evaluation-"))
    own = StackSettings(state_dir=folder)
    say(f"starting a stack in {folder}")
    try:
        yield Stack(up(own, lambda event: _tell(event, say)), own, own=True)
    except BaseException:
        say(f"failed; the logs are in {folder / 'logs'}")
        down(own)
        raise
    down(own)
    shutil.rmtree(folder, ignore_errors=True)


def _tell(event: ProgressEvent, say: Callable[[str], None]) -> None:
    if event.kind == "note":
        say(event.text)
