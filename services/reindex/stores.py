"""Where the stores of this deployment are: the running stack's, the configured ones, or its own, started.

Composition root: beside the supervisor itself, this is the only place that starts its children.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from services.runtime.ports import free_ports
from services.runtime.settings import StackSettings
from services.supervisor.child import Child
from services.supervisor.errors import SupervisorError
from services.supervisor.state import StateDir
from services.supervisor.stores import milvus_child, redis_child

__all__ = ["StoreAddresses", "reachable_stores"]


@dataclass(frozen=True, slots=True)
class StoreAddresses:
    """Addresses of the stores; `stack_runs` says whether a stack of this machine uses them now."""

    milvus_uri: str
    redis_url: str
    media_uri: str
    stack_runs: bool


@asynccontextmanager
async def reachable_stores(settings: StackSettings) -> AsyncIterator[StoreAddresses]:
    """Give the stores; those that are started here are stopped at the end, and with this process if it is killed.

    Raises:
        SupervisorError: If a stack is just starting or stopping, or a store does not start.
    """
    state = StateDir(settings.state_dir)
    status = state.read_status()
    if status.running:
        if status.endpoints is None:
            raise SupervisorError(f"a stack in {state.path} is starting or stopping (pid {status.pid}); wait for it")
        found = status.endpoints
        yield StoreAddresses(found.milvus_uri, found.redis_url, found.media_uri, stack_runs=True)
        return
    if settings.milvus.uri and settings.redis.url:
        yield StoreAddresses(settings.milvus.uri, settings.redis.url, settings.media_uri, stack_runs=False)
        return
    async with _started(settings, state) as started:
        yield started


@asynccontextmanager
async def _started(settings: StackSettings, state: StateDir) -> AsyncIterator[StoreAddresses]:
    """The stores of a stack that does not run; its lock is held, so that it does not start meanwhile."""
    state.create()
    lock = state.take_lock()
    milvus_port, redis_port = free_ports(2)
    specs = [
        *([] if settings.milvus.uri else [milvus_child(state.path / "milvus", milvus_port)]),
        *([] if settings.redis.url else [redis_child(state.path / "redis", redis_port)]),
    ]
    async with AsyncExitStack() as running:
        running.callback(os.close, lock)
        children = []
        for spec in specs:
            child = await Child.start(spec, state.logs)
            running.push_async_callback(child.stop)
            children.append(child)
        await asyncio.gather(*(child.until_ready() for child in children))
        yield StoreAddresses(
            settings.milvus.uri or f"http://127.0.0.1:{milvus_port}",
            settings.redis.url or f"redis://127.0.0.1:{redis_port}/0",
            settings.media_uri,
            stack_runs=False,
        )
