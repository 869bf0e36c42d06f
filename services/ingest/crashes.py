"""A file that kills the worker must not do so for ever.

Whoever begins an ingest leaves a note and takes it away when it ends in any way that a program can see. A note that is
still there was left by a worker that died; when too many died at the same checkpoint, the file is to blame.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from services.backends.ephemeral.protocol import EphemeralStore
from services.backends.schemas import Video
from services.ingest.identifiers import crash_key
from services.runtime.errors import BackendUnavailableError

__all__ = ["CrashNotes", "CrashedTooOftenError"]

KEPT_S = 24 * 3600.0


class CrashedTooOftenError(RuntimeError):
    """The worker died too often at this place of the video."""


class CrashNotes:
    """Keeps the notes.

    Args:
        ephemeral: Where they are kept; when it does not answer, nothing is counted.
        most: After so many deaths at one checkpoint a video is given up.
    """

    def __init__(self, ephemeral: EphemeralStore, most: int) -> None:
        self._ephemeral = ephemeral
        self._most = most

    @asynccontextmanager
    async def noted(self, video: Video) -> AsyncIterator[None]:
        """Have a note lie there while the body runs.

        Raises:
            CrashedTooOftenError: Before the body runs, if too many have died.
        """
        key = crash_key(video.video_id)
        deaths = await self._deaths(key, video.committed_frame)
        if deaths >= self._most:
            await self._forget(key)
            raise CrashedTooOftenError(f"the worker died {deaths} times at {video.committed_s:.1f} s of this file")
        note = json.dumps({"committed_frame": video.committed_frame, "begun": deaths + 1}).encode()
        with suppress(BackendUnavailableError):
            await self._ephemeral.put(key, note, KEPT_S)
        try:
            yield
        finally:
            await self._forget(key)

    async def _deaths(self, key: str, committed_frame: int) -> int:
        with suppress(BackendUnavailableError):
            note = await self._ephemeral.get(key)
            if note is not None:
                left = json.loads(note)
                return int(left["begun"]) if left["committed_frame"] == committed_frame else 0
        return 0

    async def _forget(self, key: str) -> None:
        with suppress(BackendUnavailableError):
            await self._ephemeral.delete(key)
