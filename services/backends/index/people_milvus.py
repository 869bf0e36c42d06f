"""The record of people in Milvus: two collections without embeddings of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.backends.index.connection import Connection
from services.backends.index.filters import all_of, one_of, quoted
from services.backends.index.people import OperationExistsError
from services.backends.index.people_rows import (
    membership_of_row,
    operation_id,
    operation_of_row,
    row_of_membership,
    row_of_operation,
)
from services.backends.index.schema import MEMBERSHIPS, OPERATIONS
from services.backends.index.tables import Tables, key_chunks
from services.backends.people import Membership, Operation
from services.runtime.chunks import chunks_of

__all__ = ["MilvusPeople"]

_ROWS_PER_CALL = 400


class MilvusPeople:
    """`PeopleRecord` on Milvus, over the connection of a `MilvusIndex`."""

    collections = (OPERATIONS, MEMBERSHIPS)

    def __init__(self, connection: Connection) -> None:
        self._connection, self._tables = connection, Tables(connection)

    async def open(self) -> None:
        """Create what is missing and load it."""
        for collection in self.collections:
            await self._connection.ensure(collection.name, collection.schema(), collection.index())
        await asyncio.gather(*(self._connection.load(collection.name) for collection in self.collections))

    async def append(self, operation: Operation) -> None:
        """Write the next operation of a gallery's log. Raises OperationExistsError."""
        key = operation_id(operation.gallery, operation.number)
        if await self._connection.count(OPERATIONS.name, one_of(OPERATIONS.key, [key])):
            raise OperationExistsError(operation)
        await self._connection.upsert(OPERATIONS.name, [row_of_operation(operation)])

    async def rewrite(self, operations: Sequence[Operation]) -> None:
        """Write what an erasure leaves of operations in their place."""
        await self._tables.write(OPERATIONS, [row_of_operation(operation) for operation in operations])

    async def operations(self, gallery: str) -> list[Operation]:
        """Read a gallery's log, by number: a row may be long, so window by window until one is empty."""
        found: list[Operation] = []
        while True:
            first = len(found) + 1
            window = f"number >= {first} and number < {first + _ROWS_PER_CALL}"
            wanted = all_of(_of_gallery(gallery), window)
            rows = await self._connection.query(
                OPERATIONS.name, wanted, OPERATIONS.columns, _ROWS_PER_CALL, strong=True
            )
            found += sorted(map(operation_of_row, rows), key=lambda operation: operation.number)
            if len(rows) < _ROWS_PER_CALL:
                return found

    async def put_memberships(self, rows: Sequence[Membership]) -> None:
        """Write memberships."""
        for some in chunks_of(rows, _ROWS_PER_CALL):
            await self._connection.replace(MEMBERSHIPS.name, MEMBERSHIPS.key, [row_of_membership(row) for row in some])
        if rows:
            await self._connection.flush(MEMBERSHIPS.name)

    async def memberships(self, gallery: str) -> list[Membership]:
        """Read all memberships of a gallery, by appearance id."""
        rows = await self._tables.matching(MEMBERSHIPS, _of_gallery(gallery), MEMBERSHIPS.columns, strong=True)
        return sorted(map(membership_of_row, rows), key=lambda row: row.appearance_id)

    async def delete_memberships(self, appearance_ids: Sequence[str]) -> None:
        """Delete the memberships of some appearances."""
        await self._tables.delete_keys(MEMBERSHIPS, appearance_ids)

    async def count_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> int:
        """Count memberships of some appearances, and operations that speak of one of them."""
        parts = key_chunks(appearance_ids)
        wanted = [all_of(_of_gallery(gallery), one_of(MEMBERSHIPS.key, part)) for part in parts]
        rows = await self._tables.count(MEMBERSHIPS, wanted)
        ids = frozenset(appearance_ids)
        return rows + sum(one.mentions_any(ids) for one in await self.operations(gallery))

    async def erase_video(self, gallery: str, video_id: str) -> int:
        """Delete a video's memberships, and what operations say of it."""
        keys = await self._tables.keys(MEMBERSHIPS, _of_video(gallery, video_id), strong=True)
        await self._tables.delete_keys(MEMBERSHIPS, keys)
        said = [one for one in await self.operations(gallery) if one.mentions(video_id)]
        await self.rewrite([operation.without_video(video_id) for operation in said])
        return len(keys) + len(said)

    async def count_video(self, gallery: str, video_id: str) -> int:
        """Count memberships of a video and operations that speak of it."""
        rows = await self._connection.count(MEMBERSHIPS.name, _of_video(gallery, video_id))
        return rows + sum(one.mentions(video_id) for one in await self.operations(gallery))

    async def erase_gallery(self, gallery: str) -> int:
        """Delete everything of a gallery."""
        deleted = 0
        for collection in self.collections:
            keys = await self._tables.keys(collection, _of_gallery(gallery), strong=True)
            await self._tables.delete_keys(collection, keys)
            deleted += len(keys)
        return deleted

    async def count_gallery(self, gallery: str) -> int:
        """Count everything of a gallery."""
        counts = (self._connection.count(collection.name, _of_gallery(gallery)) for collection in self.collections)
        return sum(await asyncio.gather(*counts))


def _of_gallery(gallery: str) -> str:
    return f"gallery == {quoted(gallery)}"


def _of_video(gallery: str, video_id: str) -> str:
    return all_of(_of_gallery(gallery), f"video_id == {quoted(video_id)}")
