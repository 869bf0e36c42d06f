"""How the adapters talk to Redis: one asyncio client each, with a deadline, and one error when it does not answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from services.runtime.errors import BackendUnavailableError

__all__ = ["connect", "read_many", "redis_errors"]


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


async def read_many(redis: Redis, keys: Sequence[str]) -> list[bytes | None]:
    """MGET of hundreds of keys, whose command the client takes longer to write than Redis to answer.

    So it is written here. Where the connection turns out to be broken the client's own way, with its retries, is taken.
    """
    encoded = [key.encode() for key in keys]
    command = b"*%d\r\n$4\r\nMGET\r\n" % (len(encoded) + 1)
    command += b"".join([b"$%d\r\n%b\r\n" % (len(key), key) for key in encoded])
    connection = await redis.connection_pool.get_connection()  # type: ignore[no-untyped-call]
    try:
        await connection.send_packed_command(command, check_health=False)
        values = await connection.read_response()
    except (RedisConnectionError, RedisTimeoutError):
        await connection.disconnect(nowait=True)
        values = await redis.mget(list(keys))
    except BaseException:
        # Half of an answer may be left on it.
        await connection.disconnect(nowait=True)
        raise
    finally:
        await redis.connection_pool.release(connection)
    return [value if isinstance(value, bytes) else None for value in values]


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turn what the client raises into `BackendUnavailableError`."""
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError, RedisError) as error:
        raise BackendUnavailableError("redis", f"{type(error).__name__}: {error}") from error
