"""Rows of collections, read and written in calls of a size that Milvus takes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from services.backends.index.connection import Connection
from services.backends.index.filters import all_of, one_of, with_prefix
from services.backends.index.schema import Collection
from services.runtime.chunks import chunks_of

__all__ = ["MOST_ROWS", "Tables", "key_chunks"]

MOST_ROWS = 16_384  # of one answer
_KEYS_PER_CALL = 400  # rows with packed boxes stay under 64 MB, and expressions short
_BYTES_PER_WRITE = 16 << 20  # a message may hold 64 MB
_DELETE_ROUNDS = 3
_HEX_DIGITS = "0123456789abcdef"

Row = dict[str, Any]


class Tables:
    """Reads, writes and deletes rows by their keys, and knows which collections are to be flushed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._unflushed: set[str] = set()

    async def write(self, collection: Collection, rows: Sequence[Row]) -> None:
        """Write rows; one whose key is there is replaced."""
        if rows:
            self._unflushed.add(collection.name)
        for part in _batches(rows):
            if collection.partitioned:
                await self._connection.replace(collection.name, collection.key, part)
            else:
                await self._connection.upsert(collection.name, part)

    async def get(self, collection: Collection, keys: Sequence[str], *, strong: bool) -> list[Row]:
        """Read the rows of some keys; unknown ones are left out."""
        calls = (
            self._connection.query(
                collection.name, one_of(collection.key, part), collection.columns, len(part), strong=strong
            )
            for part in key_chunks(keys)
        )
        return [row for rows in await asyncio.gather(*calls) for row in rows]

    async def read(self, collection: Collection, wanted: str, *, strong: bool) -> list[Row]:
        """Read the rows that match, however long they are."""
        return await self.get(collection, await self.keys(collection, wanted, strong=strong), strong=strong)

    async def keys(self, collection: Collection, wanted: str, *, strong: bool) -> list[str]:
        """Name the rows that match."""
        rows = await self.matching(collection, wanted, [collection.key], strong=strong)
        return [row[collection.key] for row in rows]

    async def matching(
        self, collection: Collection, wanted: str, columns: Sequence[str], *, strong: bool, prefix: str = ""
    ) -> list[Row]:
        """Read short columns of the rows that match; a full answer is asked for again in sixteen, by the next digit."""
        expression = all_of(wanted, with_prefix(collection.key, prefix))
        rows = await self._connection.query(collection.name, expression, columns, MOST_ROWS, strong=strong)
        if len(rows) < MOST_ROWS:
            return rows
        parts = [
            await self.matching(collection, wanted, columns, strong=strong, prefix=prefix + digit)
            for digit in _HEX_DIGITS
        ]
        return [row for part in parts for row in part]

    async def count(self, collection: Collection, wanted: Sequence[str]) -> int:
        """Count the rows that match one of some conditions, of which no two hold of one row."""
        return sum(await asyncio.gather(*(self._connection.count(collection.name, each) for each in wanted)))

    async def delete(self, collection: Collection, wanted: str) -> int:
        """Delete the rows that match, and say how many; those written meanwhile go in another round."""
        deleted = 0
        for _ in range(_DELETE_ROUNDS):
            keys = await self.keys(collection, wanted, strong=True)
            if not keys:
                break
            await self.delete_keys(collection, keys)
            deleted += len(keys)
        return deleted

    async def delete_keys(self, collection: Collection, keys: Sequence[str]) -> None:
        """Delete the rows of some keys."""
        self._unflushed.add(collection.name)
        for part in key_chunks(keys):
            await self._connection.delete(collection.name, one_of(collection.key, part))

    async def flush(self) -> None:
        """Make what was written durable and quick to search."""
        names, self._unflushed = self._unflushed, set()
        await asyncio.gather(*(self._connection.flush(name) for name in sorted(names)))


def key_chunks(keys: Sequence[str]) -> Sequence[Sequence[str]]:
    """Cut keys into as many as a call takes; one that is named twice is asked for once."""
    return list(chunks_of(list(dict.fromkeys(keys)), _KEYS_PER_CALL))


def _batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Cut rows into writes of at most `_BYTES_PER_WRITE`."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(4 * len(value) for value in row.values() if isinstance(value, (str, list, np.ndarray)))
        if size >= _BYTES_PER_WRITE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
