"""The embedded Triton as the supervisor runs it."""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path

import pytest

from packs.testing import write_tiny_pack
from services.runtime.ports import free_ports
from services.runtime.settings import StackSettings
from services.supervisor.child import SOURCE_ROOT, Child
from services.supervisor.guard import SHARED_MEMORY
from services.supervisor.triton import TritonUnavailableError, find_triton, triton_child, triton_python

MODEL_FILE = SOURCE_ROOT / "model_repository" / "model.py"


def test_no_environment_is_told(tmp_path: Path) -> None:
    with pytest.raises(TritonUnavailableError, match="no environment for Triton"):
        find_triton(tmp_path / "bin" / "python")


def test_an_environment_without_the_wheel_is_told() -> None:
    with pytest.raises(TritonUnavailableError, match="does not have what Triton needs"):
        find_triton(Path(sys.executable))


def test_an_old_libc_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # The libc of the machine that runs the test cannot be chosen otherwise.
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.31"))
    with pytest.raises(TritonUnavailableError, match=r"needs glibc 2\.35, this machine has glibc 2\.31"):
        find_triton(Path(sys.executable))


@pytest.mark.triton
async def test_no_stub_outlives_a_server_that_was_killed(tmp_path: Path, log_dir: Path) -> None:
    try:
        installation = find_triton(triton_python(StackSettings()))
    except TritonUnavailableError as error:
        pytest.skip(f"no embedded Triton: {error}")
    (tmp_path / "pack").mkdir()
    pack = write_tiny_pack(tmp_path / "pack").pack
    port = free_ports(1)[0]
    child = await Child.start(triton_child(installation, pack, MODEL_FILE, tmp_path, port, threads=1), log_dir)
    try:
        await child.until_ready()
        stubs = [os.pidfd_open(pid) for pid in children_of(child.pid)]
        assert len(stubs) == len(pack.models)
        assert regions(child)
        os.kill(child.pid, signal.SIGKILL)
        assert await child.wait() == -signal.SIGKILL
        # What the supervisor does with a child that died: stubs alone may take their time.
        await child.kill()
        for stub in stubs:
            readable, _, _ = select.select([stub], [], [], 10.0)
            os.close(stub)
            assert readable
        assert not regions(child)
    finally:
        await child.kill()


def children_of(pid: int) -> list[int]:
    """Process ids of the direct children of a process."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def regions(child: Child) -> list[str]:
    """The shared memory that this server has."""
    return [path.name for path in SHARED_MEMORY.glob(f"{child.spec.shared_memory}*")]
