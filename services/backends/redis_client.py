"""How the adapters talk to Redis: one asyncio client each, with a deadline, and one error when it does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from services.runtime.errors import BackendUnavailableError

__all__ = ["connect", "redis_errors"]


def connect(url: str, timeout_s: float) -> Redis:
    """Make a client for `redis://`, `rediss://` or `unix://`; nothing is sent yet. Values come back as bytes.

    Every call may be sent twice: the adapters send only what may be repeated.
    """
    return Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), retries=2),
        legacy_responses=False,
    )


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turn what the client raises into `BackendUnavailableError`."""
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError, RedisError) as error:
        raise BackendUnavailableError("redis", f"{type(error).__name__}: {error}") from error
