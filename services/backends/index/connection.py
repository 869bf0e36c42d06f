"""Calls to a Milvus, each with a deadline, and with our errors instead of the client's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import grpc
import numpy as np
from numpy.typing import NDArray
from pymilvus import AsyncMilvusClient, MilvusException

from services.backends.index.filters import one_of
from services.backends.index.protocol import IndexLoadingError
from services.runtime.errors import BackendUnavailableError
from services.runtime.tasks import end_tasks

__all__ = ["Connection"]

Row = dict[str, Any]
T = TypeVar("T")

# Codes of a status: 101 not loaded, 103 not fully loaded (both Milvus and Lite), 8 too many flushes.
_NOT_LOADED = frozenset({101, 103})
_RATE_LIMITED = 8
_LOAD_TIMEOUT_S = 600.0  # Lite takes 13 s for 30,000 rows
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 0.5
_MAX_EF = 32_768
# What a call may take beyond the client's own limit, which it keeps to a little late.
_GRACE_S = 5.0


class Connection:
    """One client of one Milvus.

    Args:
        uri: Address, such as ``http://127.0.0.1:19530``.
        token: ``user:password`` or an API key; empty for none.
        timeout_s: Deadline of a call.
        load_wait_s: How long a read that meets an unloaded collection waits for it.
    """

    def __init__(self, uri: str, *, token: str, timeout_s: float, load_wait_s: float) -> None:
        self._uri, self._token = uri, token
        self._timeout_s, self._load_wait_s = timeout_s, load_wait_s
        self._client: AsyncMilvusClient | None = None
        self._loads: dict[str, asyncio.Task[None]] = {}
        # The client logs a traceback for each error that we handle.
        for name in ("pymilvus", "pymilvus.decorators", "pymilvus.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)

    async def open(self) -> None:
        """Connect. Raises BackendUnavailableError."""
        if self._client is None:
            self._client = AsyncMilvusClient(self._uri, token=self._token, timeout=self._timeout_s, dedicated=True)
        await self.collections()

    async def aclose(self) -> None:
        """Let go of the connection."""
        await end_tasks(self._loads.values())
        if self._client is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GRACE_S):
                    await self._client.close()
            self._client = None

    async def collections(self) -> list[str]:
        """Name all collections of the server, aliases left out."""
        return list(await self._call("list_collections"))

    async def ensure(self, name: str, schema: Any, index: Any) -> None:
        """Create a collection with its index where it is missing.

        Several processes may do so at once.
        """
        if not await self._call("has_collection", name):
            await self._unless(
                lambda: self._call("has_collection", name),
                self._call("create_collection", name, schema=schema, consistency_level="Bounded"),
            )
        if not await self._call("list_indexes", name):
            await self._unless(
                lambda: self._call("list_indexes", name), self._call("create_index", name, index_params=index)
            )

    async def dimension(self, name: str) -> int:
        """Read the length of a collection's vectors."""
        described = await self._call("describe_collection", name)
        return int(next(field["params"]["dim"] for field in described["fields"] if "dim" in field.get("params", {})))

    async def points(self, alias: str, name: str) -> bool:
        """Say whether an alias points to a collection."""
        return alias in list(await self._call("list_aliases", name))

    async def point(self, alias: str, name: str) -> None:
        """Make an alias point to a collection; whoever reads by it sees the old one or the new one."""
        if await self.points(alias, name):
            return
        try:
            await self._raw("alter_alias", name, alias)
        except MilvusException:  # there is none yet
            await self._unless(lambda: self.points(alias, name), self._call("create_alias", name, alias))

    async def drop_alias(self, alias: str) -> None:
        """Take an alias away that points to something."""
        await self._call("drop_alias", alias)

    async def load(self, name: str) -> None:
        """Load a collection and wait until it is; callers at the same time share one load."""
        task = self._loads.get(name)
        if task is None:
            task = asyncio.ensure_future(self._load(name))
            self._loads[name] = task
            task.add_done_callback(lambda _: self._loads.pop(name, None))
        await asyncio.shield(task)

    async def release(self, name: str) -> None:
        """Put a collection out of memory; a search of it fails until it is loaded again."""
        await self._call("release_collection", name)

    async def query(self, name: str, expression: str, columns: Sequence[str], limit: int, *, strong: bool) -> list[Row]:
        """Read up to `limit` rows that match, in no particular order."""
        return list(
            await self._when_loaded(
                name,
                lambda: self._call(
                    "query",
                    name,
                    filter=expression,
                    output_fields=list(columns),
                    limit=limit,
                    consistency_level="Strong" if strong else "Bounded",
                ),
            )
        )

    async def count(self, name: str, expression: str) -> int:
        """Count the rows that match, with what was written last."""
        rows = await self._when_loaded(
            name,
            lambda: self._call(
                "query", name, filter=expression, output_fields=["count(*)"], consistency_level="Strong"
            ),
        )
        return int(rows[0]["count(*)"])

    async def search(
        self, name: str, vectors: NDArray[np.float32], expression: str, columns: Sequence[str], limit: int, ef: int
    ) -> list[list[Row]]:
        """Find the nearest rows of each vector, float32[Q, D]."""
        hits = await self._when_loaded(
            name,
            lambda: self._call(
                "search",
                name,
                data=list(vectors),
                filter=expression,
                limit=limit,
                output_fields=list(columns),
                search_params={"metric_type": "COSINE", "params": {"ef": min(max(ef, 2 * limit), _MAX_EF)}},
                consistency_level="Bounded",
            ),
        )
        return [[dict(hit) for hit in of_query] for of_query in hits]

    async def upsert(self, name: str, rows: Sequence[Row]) -> None:
        """Write rows; a row whose key is there is replaced at once."""
        await self._call("upsert", name, data=list(rows))

    async def replace(self, name: str, key: str, rows: Sequence[Row]) -> None:
        """Write rows of a collection with a partition key; a row whose key is there is gone for a moment.

        Milvus 2.3.5 puts an upserted row into another partition than an inserted one, where no filter by the partition
        key finds it. The client would send an insert twice when the connection breaks, and so make a second row.
        """
        await self.delete(name, one_of(key, [row[key] for row in rows]))
        await self._call("insert", name, data=list(rows), retry_times=0)

    async def delete(self, name: str, expression: str) -> None:
        """Delete the rows that match; `expression` names keys, since other deletes may miss rows just written."""
        await self._call("delete", name, filter=expression)

    async def flush(self, name: str) -> None:
        """Make a collection durable. A server that finds this too often does it by itself a little later."""
        try:
            await self._raw("flush", name, retry_on_rate_limit=False)
        except MilvusException as error:
            if error.code != _RATE_LIMITED and "rate limit" not in error.message:
                raise _unavailable(error) from error

    async def _load(self, name: str) -> None:
        await self._call("load_collection", name, timeout=_LOAD_TIMEOUT_S)

    async def _unless(self, done: Callable[[], Awaitable[Any]], work: Awaitable[Any]) -> None:
        """Do something that another process may have done in the meantime."""
        try:
            await work
        except BackendUnavailableError:
            if not await done():
                raise

    async def _when_loaded(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        """Read; when the collection is not loaded, load it and read again, within `load_wait_s`."""
        deadline = asyncio.get_running_loop().time() + self._load_wait_s
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return await call()
            except IndexLoadingError as error:
                left_s = deadline - asyncio.get_running_loop().time()
                if left_s <= 0:
                    raise
                await self._wait_for_load(name, left_s, error)
                # Loaded according to one node, not yet to the one that answers.
                await asyncio.sleep(min(pause_s, left_s))
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _wait_for_load(self, name: str, left_s: float, met: IndexLoadingError) -> None:
        try:
            await asyncio.wait_for(self.load(name), left_s)
        except TimeoutError:
            raise met from None

    async def _call(self, method: str, *arguments: Any, **more: Any) -> Any:
        return await self._guard(self._raw(method, *arguments, **more))

    async def _raw(self, method: str, *arguments: Any, timeout: float | None = None, **more: Any) -> Any:
        if self._client is None:
            raise BackendUnavailableError("milvus", "the index is not open: call open() first")
        # With a time limit the client tries again until it is over; without one it counts.
        within_s = timeout or self._timeout_s
        limit_s, grace_s = (None, 0.0) if "retry_times" in more else (within_s, _GRACE_S)
        # The client was seen to wait for ever on the channel of a server that had been killed: its limit is not enough.
        try:
            async with asyncio.timeout(within_s + grace_s):
                return await getattr(self._client, method)(*arguments, timeout=limit_s, **more)
        except TimeoutError:
            raise BackendUnavailableError("milvus", f"no answer to {method} within {within_s} s") from None

    async def _guard(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except MilvusException as error:
            if error.code in _NOT_LOADED or "not loaded" in error.message or "not fully loaded" in error.message:
                raise IndexLoadingError(f"a collection is being loaded: {error.message}") from error
            raise _unavailable(error) from error
        except grpc.RpcError as error:
            raise BackendUnavailableError("milvus", str(error)) from error


def _unavailable(error: MilvusException) -> BackendUnavailableError:
    return BackendUnavailableError("milvus", f"code {error.code}: {error.message}")
