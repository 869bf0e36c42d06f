"""What `personsearch doctor` looks at: everything that a stack on this machine will need."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from packs.errors import PackError
from packs.manifest import Pack
from services.runtime.settings import PREFIX, StackSettings, known_variables, unknown_variables
from services.supervisor.errors import SupervisorError
from services.supervisor.guard import SHARED_MEMORY
from services.supervisor.state import StateDir
from services.supervisor.stores import redis_server
from services.supervisor.triton import TritonUnavailableError, find_triton, triton_python

PACKAGES = (
    "numpy",
    "openvino",
    "opencv-python-headless",
    "av",
    "pymilvus",
    "milvus-lite",
    "redis",
    "grpcio",
    "protobuf",
)
LEAST_FREE_GIB = 1.0
LEAST_SHARED_MIB = 16.0
# Settings of single services, found by name: the supervisor does not depend on the services that it starts.
SERVICE_SETTINGS = (
    "services.search.settings",
    "services.ingest.settings",
    "services.association.settings",
    "services.fusion.settings",
    "services.gallery.settings",
    "services.reindex.settings",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        ok: True: good; None: it works with less; False: the stack will not start.
        found: What was found, and what to do about it unless it is good.
    """

    name: str
    ok: bool | None
    found: str


def doctor(settings: StackSettings, environment: Mapping[str, str] = os.environ) -> list[Check]:
    """Look at everything. Starts nothing and changes nothing."""
    looks: list[tuple[str, Callable[[], tuple[bool | None, str]]]] = [
        ("python", _python),
        ("packages", _packages),
        ("environment", lambda: _environment(environment)),
        ("pack", lambda: _pack(settings)),
        ("inference", lambda: _inference(settings)),
        ("milvus", lambda: _milvus(settings)),
        ("redis", lambda: _redis(settings)),
        ("state directory", lambda: _state_dir(settings)),
        ("shared memory", _shared_memory),
        ("stack", lambda: _stack(settings)),
    ]
    return [Check(name, *look()) for name, look in looks]


def _python() -> tuple[bool | None, str]:
    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] <= (3, 12)
    return good, f"{version} at {sys.executable}" + ("" if good else "; use Python 3.11 or 3.12")


def _packages() -> tuple[bool | None, str]:
    versions, absent = [], []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            absent.append(name)
    if absent:
        return False, f"not installed: {', '.join(absent)}; run `make setup`"
    return True, ", ".join(versions)


def _environment(environment: Mapping[str, str]) -> tuple[bool | None, str]:
    named = sorted(name for name in environment if name.startswith(PREFIX))
    unknown = unknown_variables(environment, _service_variables())
    if unknown:
        return None, f"mean nothing, are they mistyped? {', '.join(unknown)}"
    return True, ", ".join(named) or f"no {PREFIX}* is set"


def _service_variables() -> Iterator[str]:
    for name in SERVICE_SETTINGS:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, BaseModel) and issubclass(value, StackSettings):
                yield from known_variables(value)


def _pack(settings: StackSettings) -> tuple[bool | None, str]:
    try:
        pack = Pack.load(settings.pack)
        pack.verify()
    except PackError as error:
        return False, str(error)
    embeds = ", ".join(pack.modalities)
    return True, f"{pack.name} {pack.version}, digest {pack.digest[:12]}, embeds {embeds}, at {pack.directory}"


def _inference(settings: StackSettings) -> tuple[bool | None, str]:
    wanted = settings.inference
    if wanted.address is not None:
        return True, f"Triton at {wanted.address} (configured)"
    if wanted.kind == "local":
        return True, "inside the services (configured)"
    try:
        found = find_triton(triton_python(settings))
    except TritonUnavailableError as error:
        without = None if wanted.kind == "auto" else False
        return without, f"Triton cannot run here, networks would run inside the services: {error}"
    versions = ", ".join(f"{name} {version}" for name, version in found.packages.items())
    return True, f"embedded Triton ({versions}, Python {found.python_version})"


def _milvus(settings: StackSettings) -> tuple[bool | None, str]:
    if settings.milvus.uri:
        return True, f"{settings.milvus.uri} (configured)"
    return True, f"Milvus Lite in {settings.state_dir / 'milvus'}; for more than some 20,000 tracklets use Standalone"


def _redis(settings: StackSettings) -> tuple[bool | None, str]:
    if settings.redis.url:
        return True, "another server (configured)"
    try:
        return True, str(redis_server())
    except SupervisorError as error:
        return False, str(error)


def _state_dir(settings: StackSettings) -> tuple[bool | None, str]:
    path = settings.state_dir.absolute()
    standing = next(parent for parent in (path, *path.parents) if parent.exists())
    if not os.access(standing, os.W_OK):
        return False, f"{path} cannot be written; set PERSONSEARCH_STATE_DIR"
    free_gib = shutil.disk_usage(standing).free / 2**30
    enough = free_gib >= LEAST_FREE_GIB
    return enough or None, f"{path}, {free_gib:.1f} GiB free" + ("" if enough else "; make room")


def _shared_memory() -> tuple[bool | None, str]:
    path = SHARED_MEMORY
    if not path.is_dir():
        return None, f"{path} is absent, so Triton cannot run"
    free_mib = shutil.disk_usage(path).free / 2**20
    enough = free_mib >= LEAST_SHARED_MIB
    return enough or None, f"{free_mib:.0f} MiB free" + ("" if enough else f"; Triton wants {LEAST_SHARED_MIB:.0f}")


def _stack(settings: StackSettings) -> tuple[bool | None, str]:
    status = StateDir(settings.state_dir).read_status()
    if not status.running:
        return True, "none runs here; `personsearch up` starts one"
    bad = [f"{child.name} is {child.state}, see {child.log}" for child in status.children if child.state != "ready"]
    return (None if bad else True), "; ".join(bad) or f"runs (pid {status.pid})"
