"""Real processes: `personsearch up` in a fresh state directory, as a user starts it."""

import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from evaluation.truth import Film, load_film
from services.runtime.settings import StackSettings
from services.supervisor.api import StackStatus, status

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples" / "demo"
UP_S, DOWN_S, COMMAND_S = 180, 90, 120


class Machine:
    """The `personsearch` command with a state directory of its own."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.settings = StackSettings(state_dir=state_dir)

    def command(self, *arguments: object, timeout_s: float = COMMAND_S) -> subprocess.CompletedProcess[str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PERSONSEARCH_") or name == "PERSONSEARCH_PACK"
        }
        return subprocess.run(
            [sys.executable, "-m", "personsearch.cli.main", *map(str, arguments)],
            env=inherited | {"PERSONSEARCH_STATE_DIR": str(self.state_dir)},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            cwd=ROOT,
        )

    def up(self) -> StackStatus:
        done = self.command("up", timeout_s=UP_S)
        assert done.returncode == 0, done.stderr + self.logs()
        return self.status()

    def status(self) -> StackStatus:
        return status(self.settings)

    def processes(self) -> dict[int, str]:
        """The supervisor and everything below it, by process id."""
        return descendants(self.status().pid or -1)

    def logs(self) -> str:
        tails = [f"--- {path.name}\n{path.read_text()[-2000:]}" for path in sorted(self.state_dir.glob("logs/*"))]
        return "\n".join(tails)


def descendants(root: int) -> dict[int, str]:
    """Map the ids of a process and all below it to their command lines."""
    parents, lines = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            lines[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
    found, added = {root} & parents.keys(), True
    while added:
        below = {pid for pid, parent in parents.items() if parent in found} - found
        found, added = found | below, bool(below)
    return {pid: lines[pid] for pid in found}


def wait_for_end(pid: int, timeout_s: float) -> bool:
    """Wait until a process has ended; False when it has not in time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], timeout_s)[0])
    finally:
        os.close(descriptor)


@pytest.fixture(scope="session")
def film() -> Film:
    return load_film(DEMO)


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], object]:
    """Makes machines with a running stack; what is still up at the end is stopped."""

    @contextmanager
    def running() -> Iterator[Machine]:
        made = Machine(tmp_path_factory.mktemp("state"))
        made.up()
        try:
            yield made
        finally:
            made.command("down", timeout_s=DOWN_S)

    return running


@pytest.fixture(scope="session")
def machine(film: Film, start) -> Iterator[Machine]:
    """The stack that most tests share."""
    with start() as made:
        yield made


@pytest.fixture(scope="session")
def ended() -> Callable[[int, float], bool]:
    return wait_for_end
