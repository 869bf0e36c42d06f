"""The cache of associations (design 4): lost with no harm, rebuilt from the index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from packs.arrays import I64
from packs.spec import Modality
from services.backends.associations.mirror import Shelf
from services.backends.schemas import Association

__all__ = ["AssociationStore"]


class AssociationStore(Protocol):
    """What the association service asks of Redis. Everything is kept apart by gallery.

    A video is *known* when its edges were computed; `known_videos` tells which are, so that a miss can be mended.
    Both ends of an edge belong to known videos: one to the video that is put, the other to it or to one put before.
    An end keeps only its strongest edges of each modality (`layout`).
    """

    async def put_video(
        self, gallery: str, video_id: str, appearance_ids: Sequence[str], edges: Sequence[Association]
    ) -> None:
        """Cache the edges at a video, each at both ends, in place of what was cached of it; then it is known."""
        ...

    async def edges_of(
        self, gallery: str, appearance_ids: Sequence[str], modalities: Sequence[Modality] = ()
    ) -> dict[str, list[Association]]:
        """Read the edges at some appearances, strongest first for each.

        An appearance without edges maps to []; one of no known video is left out.
        """
        ...

    async def shelf(self, gallery: str) -> Shelf:
        """The edges of a gallery that are in memory, empty at first: those that are kept, if none has changed since."""
        ...

    async def fill(self, gallery: str, shelf: Shelf, rows: I64) -> I64:
        """Read what a shelf lacks of some appearances, rows of its roster; say which are of no known video."""
        ...

    def has_room(self, shelf: Shelf) -> bool:
        """Say whether a shelf may grow."""
        ...

    async def appearances_of(self, gallery: str, video_id: str) -> list[str]:
        """Name the appearances of a known video, in order; of one that is not known none."""
        ...

    async def known_videos(self, gallery: str) -> frozenset[str]:
        """Say which videos' edges are cached."""
        ...

    async def drop_video(self, gallery: str, video_id: str) -> int:
        """Forget a video's edges at both ends, and that it was known; say how many records that were."""
        ...

    async def count_video(self, gallery: str, video_id: str) -> int:
        """Count the records that belong to a video, or point to it from others."""
        ...

    async def drop_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> int:
        """Forget some appearances and their edges at both ends; their videos stay known. Say how many records."""
        ...

    async def count_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> int:
        """Count the records of some appearances: each that a video has, and each end of an edge at or to them."""
        ...

    async def drop_gallery(self, gallery: str) -> int:
        """Forget everything of a gallery; say how many records that were."""
        ...

    async def ping(self) -> bool:
        """Say whether the store answers."""
        ...

    async def aclose(self) -> None:
        """Let go of the connection."""
        ...
