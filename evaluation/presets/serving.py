"""A real Triton that serves a pack, for as long as it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from export.triton_schema import read_back
from packs.manifest import Pack
from services.runtime.ports import free_ports
from services.runtime.settings import StackSettings
from services.supervisor.child import SOURCE_ROOT, Child
from services.supervisor.triton import find_triton, triton_child, triton_python

__all__ = ["serving"]

MODEL_FILE = SOURCE_ROOT / "model_repository" / "model.py"
# Two dozen networks are compiled and warmed up, and the machine may be busy.
READY_S = 600.0


@asynccontextmanager
async def serving(pack: Pack, work_dir: Path, threads: int) -> AsyncIterator[str]:
    """Start the embedded Triton with the repository of the `cpu` target, each configuration read back first.

    Args:
        pack: What is served.
        work_dir: Where the repository and the log lie; made when absent.
        threads: CPU threads of one run.

    Yields:
        Its address.

    Raises:
        services.supervisor.triton.TritonUnavailableError: It cannot run here; says why.
        services.supervisor.errors.ChildFailedError: It ended, or was not ready in time.
        export.triton_schema.ConfigError: If Triton would read something else than the pack declares.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    installation = find_triton(triton_python(StackSettings()))
    spec = triton_child(installation, pack, MODEL_FILE, work_dir, free_ports(1)[0], threads)
    for name, model in pack.models.items():
        read_back(work_dir / "model_repository" / name / "config.pbtxt", model)
    child = await Child.start(replace(spec, ready_s=READY_S), work_dir)
    try:
        await child.until_ready()
        yield spec.address
    finally:
        await child.stop()
