"""The cache is rebuilt from the index where it has gaps: after a loss of Redis, or when associating a video failed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from services.association.settings import LinkingSettings
from services.backends.associations.protocol import AssociationStore
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import VideoState
from services.runtime.errors import BackendUnavailableError, DomainError, GalleryNotFoundError
from services.runtime.tasks import end_tasks

__all__ = ["Mender"]

Associate = Callable[[str, str], Awaitable[None]]


class Mender:
    """Associates videos that are ready and that the cache does not know, one gallery at a time.

    Args:
        index: The record.
        store: The cache.
        associate: Associates one video of a gallery.
        settings: How long a read may wait, and how often to look.
        logger: Where it writes.
    """

    def __init__(
        self,
        index: VectorIndex,
        store: AssociationStore,
        associate: Associate,
        settings: LinkingSettings,
        logger: logging.Logger,
    ) -> None:
        self._index, self._store, self._associate = index, store, associate
        self._settings, self._logger = settings, logger
        self._running: dict[str, asyncio.Task[None]] = {}
        self._looked: dict[str, float] = {}
        self._unready: dict[tuple[str, str], float] = {}

    async def mend(self, gallery: str, appearance_ids: Sequence[str]) -> bool:
        """Make appearances known that are not, as far as their videos are ready; say whether anything was tried.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
            BackendUnavailableError: If a back end does not answer, or it takes longer than a read may wait.
        """
        appearances = await self._index.get_appearances(gallery, appearance_ids)
        videos = {appearance.video_id for appearance in appearances.values()}
        if not videos and await self._index.get_gallery(gallery) is None:
            raise GalleryNotFoundError(gallery)
        wanted = [video for video in videos if not self._was_unready(gallery, video)]
        if not wanted:
            return False
        try:
            await asyncio.wait_for(asyncio.shield(self._mending(gallery)), self._settings.mend_wait_s)
        except TimeoutError:
            raise BackendUnavailableError("associations", f"those of {gallery} are being rebuilt") from None
        known = await self._store.known_videos(gallery)
        self._unready.update({(gallery, video): self._now() for video in wanted if video not in known})
        return True

    def recheck_later(self, gallery: str) -> None:
        """Look for forgotten videos in the background, now and then."""
        if self._now() - self._looked.get(gallery, float("-inf")) >= self._settings.recheck_s:
            self._looked[gallery] = self._now()
            self._mending(gallery)

    async def aclose(self) -> None:
        """Stop."""
        await end_tasks(self._running.values())

    def _mending(self, gallery: str) -> asyncio.Task[None]:
        """The run of a gallery; callers at the same time share one."""
        task = self._running.get(gallery)
        if task is None:
            task = asyncio.create_task(self._mend_all(gallery))
            self._running[gallery] = task
            task.add_done_callback(lambda done: self._ended(gallery, done))
        return task

    def _ended(self, gallery: str, task: asyncio.Task[None]) -> None:
        self._running.pop(gallery, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Whoever waits for the run gets the error too; a run in the background has nobody else to tell.
            known = isinstance(error, DomainError)
            self._logger.warning("mending failed", exc_info=None if known else error, extra={"error": str(error)})

    async def _mend_all(self, gallery: str) -> None:
        ready = await self._index.list_videos(gallery, [VideoState.READY])
        known = await self._store.known_videos(gallery)
        forgotten = [video.video_id for video in ready if video.video_id not in known]
        for video_id in forgotten:
            await self._associate(gallery, video_id)
        self._looked[gallery] = self._now()
        if forgotten:
            self._logger.info("associations mended", extra={"gallery": gallery, "videos": len(forgotten)})

    def _was_unready(self, gallery: str, video_id: str) -> bool:
        """Whether a video could not be mended a short while ago; what is older is forgotten."""
        oldest = self._now() - self._settings.unready_s
        self._unready = {key: when for key, when in self._unready.items() if when > oldest}
        return (gallery, video_id) in self._unready

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
