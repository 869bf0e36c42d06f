"""One video from the old pack's collections to the new pack's.

The rows themselves are the checkpoint: an appearance is written after its embeddings, as in an ingest, so what has one
is done and what has none is to do. Killed anywhere, the next run does what is left; writing a row again replaces it.
The video's lease is held while it is written, so a deletion waits, and then finds and erases what was written.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from packs.spec import Modality
from services.backends.ephemeral.protocol import EphemeralStore
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import Scope, SpeechSpan, Video, VideoState
from services.ingest.lease import LeaseLostError, StopRequestedError, VideoLease
from services.ingest.settings import LeaseSettings
from services.reindex.remake import Remaker
from services.reindex.tidy import tidy

__all__ = ["Moved", "Mover", "Watcher"]

# Appearances that are embedded and written at once; a kill costs no more than so many.
BATCH = 128
BEFORE_ALL_S = -1.0


@dataclass(slots=True)
class Moved:
    """What one look at a video did.

    Attributes:
        settled: Whether nothing is left to do; False when somebody else works on it.
        appearances: How many were written now.
        removed: How many rows were taken out, since the old pack has them no more.
        lost: Embeddings that the old pack has and the new one could not make, by modality.
    """

    settled: bool = True
    appearances: int = 0
    removed: int = 0
    lost: Counter[Modality] = field(default_factory=Counter)


class Watcher(Protocol):
    """Is told how it goes."""

    def written(self, video: Video, appearances: int) -> None:
        """So many appearances of a video were written."""
        ...


class Mover:
    """Brings videos over.

    Args:
        source: The index of the old pack.
        target: The index of the new one.
        remaker: Makes the rows.
        ephemeral: Where leases are kept.
        owner: This process.
        lease: Times of leases.
        watcher: Is told how it goes.
        logger: Where it writes.
    """

    def __init__(
        self,
        *,
        source: VectorIndex,
        target: VectorIndex,
        remaker: Remaker,
        ephemeral: EphemeralStore,
        owner: str,
        lease: LeaseSettings,
        watcher: Watcher,
        logger: logging.Logger,
    ) -> None:
        self._source, self._target = source, target
        self._remaker = remaker
        self._ephemeral, self._owner, self._lease_settings = ephemeral, owner, lease
        self._watcher, self._logger = watcher, logger

    async def move(self, video: Video) -> Moved:
        """Do what is left of a video.

        Raises:
            BackendUnavailableError: If a store does not answer.
            IncompleteCopyError: If the index does not hold what was written to it.
        """
        lease = VideoLease(self._ephemeral, video.video_id, self._owner, self._lease_settings, self._logger)
        if not await lease.take():
            return Moved(settled=False)
        try:
            async with lease.kept():
                await lease.still_ours()
                present = await self._source.get_video(video.gallery, video.video_id)
                if present is None or present.state is not VideoState.READY:
                    return Moved()
                return await self._move(present, lease.still_ours)
        except (StopRequestedError, LeaseLostError) as error:
            self._logger.info("video let go", extra={"video_id": video.video_id, "why": str(error)})
            await self._forget_if_gone(video)
            return Moved(settled=False)

    async def _move(self, video: Video, still_ours: Callable[[], Awaitable[None]]) -> Moved:
        scope = Scope(video.gallery, (video.video_id,))
        there, here = [set(await index.list_places(None, scope)) for index in (self._source, self._target)]
        moved = Moved(removed=await self._remove(video.gallery, [one.appearance_id for one in here - there]))
        await self._write(video, [one.appearance_id for one in there - here], moved, still_ours)
        again = await tidy(self._target, scope)
        if again:
            await self._write(video, again, moved, still_ours)
            await tidy(self._target, scope, last=True)
        await self._target.flush()
        moved.settled = there == set(await self._target.list_places(None, scope))
        return moved

    async def _write(
        self, video: Video, ids: Sequence[str], moved: Moved, still_ours: Callable[[], Awaitable[None]]
    ) -> None:
        wanted = sorted(ids)
        voices = await self._remaker.listen(video, await self._speech(video, wanted)) if wanted else {}
        for start in range(0, len(wanted), BATCH):
            part = wanted[start : start + BATCH]
            rows = await self._source.get_appearances(video.gallery, part)
            remade = await self._remaker.remake(list(rows.values()), voices)
            for modality, embeddings in remade.embeddings.items():
                await still_ours()
                if embeddings:
                    await self._target.put_embeddings(modality, embeddings)
            await still_ours()
            await self._target.put_appearances(remade.appearances)
            moved.appearances += len(remade.appearances)
            moved.lost.update({modality: count for modality, count in remade.lost.items() if count})
            self._watcher.written(video, len(remade.appearances))

    async def _speech(self, video: Video, ids: Sequence[str]) -> dict[str, Sequence[SpeechSpan]]:
        """When each of some appearances speaks; only asked for where the film is to be heard again."""
        found: dict[str, Sequence[SpeechSpan]] = {}
        for start in range(0, len(ids) if self._remaker.listens else 0, BATCH):
            rows = await self._source.get_appearances(video.gallery, ids[start : start + BATCH])
            found |= {one: row.speech for one, row in rows.items() if Modality.VOICE in row.modalities}
        return found

    async def _remove(self, gallery: str, ids: Sequence[str]) -> int:
        if ids:
            await self._target.delete_appearances(gallery, ids)
            for modality in Modality:
                await self._target.delete_embeddings(modality, gallery, ids)
        return len(ids)

    async def _forget_if_gone(self, video: Video) -> None:
        """A write that was under way when the lease was lost may have come after the deletion had looked."""
        if await self._source.get_video(video.gallery, video.video_id) is None:
            await self._target.delete_from(video.gallery, video.video_id, BEFORE_ALL_S)
