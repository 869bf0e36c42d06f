"""The embedded Triton: the real server binary of the nvidia-pytriton wheel, in an environment of its own."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packs.manifest import Pack
from packs.repository import ServingOptions, write_repository
from services.runtime.settings import StackSettings
from services.supervisor.child import SOURCE_ROOT, ChildSpec
from services.supervisor.guard import sweep_shared_memory
from services.supervisor.probes import triton_probe

LEAST_GLIBC = (2, 35)
NUMPY = "1.26."
# Asks the interpreter itself, since only it knows its library directory.
QUESTION = """
import json, sysconfig, importlib.metadata as m
get = sysconfig.get_config_var
print(json.dumps({"version": get("py_version_short"), "shared": bool(get("Py_ENABLE_SHARED")), "lib": get("LIBDIR"),
 "site": sysconfig.get_path("purelib"),
 "packages": {n: m.version(n) for n in ("nvidia-pytriton", "numpy", "openvino")}}))
"""


class TritonUnavailableError(Exception):
    """The embedded Triton cannot run here; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class TritonInstallation:
    """Where the parts of the embedded Triton lie.

    Attributes:
        python: The interpreter of its environment.
        python_version: Such as ``3.11``; the backend's stub is built for one minor version.
        site_packages: Where the wheel was unpacked.
        library_dir: Folder of libpython.
        packages: Versions of what it needs.
    """

    python: Path
    python_version: str
    site_packages: Path
    library_dir: Path
    packages: Mapping[str, str]

    @property
    def server(self) -> Path:
        """The server's binary."""
        return self.site_packages / "pytriton" / "tritonserver" / "bin" / "tritonserver"

    @property
    def stub(self) -> Path:
        """The Python backend's stub for this Python."""
        root = self.site_packages / "pytriton" / "tritonserver" / "python_backend_stubs"
        return root / self.python_version / "triton_python_backend_stub"

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """The variables under which the server and its stubs find their libraries and their own numpy."""
        kept = {name: value for name, value in base.items() if name not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}}
        libraries = [str(self.site_packages / "nvidia_pytriton.libs"), str(self.library_dir)]
        # The stub embeds Python, which takes its packages from the environment whose interpreter is first on PATH.
        path = os.pathsep.join([str(self.python.parent), base.get("PATH", os.defpath)])
        return kept | {"PATH": path, "LD_LIBRARY_PATH": os.pathsep.join(libraries)}


def triton_python(settings: StackSettings) -> Path:
    """The interpreter of Triton's environment: the configured one, or the one that ``make setup`` makes."""
    return settings.triton.python or SOURCE_ROOT / ".venv-triton" / "bin" / "python"


def find_triton(python: Path) -> TritonInstallation:
    """Look at the environment of ``python``.

    Raises:
        TritonUnavailableError: It cannot serve.
    """
    _check_platform()
    if not python.exists():
        raise TritonUnavailableError(f"no environment for Triton at {python.parent.parent}; `make setup` makes it")
    answer = _ask(python)
    if not answer["shared"]:
        raise TritonUnavailableError(f"{python} has no shared libpython; use a Python built with --enable-shared")
    found = TritonInstallation(
        # Not resolved: it is by the name inside the environment that Python finds the environment.
        python=python.absolute(),
        python_version=answer["version"],
        site_packages=Path(answer["site"]),
        library_dir=Path(answer["lib"]),
        packages=answer["packages"],
    )
    if not found.packages["numpy"].startswith(NUMPY):
        raise TritonUnavailableError(f"Triton needs numpy {NUMPY}x, {python} has {found.packages['numpy']}")
    absent = [path for path in (found.server, found.stub) if not path.exists()]
    if absent:
        raise TritonUnavailableError(f"nvidia-pytriton lacks {', '.join(map(str, absent))}; use Python 3.11 or 3.12")
    return found


def triton_child(
    found: TritonInstallation,
    pack: Pack,
    model_file: Path,
    work_dir: Path,
    port: int,
    threads: int | None,
    beside: Sequence[Pack] = (),
) -> ChildSpec:
    """Lay out the backend and the model repository under ``work_dir``, and say how to run the server.

    Networks of the packs `beside` are served too; their names differ from those of the pack.
    """
    repository = work_dir / "model_repository"
    shutil.rmtree(repository, ignore_errors=True)
    for one in (pack, *beside):
        write_repository(one, repository, model_file, ServingOptions(threads=threads))
    address = f"127.0.0.1:{port}"
    region = "personsearch_" + hashlib.sha256(str(work_dir.absolute()).encode()).hexdigest()[:12] + "_"
    # A machine that lost power had no time for it.
    sweep_shared_memory(region)
    argv = [
        str(found.server),
        f"--model-repository={repository}",
        f"--backend-directory={_lay_out_backend(found, work_dir / 'backends')}",
        "--grpc-address=127.0.0.1",
        f"--grpc-port={port}",
        "--allow-http=false",
        "--allow-metrics=false",
        # Every config is complete, so Triton need not start each model once more to ask it.
        "--disable-auto-complete-config",
        "--pinned-memory-pool-byte-size=0",
        "--exit-timeout-secs=5",
        f"--backend-config=python,shm-region-prefix-name={region}",
    ]
    environment = found.environment(os.environ)
    models = {name: spec for one in (pack, *beside) for name, spec in one.models.items()}
    probe = triton_probe(address, models)
    return ChildSpec("triton", argv, environment, probe, stop_s=10.0, address=address, shared_memory=region)


def _check_platform() -> None:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise TritonUnavailableError(f"Triton's binary runs on Linux x86_64, this is {platform.platform(terse=True)}")
    library, version = platform.libc_ver()
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if library != "glibc" or numbers < LEAST_GLIBC:
        raise TritonUnavailableError(f"Triton's binary needs glibc 2.35, this machine has {library} {version}")


def _ask(python: Path) -> dict[str, Any]:
    command = [str(python), "-c", QUESTION]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise TritonUnavailableError(f"{python} does not have what Triton needs ({error}); run `make setup`") from error
    parsed: dict[str, Any] = json.loads(answer.stdout)
    return parsed


def _lay_out_backend(found: TritonInstallation, target: Path) -> Path:
    """The server, its utilities and the stub for this Python, in the one directory where Triton looks."""
    source = found.site_packages / "pytriton" / "tritonserver" / "backends" / "python"
    directory = target / "python"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for name in ("libtriton_python.so", "triton_python_backend_utils.py"):
        (directory / name).symlink_to(source / name)
    stub = directory / found.stub.name
    shutil.copyfile(found.stub, stub)
    stub.chmod(0o755)
    return target
