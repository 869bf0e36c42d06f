"""The tiny pack, and a real Triton that serves it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from packs.fusers import FUSERS_DIR
from packs.manifest import Pack
from packs.testing import TinyPack, write_tiny_pack
from services.runtime.ports import free_ports
from services.runtime.settings import StackSettings
from services.supervisor.child import SOURCE_ROOT, Child
from services.supervisor.triton import TritonUnavailableError, find_triton, triton_child, triton_python


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyPack:
    """The pack on the disk."""
    return write_tiny_pack(tmp_path_factory.mktemp("tiny-pack"), text=True)


@pytest.fixture(scope="session")
def triton_address(tiny: TinyPack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real embedded Triton that serves the tiny pack and networks that fuse; skipped only where it cannot run."""
    try:
        installation = find_triton(triton_python(StackSettings()))
    except TritonUnavailableError as error:
        pytest.skip(f"no embedded Triton: {error}")
    work_dir = tmp_path_factory.mktemp("triton")
    model_file = SOURCE_ROOT / "model_repository" / "model.py"
    beside, port = [Pack.load(FUSERS_DIR)], free_ports(1)[0]
    spec = triton_child(installation, tiny.pack, model_file, work_dir, port, threads=1, beside=beside)
    with asyncio.Runner() as runner:
        child = runner.run(Child.start(spec, work_dir))
        try:
            runner.run(child.until_ready())
            yield spec.address
        finally:
            runner.run(child.stop())
