"""Reads the edges of whole galleries behind the back of queries, so that these find them in memory.

A gallery is prepared after a query has asked for it, video by video, and again when its edges or its identities have
changed and were left alone for a while: during an ingest it would not be worth it. What there is no room for is read
when it is asked for, as is all while a gallery is being prepared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from services.association.meaning import Meaning
from services.association.settings import LinkingSettings
from services.backends.associations.protocol import AssociationStore
from services.runtime.errors import DomainError
from services.runtime.tasks import end_tasks

__all__ = ["Preparer"]

Current = Callable[[str], Awaitable[Meaning]]


class Preparer:
    """Prepares galleries, each once at a time.

    Args:
        store: The cache.
        current: What the edges of a gallery mean now; the same object as long as that is so.
        settings: What lies between two videos, and how long nothing must have changed.
    """

    def __init__(self, store: AssociationStore, current: Current, settings: LinkingSettings) -> None:
        self._store, self._current = store, current
        self._pause_s, self._settle_s = settings.mirror_pause_s, settings.mirror_settle_s
        self._running: dict[str, asyncio.Task[None]] = {}

    def later(self, gallery: str, meaning: Meaning) -> None:
        """Prepare a gallery in the background, once it has been the same for a while."""
        if not meaning.shelf.kept or meaning.prepared or gallery in self._running:
            return
        if asyncio.get_running_loop().time() - meaning.since >= self._settle_s:
            self._running[gallery] = asyncio.get_running_loop().create_task(self._prepare(gallery))

    async def prepare(self, gallery: str) -> None:
        """Read all edges of a gallery that there is room for; begin anew when they change meanwhile.

        Raises:
            BackendUnavailableError: If the cache does not answer.
        """
        while not await self._all_of(gallery):
            pass

    async def aclose(self) -> None:
        """Stop."""
        await end_tasks(self._running.values())

    async def _prepare(self, gallery: str) -> None:
        try:
            await self._all_of(gallery)
        except DomainError:
            # The next query tries again; it may fail for the same reason, and says so.
            return
        finally:
            del self._running[gallery]

    async def _all_of(self, gallery: str) -> bool:
        """Whether nothing has changed while it was read."""
        meaning = await self._current(gallery)
        for video_id in sorted(await self._store.known_videos(gallery)):
            rows = meaning.shelf.roster.places(await self._store.appearances_of(gallery, video_id))
            if not self._store.has_room(meaning.shelf):
                break
            await self._store.fill(gallery, meaning.shelf, rows)
            meaning.weigh(rows)
            await asyncio.sleep(self._pause_s)
            if await self._current(gallery) is not meaning:
                return False
        meaning.prepared = True
        return True
