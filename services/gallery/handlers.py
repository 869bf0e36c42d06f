"""What the gallery service does."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from services.backends.associations.protocol import AssociationStore
from services.backends.index.protocol import VectorIndex
from services.backends.media.protocol import MediaStore
from services.backends.schemas import Gallery
from services.gallery.settings import GallerySettings
from services.runtime.errors import (
    BackendUnavailableError,
    GalleryExistsError,
    GalleryNotFoundError,
    VideoNotFoundError,
)

__all__ = ["GalleryHandlers", "GalleryWithCount", "Receipt", "StoreReceiptLike", "VideoDeletion"]

StoreName = Literal["index", "associations", "media"]
STORES: Sequence[StoreName] = ("index", "associations", "media")


class StoreReceiptLike(Protocol):
    """What one store had of a video, and what a fresh look finds afterwards."""

    @property
    def store(self) -> StoreName:
        """Which store."""
        ...

    @property
    def deleted(self) -> int:
        """How many records were deleted."""
        ...

    @property
    def remaining(self) -> int:
        """How many records are left."""
        ...


class VideoDeletion(Protocol):
    """What deletes one video from every store, stopping its ingest first: ingest's, which galleries do not repeat."""

    async def delete(self, gallery: str, video_id: str) -> Sequence[StoreReceiptLike]:
        """Delete a video. Raises VideoNotFoundError, VideoBusyError or BackendUnavailableError."""
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one store had of a gallery, and what a fresh look finds afterwards."""

    store: StoreName
    deleted: int
    remaining: int


@dataclass(frozen=True, slots=True)
class GalleryWithCount:
    """A gallery, and how many videos it holds in whatever state."""

    gallery: Gallery
    video_count: int


class GalleryHandlers:
    """Galleries of an installation.

    Args:
        index: The record.
        store: The cache of associations.
        media: Where key frames lie.
        deletion: Deletes one video.
        settings: How galleries are handled.
        clock: Unix seconds.
    """

    def __init__(
        self,
        index: VectorIndex,
        store: AssociationStore,
        media: MediaStore,
        deletion: VideoDeletion,
        settings: GallerySettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._index, self._store, self._media = index, store, media
        self._deletion, self._settings, self._clock = deletion, settings, clock

    async def create(self, name: str) -> GalleryWithCount:
        """Make an empty gallery. Raises GalleryExistsError."""
        if await self._index.get_gallery(name) is not None:
            raise GalleryExistsError(name)
        gallery = Gallery(name, self._clock())
        await self._index.put_gallery(gallery)
        return GalleryWithCount(gallery, 0)

    async def list_all(self) -> list[GalleryWithCount]:
        """Read all galleries, by name."""
        galleries = await self._index.list_galleries()
        counts = Counter(video.gallery for video in await self._index.list_videos())
        return [GalleryWithCount(gallery, counts[gallery.name]) for gallery in galleries]

    async def delete(self, name: str) -> list[Receipt]:
        """Delete a gallery with all it holds, then ask each store again. Cut off, it may be asked for again.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
            VideoBusyError: If a worker does not let go of a video in time.
            BackendUnavailableError: If a store does not answer, or still finds something.
        """
        if await self._index.get_gallery(name) is None:
            raise GalleryNotFoundError(name)
        deleted = await self._delete_videos(name)
        # What belongs to no video any more, such as files of an ingest that was cut off.
        deleted["associations"] += await self._store.drop_gallery(name)
        deleted["media"] += await self._media.delete_prefix(name)
        # What was said of its people: names are personal data, whichever videos they came from.
        deleted["index"] += await self._index.people.erase_gallery(name)
        remaining = await self._remaining(name)
        for store in STORES:
            if remaining[store]:
                raise BackendUnavailableError(store, f"still finds {remaining[store]} records; delete again")
        await self._index.delete_gallery(name)
        deleted["index"] += 1
        remaining["index"] = int(await self._index.get_gallery(name) is not None)
        return [Receipt(store, deleted[store], remaining[store]) for store in STORES]

    async def _delete_videos(self, name: str) -> Counter[StoreName]:
        deleted: Counter[StoreName] = Counter()
        turns = asyncio.Semaphore(self._settings.deletions_at_once)

        async def delete(video_id: str) -> None:
            async with turns:
                try:
                    receipts = await self._deletion.delete(name, video_id)
                except VideoNotFoundError:  # another call was faster
                    return
            deleted.update({receipt.store: receipt.deleted for receipt in receipts})

        videos = await self._index.list_videos(name)
        # All are tried: what can be deleted is, and then the first trouble is told.
        ended = await asyncio.gather(*(delete(video.video_id) for video in videos), return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error
        return deleted

    async def _remaining(self, name: str) -> dict[StoreName, int]:
        return {
            "index": len(await self._index.list_videos(name)) + await self._index.people.count_gallery(name),
            "associations": len(await self._store.known_videos(name)),
            "media": await self._media.count_prefix(name),
        }
