"""The record of everything: galleries, videos, appearances and their embeddings (design 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from packs.spec import Modality
from services.backends.index.people import PeopleRecord
from services.backends.schemas import Appearance, EmbeddingRow, Gallery, Neighbour, Place, Scope, Video, VideoState
from services.runtime.errors import BackendUnavailableError

__all__ = ["IndexLoadingError", "VectorIndex"]


class IndexLoadingError(BackendUnavailableError):
    """The index did not answer because a collection is being loaded; the bounded wait was over."""

    def __init__(self, why: str) -> None:
        super().__init__("milvus", why)


class VectorIndex(Protocol):
    """What the services ask of Milvus. Every write is an upsert by id; every delete may be repeated.

    One instance serves one pack: collections that hold embeddings carry its digest in their name, so that what it
    reads and writes is never another pack's. Packs are named by their key, the first 12 digits of their digest. One
    pack is live: the one whose answers the deployment gives. `claim` (in `live.py`) keeps all others from serving.
    """

    @property
    def pack_key(self) -> str:
        """The key of this instance's pack."""
        ...

    @property
    def people(self) -> PeopleRecord:
        """What was said of people, and who is who."""
        ...

    async def open(self, dimensions: Mapping[Modality, int]) -> None:
        """Create what is missing and load it; `dimensions` are those of this instance's pack."""
        ...

    async def pack_keys(self) -> list[str]:
        """Name the packs that have collections here, in order."""
        ...

    async def stored_dimensions(self) -> dict[Modality, int]:
        """Read the lengths of this pack's embeddings off its collections; empty where there are none yet."""
        ...

    async def live_pack(self) -> str | None:
        """Name the pack that is live; None while none ever was."""
        ...

    async def previous_pack(self) -> str | None:
        """Name the pack that was live before; None when there was none."""
        ...

    async def make_live(self) -> None:
        """Make this instance's pack the live one, and the one that was live the previous one; it may be repeated."""
        ...

    async def ready(self) -> bool:
        """Say whether a real query of each collection succeeds."""
        ...

    async def aclose(self) -> None:
        """Let go of the connection."""
        ...

    async def put_gallery(self, gallery: Gallery) -> None:
        """Write a gallery's row."""
        ...

    async def get_gallery(self, name: str) -> Gallery | None:
        """Read a gallery's row. One that another process deleted a moment ago may still be found."""
        ...

    async def list_galleries(self) -> list[Gallery]:
        """Read all galleries, by name."""
        ...

    async def delete_gallery(self, name: str) -> None:
        """Delete a gallery's own row; its videos are erased one by one before."""
        ...

    async def put_video(self, video: Video) -> None:
        """Write a video's row."""
        ...

    async def get_video(self, gallery: str, video_id: str) -> Video | None:
        """Read a video's row, with what was written last (strong)."""
        ...

    async def list_videos(self, gallery: str | None = None, states: Sequence[VideoState] = ()) -> list[Video]:
        """Read videos of one gallery or of all, in some states or in any, oldest first (strong)."""
        ...

    async def put_embeddings(self, modality: Modality, rows: Sequence[EmbeddingRow]) -> None:
        """Write embeddings; an id that is there is replaced.

        Raises:
            ValueError: A vector's length is not that of the modality.
        """
        ...

    async def put_appearances(self, rows: Sequence[Appearance]) -> None:
        """Write appearances; they are written after their embeddings."""
        ...

    async def search(
        self, modality: Modality, vectors: NDArray[np.float32], scope: Scope, limit: int
    ) -> list[list[Neighbour]]:
        """Find the nearest embeddings of each vector, float32[Q, D]; best first, at most `limit`.

        Raises:
            IndexLoadingError: The collection is being loaded and the bounded wait is over.
        """
        ...

    async def get_embeddings(
        self, modality: Modality, gallery: str, appearance_ids: Sequence[str]
    ) -> dict[str, EmbeddingRow]:
        """Read the embeddings of some appearances; those without one are left out."""
        ...

    async def list_embeddings(self, modality: Modality, scope: Scope) -> list[EmbeddingRow]:
        """Read all embeddings in a scope, by start time, then id."""
        ...

    async def get_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> dict[str, Appearance]:
        """Read some appearances; unknown ids are left out."""
        ...

    async def list_appearances(self, scope: Scope) -> list[Appearance]:
        """Read all appearances in a scope, by video id, start time, then id (strong)."""
        ...

    async def list_places(self, modality: Modality | None, scope: Scope) -> list[Place]:
        """Read which embeddings, or (with None) which appearances of this pack are in a scope, by id (strong).

        A row that were there twice would be listed twice.
        """
        ...

    async def delete_from(self, gallery: str, video_id: str, start_s: float) -> int:
        """Delete a video's appearances and embeddings that start at `start_s` or later; say how many rows that were."""
        ...

    async def delete_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> None:
        """Delete the rows of some appearances; their embeddings stay, and are ignored until they are deleted."""
        ...

    async def delete_embeddings(self, modality: Modality, gallery: str, appearance_ids: Sequence[str]) -> None:
        """Delete the embeddings of some appearances in one modality; ids that have none are left out."""
        ...

    async def erase_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> int:
        """Delete some appearances, then their embeddings, of every pack; say how many rows. Who they are stays.

        In this order a search that finds an embedding meanwhile knows that nothing belongs to it.
        """
        ...

    async def count_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> int:
        """Count the rows and embeddings of some appearances, of every pack (strong)."""
        ...

    async def erase_video(self, gallery: str, video_id: str) -> int:
        """Delete a video's appearances, embeddings (of every pack), what its people are, and row; say how many rows."""
        ...

    async def count_video(self, gallery: str, video_id: str) -> int:
        """Count all rows that belong to a video, its own included, in every collection (strong)."""
        ...

    async def refresh(self) -> None:
        """Make this pack's embeddings quick to search after very many were written; until then nobody should search.

        Milvus Lite needs it: 30,000 rows took 1,184 ms a search before, and 13 ms after.
        """
        ...

    async def flush(self) -> None:
        """Make what was written durable and quick to search; called after each video."""
        ...
