"""The reindex of a deployment: pass after pass over its videos, until the new pack has all that the old one has."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from packs.spec import Modality
from services.backends.associations.protocol import AssociationStore
from services.backends.ephemeral.protocol import EphemeralStore
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import Place, Scope, Video, VideoState
from services.ingest.gate import shut
from services.ingest.identifiers import lease_name
from services.ingest.settings import LeaseSettings
from services.reindex.mover import BEFORE_ALL_S, Moved, Mover, Watcher
from services.reindex.tidy import IncompleteCopyError
from services.runtime.errors import BackendUnavailableError

__all__ = ["ReindexWatcher", "Reindexer", "Totals"]

# Somebody else works on a video, or a killed run's lease has not run out yet.
PAUSE_S = 0.5
LOOKS = 3
ATTEMPTS = 5
_Version = tuple[str, int, float]


class ReindexWatcher(Watcher, Protocol):
    """Is told how a reindex goes."""

    def began(self, appearances: int, done: int) -> None:
        """So many appearances are to be brought over, of which so many already were."""
        ...

    def waiting(self, videos: int, why: str) -> None:
        """It goes on when so many videos are free."""
        ...


@dataclass(slots=True)
class Totals:
    """What a reindex did: appearances written now, rows taken out, and embeddings that could not be made."""

    appearances: int = 0
    removed: int = 0
    lost: Counter[Modality] = field(default_factory=Counter)


class Reindexer:
    """Brings all videos over, and cuts over.

    Args:
        source: The index of the live pack.
        target: The index of the new one.
        mover: Brings over one video.
        ephemeral: Where leases are kept and the gate is.
        associations: The cache of edges; those of the old pack are forgotten when the new one is live.
        owner: This process.
        lease: Times of leases.
        watcher: Is told how it goes.
    """

    def __init__(
        self,
        *,
        source: VectorIndex,
        target: VectorIndex,
        mover: Mover,
        ephemeral: EphemeralStore,
        associations: AssociationStore,
        owner: str,
        lease: LeaseSettings,
        watcher: ReindexWatcher,
    ) -> None:
        self._source, self._target, self._mover = source, target, mover
        self._ephemeral, self._associations = ephemeral, associations
        self._owner, self._lease, self._watcher = owner, lease, watcher
        self._settled: set[_Version] = set()
        self.totals = Totals()

    async def run(self) -> Totals:
        """Bring over what is ready and not there yet, also what becomes ready meanwhile, until nothing is left.

        Raises:
            BackendUnavailableError: If a store does not answer.
            IncompleteCopyError: If the index does not hold what was written to it.
        """
        refreshed = self.totals.appearances
        ready = await self._source.list_videos(states=[VideoState.READY])
        places = [await self._target.list_places(None, Scope(one.name)) for one in await self._source.list_galleries()]
        self._watcher.began(sum(video.appearance_count for video in ready), sum(map(len, places)))
        while left := await self._left():
            busy = [video for video in left if not await self._settle(video)]
            if len(busy) == len(left):
                self._watcher.waiting(len(busy), "others work on them")
                await asyncio.sleep(PAUSE_S)
        await self._sweep()
        if self.totals.appearances > refreshed:
            # Nobody searches the new pack's collections yet.
            await self._target.refresh()
        return self.totals

    async def cut_over(self) -> None:
        """Make the new pack live, once no ingest is half done and all that the old pack has was brought over.

        Searches go on being answered by processes of the old pack, from its collections, until these are replaced.

        Raises:
            BackendUnavailableError: If a store does not answer.
            IncompleteCopyError: If something is missing after all; the old pack stays live.
        """
        async with shut(self._ephemeral):
            await self._until_no_ingest_runs()
            await self.run()
            await self.check()
            await self._target.make_live()
        for gallery in await self._source.list_galleries():
            await self._associations.drop_gallery(gallery.name)

    async def check(self) -> None:
        """Compare the appearances of both packs, gallery by gallery.

        Raises:
            IncompleteCopyError: If they are not the same.
        """
        for gallery in await self._source.list_galleries():
            for look in range(LOOKS):
                old, new = await self._both(gallery.name)
                if old == new:
                    break
                if look + 1 == LOOKS:
                    raise _incomplete(gallery.name, self._target.pack_key, old, new)
                # A deletion takes the rows of one pack, then those of the other.
                await asyncio.sleep(PAUSE_S)
            await self._check_embeddings(gallery.name)

    async def _check_embeddings(self, gallery: str) -> None:
        """A write that was given up and came after all would be there beside the one that was made in its place."""
        for modality in Modality:
            places = await self._target.list_places(modality, Scope(gallery))
            twice = len(places) - len({place.appearance_id for place in places})
            if twice:
                raise IncompleteCopyError(
                    f"gallery {gallery}: {twice} {modality} embeddings are there twice; run it again"
                )

    async def _both(self, gallery: str) -> tuple[list[Place], list[Place]]:
        ready = {video.video_id for video in await self._source.list_videos(gallery, [VideoState.READY])}
        return await self._places(self._source, gallery, ready), await self._places(self._target, gallery, ready)

    async def _places(self, index: VectorIndex, gallery: str, ready: set[str]) -> list[Place]:
        return [place for place in await index.list_places(None, Scope(gallery)) if place.video_id in ready]

    async def _left(self) -> Sequence[Video]:
        videos = await self._source.list_videos(states=[VideoState.READY])
        return [video for video in videos if _version(video) not in self._settled]

    async def _settle(self, video: Video) -> bool:
        moved = await self._moved(video)
        self.totals.appearances += moved.appearances
        self.totals.removed += moved.removed
        self.totals.lost.update(moved.lost)
        if moved.settled:
            self._settled.add(_version(video))
        return moved.settled

    async def _moved(self, video: Video) -> Moved:
        """Move a video; a store that does not answer is asked again, since hours of work are better not given up."""
        for tried in range(1, ATTEMPTS):
            try:
                return await self._mover.move(video)
            except BackendUnavailableError as error:
                self._watcher.waiting(1, f"trying again: {error}")
                await asyncio.sleep(PAUSE_S * 2**tried)
        return await self._mover.move(video)

    async def _sweep(self) -> None:
        """Take out what belongs to no video: a deletion and a write may have crossed when a lease was lost."""
        for gallery in await self._source.list_galleries():
            scope = Scope(gallery.name)
            tables = [await self._target.list_places(modality, scope) for modality in (None, *Modality)]
            for video_id in sorted({place.video_id for table in tables for place in table}):
                if await self._source.get_video(gallery.name, video_id) is None:
                    self.totals.removed += await self._target.delete_from(gallery.name, video_id, BEFORE_ALL_S)

    async def _until_no_ingest_runs(self) -> None:
        """Wait for the workers that hold a video; they begin no other while the gate is shut."""
        while busy := [video for video in await self._begun() if not await self._is_free(video)]:
            self._watcher.waiting(len(busy), "their ingest is under way")
            await asyncio.sleep(PAUSE_S)

    async def _begun(self) -> list[Video]:
        return await self._source.list_videos(states=[VideoState.QUEUED, VideoState.INGESTING])

    async def _is_free(self, video: Video) -> bool:
        name = lease_name(video.video_id)
        if not await self._ephemeral.acquire_lease(name, self._owner, self._lease.ttl_s):
            return False
        await self._ephemeral.release_lease(name, self._owner)
        return True


def _version(video: Video) -> _Version:
    """What of a video was brought over: a file that is deleted and ingested again is another one."""
    return video.video_id, video.generation, video.created_at


def _incomplete(gallery: str, key: str, old: Sequence[Place], new: Sequence[Place]) -> IncompleteCopyError:
    missing, more, twice = len(set(old) - set(new)), len(set(new) - set(old)), len(new) - len(set(new))
    return IncompleteCopyError(
        f"gallery {gallery}: {missing} appearances are missing in pack {key}, {more} are too many, {twice} are there "
        f"twice; run the reindex again"
    )
