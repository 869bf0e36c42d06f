"""What the association service does: keep the cache of edges in step with the index, and read it."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packs.arrays import I64
from packs.calibration import Calibration
from packs.spec import Modality
from services.association.linking import Linker
from services.association.mending import Mender
from services.association.settings import LinkingSettings
from services.backends.associations.blocks import EdgeBlock, wanted_codes
from services.backends.associations.mirror import Shelf
from services.backends.associations.protocol import AssociationStore
from services.backends.index.live import is_live
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import Association, Video, VideoState
from services.runtime.errors import BackendUnavailableError, GalleryNotFoundError, VideoNotFoundError

__all__ = ["AssociationHandlers", "Dropped"]

DEFAULT_MIN_PROBABILITY = 0.5


@dataclass(frozen=True, slots=True)
class Dropped:
    """How many records were deleted, and how many a fresh look finds."""

    deleted: int
    remaining: int


class AssociationHandlers:
    """Associations of all galleries.

    One video of a gallery is associated at a time: two at once would each not know the other, and miss their edges.

    Args:
        index: The record.
        store: The cache.
        calibration: Of the active pack.
        settings: When two appearances are linked, and how long a read may wait.
        logger: Where it writes.
    """

    def __init__(
        self,
        index: VectorIndex,
        store: AssociationStore,
        calibration: Mapping[Modality, Calibration],
        settings: LinkingSettings,
        logger: logging.Logger | None = None,
    ) -> None:
        self._index, self._store = index, store
        self._linker = Linker(index, calibration, settings)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._mender = Mender(index, store, self._associate_ready, settings, logger or logging.getLogger(__name__))

    @property
    def store(self) -> AssociationStore:
        """The cache."""
        return self._store

    async def associate_video(self, gallery: str, video_id: str) -> int:
        """Compute and cache the edges of a video; say how many there are at its appearances.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
            VideoNotFoundError: If the gallery has no such video, or it is being deleted.
            BackendUnavailableError: If the index or the cache does not answer.
        """
        async with self._turns[gallery]:
            video = await self._index.get_video(gallery, video_id)
            if video is None and await self._index.get_gallery(gallery) is None:
                raise GalleryNotFoundError(gallery)
            if video is None or video.state is VideoState.DELETING:
                raise VideoNotFoundError(gallery, video_id)
            return await self._associate(video)

    async def list_associations(
        self,
        gallery: str,
        appearance_ids: Sequence[str],
        modalities: Sequence[Modality] = (),
        min_probability: float = DEFAULT_MIN_PROBABILITY,
    ) -> list[Association]:
        """Read the edges at some appearances, strongest first, each once; what the cache does not know is mended.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
            BackendUnavailableError: If the index or the cache does not answer, or the mending takes too long.
        """
        found = await self._store.edges_of(gallery, appearance_ids, modalities)
        missing = [one for one in dict.fromkeys(appearance_ids) if one not in found]
        if not missing:
            self._mender.recheck_later(gallery)
        elif await self._mender.mend(gallery, missing):
            found.update(await self._store.edges_of(gallery, missing, modalities))
        return _each_once(found.values(), min_probability)

    async def edge_block(
        self,
        gallery: str,
        appearance_ids: Sequence[str],
        modalities: Sequence[Modality] = (),
        min_probability: float = DEFAULT_MIN_PROBABILITY,
    ) -> EdgeBlock:
        """Read what `list_associations` reads, as arrays and in no order.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
            BackendUnavailableError: If the index or the cache does not answer, or the mending takes too long.
        """
        shelf = await self.shelf(gallery)
        rows = shelf.roster.places(list(dict.fromkeys(appearance_ids)))
        await self.fill(gallery, shelf, rows)
        return shelf.block(shelf.roster.ids(rows), wanted_codes(modalities), min_probability)

    async def shelf(self, gallery: str) -> Shelf:
        """The edges that are in memory. Raises BackendUnavailableError."""
        return await self._store.shelf(gallery)

    async def fill(self, gallery: str, shelf: Shelf, rows: I64) -> None:
        """Give a shelf the edges at some rows of its roster; what the cache does not know is mended.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
            BackendUnavailableError: If the index or the cache does not answer, or the mending takes too long.
        """
        missing = await self._store.fill(gallery, shelf, rows)
        if not len(missing):
            self._mender.recheck_later(gallery)
        elif await self._mender.mend(gallery, shelf.roster.ids(missing)):
            await self._store.fill(gallery, shelf, missing)

    async def drop_video(self, gallery: str, video_id: str) -> Dropped:
        """Forget the edges of a video at both ends, and look again."""
        async with self._turns[gallery]:
            deleted = await self._store.drop_video(gallery, video_id)
            return Dropped(deleted, await self._store.count_video(gallery, video_id))

    async def drop_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> Dropped:
        """Forget some appearances at both ends of their edges, and look again; the index has them no more.

        Whoever read them from the index before they went has written what it made of them when it is our turn.
        """
        async with self._turns[gallery]:
            deleted = await self._store.drop_appearances(gallery, appearance_ids)
            return Dropped(deleted, await self._store.count_appearances(gallery, appearance_ids))

    async def aclose(self) -> None:
        """Stop what goes on in the background; the connections belong to whoever made them."""
        await self._mender.aclose()

    async def _associate_ready(self, gallery: str, video_id: str) -> None:
        """Associate a video for the mender, unless it changed in the meantime."""
        async with self._turns[gallery]:
            video = await self._index.get_video(gallery, video_id)
            if video is not None and video.state is VideoState.READY:
                await self._associate(video)

    async def _associate(self, video: Video) -> int:
        """Compute and cache a video's edges; the caller has the gallery's turn."""
        await self._check_live()
        known = await self._store.known_videos(video.gallery) - {video.video_id}
        others = await self._index.list_videos(video.gallery) if video.site is not None else []
        linked = await self._linker.link(video, known, others)
        await self._check_live()
        await self._store.put_video(video.gallery, video.video_id, linked.appearance_ids, linked.edges)
        kept = await self._store.edges_of(video.gallery, linked.appearance_ids)
        return len(_each_once(kept.values(), 0.0))

    async def _check_live(self) -> None:
        """The cache is shared: edges of a pack of the past must not get in after those of the live one."""
        if not await is_live(self._index):
            raise BackendUnavailableError("associations", "another pack is live now: this process is to be replaced")


def _each_once(found: Iterable[Sequence[Association]], min_probability: float) -> list[Association]:
    """The edges of several appearances, strongest first; one between two of them is found at both."""
    edges = {
        (edge.first, edge.second, edge.modality): edge
        for of in found
        for edge in of
        if edge.probability >= min_probability
    }
    return sorted(edges.values(), key=lambda edge: (-edge.probability, edge.first, edge.second, edge.modality))
