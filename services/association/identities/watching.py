"""What a search is told of identities: quickly, from what is in memory, which is brought up to date behind its back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from services.association.context import IdentityContext
from services.association.identities.answers import Label, label_of
from services.association.identities.keeper import IdentityKeeper
from services.association.identities.people import People
from services.association.identities.settings import IdentitySettings
from services.association.identities.state import IdentityState
from services.runtime.errors import DomainError
from services.runtime.tasks import end_tasks

__all__ = ["IdentityWatch"]


class IdentityWatch:
    """Reads identities for searches, and looks for new videos now and then.

    Args:
        keeper: Who is who.
        settings: How long a search waits, and how often to look.
        logger: Where it writes.
    """

    def __init__(self, keeper: IdentityKeeper, settings: IdentitySettings, logger: logging.Logger) -> None:
        self._keeper, self._settings, self._logger = keeper, settings, logger
        self._running: dict[str, asyncio.Task[None]] = {}
        self._looked: dict[str, float] = {}
        self._contexts: dict[str, tuple[IdentityState, IdentityContext]] = {}

    async def labels(self, gallery: str, appearance_ids: Sequence[str]) -> Mapping[str, Label]:
        """Say who some appearances are, as far as it is known in time; it never fails."""
        if not self._settings.in_search:
            return {}
        # Where that fails, as without a cache, only one search in a while finds out.
        if self._now() - self._looked.get(gallery, float("-inf")) >= self._settings.recheck_s:
            self.refresh(gallery)
        if self._keeper.known(gallery) is None and gallery in self._running:
            await asyncio.wait([self._running[gallery]], timeout=self._settings.label_wait_s)
        people = self._keeper.known(gallery)
        if people is None:
            return {}
        homes = people.state.homes
        return {one: label_of(people, homes[one]) for one in appearance_ids if one in homes}

    async def said(self, gallery: str) -> People | None:
        """What was said, for who must not answer without it, as `IdentityKeeper.said`."""
        return await self._keeper.said(gallery)

    def context(self, gallery: str) -> IdentityContext | None:
        """Who is who for associations, as it is in memory; None while nothing is, or searches do without."""
        people = self._keeper.known(gallery) if self._settings.in_search else None
        if people is None:
            return None
        kept = self._contexts.get(gallery)
        if kept is None or kept[0] is not people.state:
            kept = (people.state, IdentityContext.of(people))
            self._contexts[gallery] = kept
        return kept[1]

    def changed(self, gallery: str) -> None:
        """Note that a gallery may have a new video: its people are known before somebody asks."""
        if self._settings.in_search:
            self.refresh(gallery)

    def refresh(self, gallery: str) -> asyncio.Task[None]:
        """Bring a gallery up to date in the background; callers at the same time share one run."""
        task = self._running.get(gallery)
        if task is None:
            self._looked[gallery] = self._now()
            task = asyncio.create_task(self._refresh(gallery))
            self._running[gallery] = task
            task.add_done_callback(lambda _: self._running.pop(gallery, None))
        return task

    async def aclose(self) -> None:
        """Stop."""
        await end_tasks(self._running.values())

    async def _refresh(self, gallery: str) -> None:
        try:
            await self._keeper.people(gallery)
        except DomainError as error:
            self._logger.warning("identities are not up to date", extra={"gallery": gallery, "error": str(error)})
        except Exception as error:
            self._logger.warning("identities failed", exc_info=error, extra={"gallery": gallery})

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
