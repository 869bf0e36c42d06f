"""The stack that a measurement runs against: the one that runs, one in a fresh folder, or one that is kept."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.runtime.settings import StackSettings
from services.supervisor.api import Endpoints, ProgressEvent, down, status, up

__all__ = ["Stack", "kept_stack", "stack_of_pack", "use_stack"]


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
    with kept_stack(folder, say) as stack:
        yield stack
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def stack_of_pack(pack: Path, say: Callable[[str], None]) -> Iterator[Stack]:
    """Start a stack that serves one pack, in a fresh folder, and stop it at the end, as `use_stack` does."""
    folder = Path(tempfile.mkdtemp(prefix="personsearch-evaluation-"))
    with kept_stack(folder, say, pack=pack) as stack:
        yield stack
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def kept_stack(folder: Path, say: Callable[[str], None], *, pack: Path | None = None) -> Iterator[Stack]:
    """Start the stack of a folder, and stop it at the end; what it stored stays there for the next time.

    A stack that an earlier run of the folder left running is used. Without a pack it serves that of the settings.
    """
    settings = StackSettings(state_dir=folder) if pack is None else StackSettings(state_dir=folder, pack=pack)
    say(f"starting a stack in {folder}")
    try:
        yield Stack(up(settings, lambda event: _tell(event, say)), settings, own=True)
    except BaseException:
        say(f"failed; the logs are in {folder / 'logs'}")
        raise
    finally:
        down(settings)


def _tell(event: ProgressEvent, say: Callable[[str], None]) -> None:
    if event.kind == "note":
        say(event.text)
