"""Engines on the disk: one folder for each build, complete or absent, and one builder at a time.

    <store>/<GPU, driver and TensorRT>/timing.cache
    <store>/<GPU, driver and TensorRT>/<model>/<build>/model.plan, graph.onnx, engine.json

A build is named by a digest of everything that went into it, so a changed weight or option is another folder and no
plan is ever replaced under a server that has it open.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.engine_key import EngineKey
from export.engine_options import EngineError

PLAN, GRAPH, RECORD = "model.plan", "graph.onnx", "engine.json"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class StoredEngine:
    """One engine that is there.

    Attributes:
        directory: Its folder.
        record: What `engine.json` says: `model`, `source_sha256`, `precision`, `options`, `key`, `trtexec`.
    """

    directory: Path
    record: dict[str, Any]

    @property
    def plan(self) -> Path:
        """The engine."""
        return self.directory / PLAN

    @property
    def key(self) -> EngineKey:
        """What it is bound to."""
        return EngineKey(**self.record["key"])


class EngineStore:
    """Engines below one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def timing_cache(self, key: EngineKey) -> Path:
        """File of the timing cache that the builds of a key share."""
        return self._root / key.slug / "timing.cache"

    def directory_of(self, key: EngineKey, model: str, recipe: dict[str, Any]) -> Path:
        """Where the engine of a recipe lies, or will."""
        digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
        return self._root / key.slug / model / digest[:16]

    def engines(self) -> list[StoredEngine]:
        """Every complete engine, in the order of their folders."""
        found = self._root.glob(f"*/*/*/{RECORD}")
        # A name with a dot in front is a build that has not appeared yet.
        records = sorted(path for path in found if not path.parent.name.startswith("."))
        return [StoredEngine(path.parent, json.loads(path.read_text())) for path in records]

    def built_once(self, directory: Path, build: Callable[[Path], dict[str, Any]], say: Say) -> StoredEngine:
        """Give the engine of a folder; build it when it is not there, alone, and let it appear whole.

        Args:
            directory: From `directory_of`.
            build: Writes the plan and its graph into a folder of its own, and gives the record.
            say: Receives a line when another builder has to be waited for.

        Raises:
            Whatever `build` raises; nothing is left behind then.
        """
        directory.parent.mkdir(parents=True, exist_ok=True)
        with locked(directory.with_suffix(".lock"), say):
            if not (directory / RECORD).is_file():
                _appear(directory, build)
        return StoredEngine(directory, json.loads((directory / RECORD).read_text()))


def _appear(directory: Path, build: Callable[[Path], dict[str, Any]]) -> None:
    partial = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        record = build(partial)
        (partial / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
        # mkdtemp gives a folder that nobody else may read; a server runs as somebody else.
        partial.chmod(0o755)
        partial.rename(directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def locked(path: Path, say: Say) -> Iterator[None]:
    """Hold a lock that the system lets go of when the process ends, whatever way it ends.

    Raises:
        EngineError: If the folder's file system has no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another builder holds {path}: waiting for it")
            fcntl.flock(stream, fcntl.LOCK_EX)
        except OSError as error:
            raise EngineError(f"cannot lock {path} ({error}): keep the engines on a file system with locks") from error
        yield


def replace_bytes(path: Path, content: bytes) -> None:
    """Write a file that is never seen half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)
