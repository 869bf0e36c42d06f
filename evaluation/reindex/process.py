"""The real command as a process that can be killed at any moment, and how far it has come."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.backends.index.protocol import VectorIndex
from services.backends.schemas import Scope
from services.reindex.testing import GALLERY

__all__ = ["ReindexFailedError", "Reindexing"]

LOOK_S = 0.5
COMMAND = "import sys; from personsearch.cli.main import main; sys.argv[0] = 'personsearch'; main()"


class ReindexFailedError(RuntimeError):
    """The command ended with something else than success."""


class Reindexing:
    """`personsearch reindex` as a process of its own.

    Args:
        process: The process.
        log: What it says to people.
    """

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process, self._log = process, log

    @classmethod
    async def start(cls, options: list[str], environment: Mapping[str, str], log: Path) -> Reindexing:
        """Start it; its JSON is read by `ended`."""
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                COMMAND,
                "reindex",
                "--json",
                *options,
                stdout=asyncio.subprocess.PIPE,
                stderr=out,
                env={**os.environ, **environment},
            )
        return cls(process, log)

    async def killed_at(self, index: VectorIndex, appearances: int) -> int:
        """Kill it with SIGKILL as soon as so many appearances are there; say how many it left.

        It goes on writing while it is looked at, so that there may be more than what it was killed for.

        Raises:
            ReindexFailedError: If it ended before.
        """
        while (there := await _written(index)) < appearances:
            if self._process.returncode is not None:
                raise ReindexFailedError(f"it ended at {there} appearances, before {appearances}: {self._said()}")
            await asyncio.sleep(LOOK_S)
        self._process.kill()
        await self._process.communicate()
        return await _written(index)

    async def ended(self) -> dict[str, Any]:
        """Wait for its end and read what it tells. Raises ReindexFailedError."""
        out, _ = await self._process.communicate()
        if self._process.returncode != 0:
            raise ReindexFailedError(f"exit status {self._process.returncode}: {self._said()}")
        told: dict[str, Any] = json.loads(out)
        return told

    async def stopped(self) -> None:
        """See that it runs no more."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.communicate()

    def _said(self) -> str:
        return self._log.read_text(errors="replace")[-2000:]


async def _written(index: VectorIndex) -> int:
    return len(await index.list_places(None, Scope(GALLERY)))
