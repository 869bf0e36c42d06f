"""An index in the process: exact search, nothing stored. It passes the same contract tests as Milvus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from packs.spec import Modality
from services.backends.index.people_fake import FakePeople
from services.backends.index.rows import check_vectors
from services.backends.index.schema import pack_key_of
from services.backends.schemas import Appearance, EmbeddingRow, Gallery, Neighbour, Place, Scope, Video, VideoState

__all__ = ["FakeIndex", "FakeRecord"]


class _Placed(Protocol):
    @property
    def gallery(self) -> str: ...
    @property
    def video_id(self) -> str: ...
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def generation(self) -> int: ...


_Row = TypeVar("_Row", bound=_Placed)


@dataclass(slots=True)
class _PackRows:
    """What one pack made."""

    dimensions: dict[Modality, int] = field(default_factory=dict)
    appearances: dict[str, Appearance] = field(default_factory=dict)
    embeddings: dict[Modality, dict[str, EmbeddingRow]] = field(default_factory=dict)


@dataclass(slots=True)
class FakeRecord:
    """What a server would hold: several indexes, each of a pack, may stand on one."""

    galleries: dict[str, Gallery] = field(default_factory=dict)
    videos: dict[str, Video] = field(default_factory=dict)
    packs: dict[str, _PackRows] = field(default_factory=dict)
    people: FakePeople = field(default_factory=FakePeople)
    live: str | None = None
    previous: str | None = None


class FakeIndex:
    """`VectorIndex` on dictionaries. What is written can be found at once.

    Args:
        record: What it stands on; None for one of its own.
        pack_digest: Digest of its pack.
    """

    def __init__(self, record: FakeRecord | None = None, pack_digest: str = "0" * 64) -> None:
        self._record = record if record is not None else FakeRecord()
        self._key = pack_key_of(pack_digest)
        self._dimensions: dict[Modality, int] = {}
        self._galleries = self._record.galleries
        self._videos = self._record.videos
        self._appearances: dict[str, Appearance] = {}
        self._embeddings: dict[Modality, dict[str, EmbeddingRow]] = {}

    @property
    def pack_key(self) -> str:
        """The key of its pack."""
        return self._key

    @property
    def people(self) -> FakePeople:
        """What was said of people, and who is who."""
        return self._record.people

    async def open(self, dimensions: Mapping[Modality, int]) -> None:
        """Take the lengths of the vectors; rows that are there stay."""
        self._dimensions = dict(dimensions)
        own = self._record.packs.setdefault(self._key, _PackRows())
        own.dimensions.update(dimensions)
        self._appearances, self._embeddings = own.appearances, own.embeddings
        for modality in dimensions:
            self._embeddings.setdefault(modality, {})

    async def pack_keys(self) -> list[str]:
        """Name the packs that were opened."""
        return sorted(self._record.packs)

    async def stored_dimensions(self) -> dict[Modality, int]:
        """Read the lengths of its pack's embeddings."""
        return dict(self._record.packs.get(self._key, _PackRows()).dimensions)

    async def live_pack(self) -> str | None:
        """Name the live pack."""
        return self._record.live

    async def previous_pack(self) -> str | None:
        """Name the pack that was live before."""
        return self._record.previous

    async def make_live(self) -> None:
        """Make its pack the live one."""
        if self._record.live not in (None, self._key):
            self._record.previous = self._record.live
        self._record.live = self._key

    async def ready(self) -> bool:
        """Say whether it was opened."""
        return bool(self._dimensions)

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""

    async def put_gallery(self, gallery: Gallery) -> None:
        """Keep a gallery."""
        self._galleries[gallery.name] = gallery

    async def get_gallery(self, name: str) -> Gallery | None:
        """Read a gallery."""
        return self._galleries.get(name)

    async def list_galleries(self) -> list[Gallery]:
        """Read all galleries, by name."""
        return sorted(self._galleries.values(), key=lambda gallery: gallery.name)

    async def delete_gallery(self, name: str) -> None:
        """Forget a gallery."""
        self._galleries.pop(name, None)

    async def put_video(self, video: Video) -> None:
        """Keep a video."""
        self._videos[video.video_id] = video

    async def get_video(self, gallery: str, video_id: str) -> Video | None:
        """Read a video of a gallery."""
        video = self._videos.get(video_id)
        return video if video is not None and video.gallery == gallery else None

    async def list_videos(self, gallery: str | None = None, states: Sequence[VideoState] = ()) -> list[Video]:
        """Read videos, oldest first."""
        found = [
            video
            for video in self._videos.values()
            if gallery in (None, video.gallery) and (not states or video.state in states)
        ]
        return sorted(found, key=lambda video: (video.created_at, video.video_id))

    async def put_embeddings(self, modality: Modality, rows: Sequence[EmbeddingRow]) -> None:
        """Keep embeddings. Raises ValueError for a modality or a length that was not opened."""
        check_vectors(modality, self._dimensions, [row.vector for row in rows])
        self._embeddings[modality].update((row.appearance_id, row) for row in rows)

    async def put_appearances(self, rows: Sequence[Appearance]) -> None:
        """Keep appearances."""
        self._appearances.update((row.appearance_id, row) for row in rows)

    async def search(
        self, modality: Modality, vectors: NDArray[np.float32], scope: Scope, limit: int
    ) -> list[list[Neighbour]]:
        """Compare with every embedding in the scope."""
        check_vectors(modality, self._dimensions, vectors)
        if limit < 1:
            raise ValueError(f"a search needs a limit of at least 1, got {limit}")
        rows = [row for row in self._embeddings[modality].values() if _inside(row, scope)]
        if not rows:
            return [[] for _ in vectors]
        cosines = np.asarray(vectors, np.float32) @ np.stack([row.vector for row in rows]).T
        return [_best(rows, of_query, limit) for of_query in cosines]

    async def get_embeddings(
        self, modality: Modality, gallery: str, appearance_ids: Sequence[str]
    ) -> dict[str, EmbeddingRow]:
        """Read some embeddings of a gallery."""
        return _some(self._embeddings.get(modality, {}), gallery, appearance_ids)

    async def list_embeddings(self, modality: Modality, scope: Scope) -> list[EmbeddingRow]:
        """Read the embeddings in a scope, by start time, then id."""
        rows = [row for row in self._embeddings.get(modality, {}).values() if _inside(row, scope)]
        return sorted(rows, key=lambda row: (row.start_s, row.appearance_id))

    async def get_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> dict[str, Appearance]:
        """Read some appearances of a gallery."""
        return _some(self._appearances, gallery, appearance_ids)

    async def list_appearances(self, scope: Scope) -> list[Appearance]:
        """Read the appearances in a scope, by video id, start time, then id."""
        rows = [row for row in self._appearances.values() if _inside(row, scope)]
        return sorted(rows, key=lambda row: (row.video_id, row.start_s, row.appearance_id))

    async def list_places(self, modality: Modality | None, scope: Scope) -> list[Place]:
        """Read which rows are in a scope, by id."""
        table: Mapping[str, _Placed] = self._appearances if modality is None else self._embeddings.get(modality, {})
        inside = ((key, row) for key, row in sorted(table.items()) if _inside(row, scope))
        return [Place(key, row.video_id, row.generation) for key, row in inside]

    async def delete_from(self, gallery: str, video_id: str, start_s: float) -> int:
        """Forget what of a video starts at `start_s` or later."""
        deleted = 0
        for table in self._tables():
            doomed = [key for key, row in table.items() if _of(row, gallery, video_id) and row.start_s >= start_s]
            deleted += len(doomed)
            for key in doomed:
                del table[key]
        return deleted

    async def delete_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> None:
        """Forget some appearances of a gallery."""
        for key in _some(self._appearances, gallery, appearance_ids):
            del self._appearances[key]

    async def delete_embeddings(self, modality: Modality, gallery: str, appearance_ids: Sequence[str]) -> None:
        """Forget some embeddings of a gallery."""
        table = self._embeddings.get(modality, {})
        for key in _some(table, gallery, appearance_ids):
            del table[key]

    async def erase_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> int:
        """Forget some appearances and their embeddings, of every pack."""
        deleted = 0
        for table in self._tables():
            doomed = _some(table, gallery, appearance_ids)
            deleted += len(doomed)
            for key in doomed:
                del table[key]
        return deleted

    async def count_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> int:
        """Count the rows and embeddings of some appearances, of every pack."""
        return sum(len(_some(table, gallery, appearance_ids)) for table in self._tables())

    async def erase_video(self, gallery: str, video_id: str) -> int:
        """Forget a video and all of it."""
        deleted = await self.delete_from(gallery, video_id, -np.inf) + await self.people.erase_video(gallery, video_id)
        if await self.get_video(gallery, video_id) is not None:
            del self._videos[video_id]
            deleted += 1
        return deleted

    async def count_video(self, gallery: str, video_id: str) -> int:
        """Count what belongs to a video, its own row included."""
        rows = sum(_of(row, gallery, video_id) for table in self._tables() for row in table.values())
        rows += await self.people.count_video(gallery, video_id)
        return rows + (await self.get_video(gallery, video_id) is not None)

    async def refresh(self) -> None:
        """Do nothing: every search looks at all."""

    async def flush(self) -> None:
        """Do nothing: what is written can be found at once."""

    def _tables(self) -> list[dict[str, Appearance] | dict[str, EmbeddingRow]]:
        """Those of every pack."""
        tables: list[dict[str, Appearance] | dict[str, EmbeddingRow]] = []
        for rows in self._record.packs.values():
            tables += [rows.appearances, *rows.embeddings.values()]
        return tables


def _of(row: _Placed, gallery: str, video_id: str) -> bool:
    return row.gallery == gallery and row.video_id == video_id


def _inside(row: _Placed, scope: Scope) -> bool:
    return (
        row.gallery == scope.gallery
        and (not scope.video_ids or row.video_id in scope.video_ids)
        and row.video_id not in scope.exclude_video_ids
        and (scope.start_s is None or row.end_s > scope.start_s)
        and (scope.end_s is None or row.start_s < scope.end_s)
    )


def _some(table: Mapping[str, _Row], gallery: str, wanted: Iterable[str]) -> dict[str, _Row]:
    return {key: table[key] for key in wanted if key in table and table[key].gallery == gallery}


def _best(rows: Sequence[EmbeddingRow], cosines: NDArray[np.float32], limit: int) -> list[Neighbour]:
    order = sorted(range(len(rows)), key=lambda i: (-cosines[i], rows[i].appearance_id))[:limit]
    return [
        Neighbour(
            rows[i].appearance_id, rows[i].video_id, rows[i].start_s, rows[i].end_s, rows[i].quality, float(cosines[i])
        )
        for i in order
    ]
