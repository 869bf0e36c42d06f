"""An association cache in the process. It passes the same contract tests as Redis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from packs.arrays import I64
from packs.spec import Modality
from services.backends.associations.blocks import EdgeBlock
from services.backends.associations.layout import EDGE_LIMITS, kept, strongest
from services.backends.associations.mirror import Shelf
from services.backends.schemas import Association

__all__ = ["FakeAssociationStore"]


class _Shelf:
    """What is cached of one gallery: the far ends of the edges at each appearance, and whose appearances they are."""

    def __init__(self) -> None:
        self.ends: defaultdict[str, dict[tuple[str, Modality], float]] = defaultdict(dict)
        self.videos: dict[str, frozenset[str]] = {}

    def known(self) -> frozenset[str]:
        return frozenset().union(*self.videos.values())


class FakeAssociationStore:
    """`AssociationStore` on dictionaries."""

    def __init__(self, limits: Mapping[Modality, int] = EDGE_LIMITS) -> None:
        self._limits = limits
        self._shelves: defaultdict[str, _Shelf] = defaultdict(_Shelf)

    async def put_video(
        self, gallery: str, video_id: str, appearance_ids: Sequence[str], edges: Sequence[Association]
    ) -> None:
        """Cache a video's edges in place of what was cached of it."""
        await self.drop_video(gallery, video_id)
        shelf = self._shelves[gallery]
        shelf.videos[video_id] = frozenset(appearance_ids)
        for edge in edges:
            probability = float(np.float32(edge.probability))  # as Redis keeps it
            shelf.ends[edge.first][edge.second, edge.modality] = probability
            shelf.ends[edge.second][edge.first, edge.modality] = probability
        for one in {end for edge in edges for end in (edge.first, edge.second)}:
            ends = kept(((*key, p) for key, p in shelf.ends[one].items()), self._limits)
            shelf.ends[one] = {(other, modality): p for other, modality, p in ends}

    async def edges_of(
        self, gallery: str, appearance_ids: Sequence[str], modalities: Sequence[Modality] = ()
    ) -> dict[str, list[Association]]:
        """Read edges, strongest first."""
        shelf = self._shelves[gallery]
        known = shelf.known()
        return {
            one: strongest(one, [(*key, p) for key, p in shelf.ends[one].items()], modalities)
            for one in appearance_ids
            if one in known
        }

    async def shelf(self, gallery: str) -> Shelf:
        """Begin with nothing: it is all in memory."""
        return Shelf(b"", kept=False)

    async def fill(self, gallery: str, shelf: Shelf, rows: I64) -> I64:
        """Give a shelf the edges that it lacks."""
        names = shelf.roster.ids(shelf.lacking(rows))
        found = await self.edges_of(gallery, names)
        own = [one for one, of in found.items() for _ in of]
        edges = [edge for of in found.values() for edge in of]
        far = [edge.second if edge.first == one else edge.first for one, edge in zip(own, edges, strict=True)]
        block = EdgeBlock.of(edges, [*own, *far])
        shelf.learn(
            list(found), list(map(len, found.values())), replace(block, one=block.rows(own), other=block.rows(far))
        )
        return shelf.lacking(rows)

    def has_room(self, shelf: Shelf) -> bool:
        """Say yes."""
        return True

    async def appearances_of(self, gallery: str, video_id: str) -> list[str]:
        """Name the appearances of a video."""
        return sorted(self._shelves[gallery].videos.get(video_id, ()))

    async def known_videos(self, gallery: str) -> frozenset[str]:
        """Say which videos are cached."""
        return frozenset(self._shelves[gallery].videos)

    async def drop_video(self, gallery: str, video_id: str) -> int:
        """Forget a video's edges at both ends."""
        deleted = await self.count_video(gallery, video_id)
        shelf = self._shelves[gallery]
        own = shelf.videos.pop(video_id, frozenset())
        for one in own:
            shelf.ends.pop(one, None)
        for ends in shelf.ends.values():
            for key in [key for key in ends if key[0] in own]:
                del ends[key]
        return deleted

    async def count_video(self, gallery: str, video_id: str) -> int:
        """Count a video's records: itself, its appearances, and every end of an edge that is at or points to them."""
        shelf = self._shelves[gallery]
        own = shelf.videos.get(video_id)
        if own is None:
            return 0
        ends = sum(one in own or other in own for one, of in shelf.ends.items() for other, _ in of)
        return 1 + len(own) + ends

    async def drop_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> int:
        """Forget some appearances and their edges at both ends."""
        deleted = await self.count_appearances(gallery, appearance_ids)
        shelf, gone = self._shelves[gallery], frozenset(appearance_ids)
        shelf.videos = {video: own - gone for video, own in shelf.videos.items()}
        for one in gone:
            shelf.ends.pop(one, None)
        for ends in shelf.ends.values():
            for key in [key for key in ends if key[0] in gone]:
                del ends[key]
        return deleted

    async def count_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> int:
        """Count the records of some appearances."""
        shelf, gone = self._shelves[gallery], frozenset(appearance_ids)
        ends = sum(one in gone or other in gone for one, of in shelf.ends.items() for other, _ in of)
        return len(shelf.known() & gone) + ends

    async def drop_gallery(self, gallery: str) -> int:
        """Forget a gallery."""
        shelf = self._shelves.pop(gallery, _Shelf())
        return len(shelf.videos) + len(shelf.known()) + sum(map(len, shelf.ends.values()))

    async def ping(self) -> bool:
        """Say yes."""
        return True

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""
