"""The index in Milvus: Lite, Standalone or Distributed, by URI."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from packs.spec import Modality
from services.backends.index import rows as rows_of
from services.backends.index.aliases import PackAliases
from services.backends.index.connection import Connection
from services.backends.index.filters import all_of, in_scope, number, one_of, quoted
from services.backends.index.people_milvus import MilvusPeople
from services.backends.index.protocol import IndexLoadingError
from services.backends.index.schema import (
    APPEARANCES_PREFIX,
    EMBEDDING_PREFIX,
    Collection,
    collections_of,
    pack_key_of,
)
from services.backends.index.tables import MOST_ROWS, Tables, key_chunks
from services.backends.schemas import Appearance, EmbeddingRow, Gallery, Neighbour, Place, Scope, Video, VideoState
from services.runtime.chunks import chunks_of
from services.runtime.errors import BackendUnavailableError

__all__ = ["MilvusIndex"]


_MATCHES_PER_SEARCH = 2048  # Lite takes about 40 us to read one: calls stay short, and others get their turn
_NEIGHBOUR_COLUMNS = ("appearance_id", "video_id", "start_s", "end_s", "quality")
_PLACE_COLUMNS = ("appearance_id", "video_id", "generation")


class MilvusIndex:
    """`VectorIndex` on Milvus.

    Args:
        uri: Address, such as ``http://127.0.0.1:19530``.
        pack_digest: Digest of the pack whose rows are read and written; it is part of the collections' names.
        token: ``user:password`` or an API key; empty for none.
        timeout_s: Deadline of a call.
        load_wait_s: How long a read that meets an unloaded collection waits for it.
        ef: Breadth of the graph search; more finds more and takes longer. At least twice the limit is taken.
    """

    def __init__(
        self,
        uri: str,
        pack_digest: str,
        *,
        token: str = "",
        timeout_s: float = 30.0,
        load_wait_s: float = 5.0,
        ef: int = 128,
    ) -> None:
        self._connection = Connection(uri, token=token, timeout_s=timeout_s, load_wait_s=load_wait_s)
        self._aliases = PackAliases(self._connection)
        self._tables = Tables(self._connection)
        self._people = MilvusPeople(self._connection)
        self._pack_digest, self._ef = pack_digest, ef
        self._dimensions: dict[Modality, int] = {}
        self._galleries, self._videos, self._appearances = collections_of(pack_digest, {})
        self._embeddings: dict[Modality, Collection] = {}
        self._deleted_galleries: set[str] = set()

    @property
    def pack_key(self) -> str:
        """The key of this instance's pack."""
        return pack_key_of(self._pack_digest)

    @property
    def people(self) -> MilvusPeople:
        """What was said of people, and who is who."""
        return self._people

    async def open(self, dimensions: Mapping[Modality, int]) -> None:
        """Create what is missing and load it."""
        await self._connection.open()
        collections = collections_of(self._pack_digest, dimensions)
        for collection in collections:
            await self._connection.ensure(collection.name, collection.schema(), collection.index())
        await self._people.open()
        self._dimensions = dict(dimensions)
        self._embeddings = dict(zip(dimensions, collections[3:], strict=True))
        await asyncio.gather(*(self._connection.load(collection.name) for collection in collections))

    async def pack_keys(self) -> list[str]:
        """Name the packs that have collections here, in order."""
        return await self._aliases.pack_keys()

    async def stored_dimensions(self) -> dict[Modality, int]:
        """Read the lengths of this pack's embeddings off its collections."""
        await self._connection.open()
        names = {f"{prefix}{self.pack_key}": modality for modality, prefix in EMBEDDING_PREFIX.items()}
        present = [name for name in await self._connection.collections() if name in names]
        return {names[name]: await self._connection.dimension(name) for name in present}

    async def live_pack(self) -> str | None:
        """Name the pack that is live."""
        return await self._aliases.live_pack()

    async def previous_pack(self) -> str | None:
        """Name the pack that was live before."""
        return await self._aliases.previous_pack()

    async def make_live(self) -> None:
        """Make this instance's pack the live one; the alias of the appearances, which decides, is changed last."""
        await self._aliases.make_live(self.pack_key, [*self._embeddings.values(), self._appearances])

    async def ready(self) -> bool:
        """Say whether a real query of each collection succeeds."""
        if not self._embeddings:
            return False
        own = (self._galleries, self._videos, self._appearances, *self._embeddings.values(), *self._people.collections)
        try:
            await asyncio.gather(
                *(self._connection.query(each.name, f'{each.key} != ""', [each.key], 1, strong=False) for each in own)
            )
        except (BackendUnavailableError, IndexLoadingError):
            return False
        return True

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._connection.aclose()

    async def put_gallery(self, gallery: Gallery) -> None:
        """Write a gallery's row."""
        self._deleted_galleries.discard(gallery.name)
        await self._tables.write(self._galleries, [rows_of.row_of_gallery(gallery)])

    async def get_gallery(self, name: str) -> Gallery | None:
        """Read a gallery's row. Every search asks: only for one that seems not to be there the strong read is paid."""
        rows: list[dict[str, Any]] = []
        if name not in self._deleted_galleries:
            rows = await self._tables.get(self._galleries, [name], strong=False)
        if not rows:
            rows = await self._tables.get(self._galleries, [name], strong=True)
        return rows_of.gallery_of_row(rows[0]) if rows else None

    async def list_galleries(self) -> list[Gallery]:
        """Read all galleries, by name."""
        rows = await self._connection.query(
            self._galleries.name, 'gallery != ""', self._galleries.columns, MOST_ROWS, strong=True
        )
        return sorted((rows_of.gallery_of_row(row) for row in rows), key=lambda gallery: gallery.name)

    async def delete_gallery(self, name: str) -> None:
        """Delete a gallery's own row."""
        self._deleted_galleries.add(name)
        await self._tables.delete_keys(self._galleries, [name])

    async def put_video(self, video: Video) -> None:
        """Write a video's row."""
        await self._tables.write(self._videos, [rows_of.row_of_video(video)])

    async def get_video(self, gallery: str, video_id: str) -> Video | None:
        """Read a video's row, with what was written last."""
        rows = await self._tables.get(self._videos, [video_id], strong=True)
        return next((rows_of.video_of_row(row) for row in rows if row["gallery"] == gallery), None)

    async def list_videos(self, gallery: str | None = None, states: Sequence[VideoState] = ()) -> list[Video]:
        """Read videos of one gallery or of all, oldest first, with what was written last."""
        wanted = all_of(
            f"gallery == {quoted(gallery)}" if gallery is not None else 'video_id != ""',
            one_of("state", states) if states else "",
        )
        rows = await self._tables.read(self._videos, wanted, strong=True)
        return sorted(map(rows_of.video_of_row, rows), key=lambda video: (video.created_at, video.video_id))

    async def put_embeddings(self, modality: Modality, rows: Sequence[EmbeddingRow]) -> None:
        """Write embeddings. Raises ValueError for a modality or a length that was not opened."""
        rows_of.check_vectors(modality, self._dimensions, [row.vector for row in rows])
        await self._tables.write(self._embeddings[modality], [rows_of.row_of_embedding(row) for row in rows])

    async def put_appearances(self, rows: Sequence[Appearance]) -> None:
        """Write appearances; they are written after their embeddings."""
        await self._tables.write(self._appearances, [rows_of.row_of_appearance(row) for row in rows])

    async def search(
        self, modality: Modality, vectors: NDArray[np.float32], scope: Scope, limit: int
    ) -> list[list[Neighbour]]:
        """Find the nearest embeddings of each vector, float32[Q, D]; best first. Raises IndexLoadingError."""
        rows_of.check_vectors(modality, self._dimensions, vectors)
        if limit < 1:
            raise ValueError(f"a search needs a limit of at least 1, got {limit}")
        collection, wanted = self._embeddings[modality], in_scope(scope)
        found: list[list[Neighbour]] = []
        limit = min(limit, MOST_ROWS)
        for part in chunks_of(np.asarray(vectors, np.float32), max(1, _MATCHES_PER_SEARCH // limit)):
            answers = await self._connection.search(collection.name, part, wanted, _NEIGHBOUR_COLUMNS, limit, self._ef)
            found += [_ordered(map(rows_of.neighbour_of_hit, answer)) for answer in answers]
        return found

    async def get_embeddings(
        self, modality: Modality, gallery: str, appearance_ids: Sequence[str]
    ) -> dict[str, EmbeddingRow]:
        """Read the embeddings of some appearances; those without one are left out."""
        collection = self._embeddings.get(modality)
        if collection is None:
            return {}
        rows = await self._tables.get(collection, appearance_ids, strong=False)
        return {row["appearance_id"]: rows_of.embedding_of_row(row) for row in rows if row["gallery"] == gallery}

    async def list_embeddings(self, modality: Modality, scope: Scope) -> list[EmbeddingRow]:
        """Read all embeddings in a scope, by start time, then id."""
        collection = self._embeddings.get(modality)
        if collection is None:
            return []
        rows = await self._tables.read(collection, in_scope(scope), strong=True)
        return sorted(map(rows_of.embedding_of_row, rows), key=lambda row: (row.start_s, row.appearance_id))

    async def get_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> dict[str, Appearance]:
        """Read some appearances; unknown ids are left out."""
        rows = await self._tables.get(self._appearances, appearance_ids, strong=False)
        return {row["appearance_id"]: rows_of.appearance_of_row(row) for row in rows if row["gallery"] == gallery}

    async def list_appearances(self, scope: Scope) -> list[Appearance]:
        """Read all appearances in a scope, by video id, start time, then id, with what was written last."""
        rows = await self._tables.read(self._appearances, in_scope(scope), strong=True)
        return sorted(
            map(rows_of.appearance_of_row, rows), key=lambda row: (row.video_id, row.start_s, row.appearance_id)
        )

    async def list_places(self, modality: Modality | None, scope: Scope) -> list[Place]:
        """Read which embeddings or appearances of this pack are in a scope, by id, with what was written last."""
        collection = self._appearances if modality is None else self._embeddings.get(modality)
        if collection is None:
            return []
        rows = await self._tables.matching(collection, in_scope(scope), _PLACE_COLUMNS, strong=True)
        return sorted(
            (Place(*(row[name] for name in _PLACE_COLUMNS)) for row in rows), key=lambda place: place.appearance_id
        )

    async def delete_from(self, gallery: str, video_id: str, start_s: float) -> int:
        """Delete a video's appearances and embeddings that start at `start_s` or later, of every pack."""
        wanted = all_of(_of_video(gallery, video_id), f"start_s >= {number(start_s)}")
        return await self._delete_everywhere(wanted)

    async def delete_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> None:
        """Delete the rows of some appearances; their embeddings stay, and are ignored until they are deleted."""
        await self._delete_some(self._appearances, gallery, appearance_ids)

    async def delete_embeddings(self, modality: Modality, gallery: str, appearance_ids: Sequence[str]) -> None:
        """Delete the embeddings of some appearances in one modality of the active pack."""
        if modality in self._embeddings:
            await self._delete_some(self._embeddings[modality], gallery, appearance_ids)

    async def erase_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> int:
        """Delete some appearances, then their embeddings, of every pack."""
        deleted = 0
        holding = await self._holding_appearances()
        named = [each for each in holding if each.name.startswith(APPEARANCES_PREFIX)]
        for collections in (named, [each for each in holding if each not in named]):
            counts = (self._delete_some(each, gallery, appearance_ids) for each in collections)
            deleted += sum(await asyncio.gather(*counts))
        return deleted

    async def count_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> int:
        """Count the rows and embeddings of some appearances, of every pack, with what was written last."""
        wanted = [_some_of(gallery, part) for part in key_chunks(appearance_ids)]
        collections = await self._holding_appearances()
        return sum(await asyncio.gather(*(self._tables.count(each, wanted) for each in collections)))

    async def erase_video(self, gallery: str, video_id: str) -> int:
        """Delete a video's appearances, embeddings (of every pack), people and, last, row; it may be repeated."""
        wanted = _of_video(gallery, video_id)
        deleted = await self._delete_everywhere(wanted) + await self._people.erase_video(gallery, video_id)
        return deleted + await self._tables.delete(self._videos, wanted)

    async def count_video(self, gallery: str, video_id: str) -> int:
        """Count all rows of a video in every collection, with what was written last."""
        wanted = _of_video(gallery, video_id)
        collections = [*await self._holding_appearances(), self._videos]
        counts = (self._tables.count(each, [wanted]) for each in collections)
        return sum(await asyncio.gather(*counts, self._people.count_video(gallery, video_id)))

    async def refresh(self) -> None:
        """Make this pack's embeddings quick to search: flushed, put out of memory, and read from the disk again."""
        await self.flush()
        for collection in self._embeddings.values():
            await self._connection.release(collection.name)
            await self._connection.load(collection.name)

    async def flush(self) -> None:
        """Make what this instance wrote durable and quick to search."""
        await self._tables.flush()

    async def _holding_appearances(self) -> list[Collection]:
        """All collections with rows of appearances, those of other packs included."""
        prefixes = (APPEARANCES_PREFIX, *EMBEDDING_PREFIX.values())
        names = sorted(name for name in await self._connection.collections() if name.startswith(prefixes))
        return [Collection(name, "appearance_id", ("appearance_id",)) for name in names]

    async def _delete_everywhere(self, wanted: str) -> int:
        collections = await self._holding_appearances()
        return sum(await asyncio.gather(*(self._tables.delete(each, wanted) for each in collections)))

    async def _delete_some(self, collection: Collection, gallery: str, keys: Sequence[str]) -> int:
        wanted = (_some_of(gallery, part) for part in key_chunks(keys))
        return sum([await self._tables.delete(collection, some) for some in wanted])


def _of_video(gallery: str, video_id: str) -> str:
    return all_of(f"gallery == {quoted(gallery)}", f"video_id == {quoted(video_id)}")


def _some_of(gallery: str, appearance_ids: Sequence[str]) -> str:
    return all_of(f"gallery == {quoted(gallery)}", one_of("appearance_id", appearance_ids))


def _ordered(neighbours: Iterable[Neighbour]) -> list[Neighbour]:
    return sorted(neighbours, key=lambda each: (-each.cosine, each.appearance_id))
