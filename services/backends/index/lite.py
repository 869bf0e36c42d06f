"""Milvus Lite as one server process on loopback: ``python -m services.backends.index.lite --data-dir DIR --port N``.

It is the package's own server with three things put right, each of which loses or hides rows in milvus-lite 3.2.2
when several processes use it at once: writers of one collection exclude each other; a flush, between whose first and
last step rows can be seen neither in memory nor on the disk, excludes readers; and collections are opened before the
first call, since two calls that open one at the same time would each get a copy of their own. It also closes its
files on SIGTERM.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc

__all__ = ["lite_command", "main"]

_MAX_MESSAGE_BYTES = 256 << 20
_THREADS = 16
_GRACE_S = 5.0
_WRITES = frozenset({"Insert", "Upsert", "Delete", "Flush", "CreateIndex", "DropIndex", "TruncateCollection"})
_STRUCTURE = frozenset(
    {
        "AlterAlias",
        "AlterCollection",
        "CreateAlias",
        "CreateCollection",
        "DropAlias",
        "DropCollection",
        "LoadCollection",
        "ReleaseCollection",
        "RenameCollection",
    }
)


def lite_command(data_dir: str | Path, port: int) -> list[str]:
    """Make the command line of a server for the files in `data_dir`; ready once it accepts a query."""
    return [sys.executable, "-m", "services.backends.index.lite", "--data-dir", str(data_dir), "--port", str(port)]


class ReadersOrWriter:
    """A lock that many readers or one writer hold; a waiting writer goes before readers that come later."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._writing = False
        self._waiting = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold it as a reader."""
        with self._changed:
            self._changed.wait_for(lambda: not self._writing and not self._waiting)
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold it alone."""
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: not self._writing and not self._readers)
            self._waiting -= 1
            self._writing = True
        try:
            yield
        finally:
            with self._changed:
                self._writing = False
                self._changed.notify_all()


class Ordering(grpc.ServerInterceptor):
    """Lets each call run only beside calls that it cannot disturb, collection by collection."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, ReadersOrWriter] = defaultdict(ReadersOrWriter)
        self._finding = threading.Lock()
        self._structure = threading.Lock()

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        """Wrap the handler of a unary call."""
        handler = continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler
        method = details.method.rpartition("/")[2]

        def ordered(request: Any, context: grpc.ServicerContext) -> Any:
            with self._turn(method, request):
                return handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(ordered, handler.request_deserializer, handler.response_serializer)

    @contextmanager
    def _turn(self, method: str, request: Any) -> Iterator[None]:
        if method in _STRUCTURE:
            # A read may meet a load: it is told that the collection is not loaded, and waits as long as it likes.
            with self._structure:
                yield
        elif method in _WRITES:
            with self._each(_names(request)):
                yield
        else:
            with self._lock(next(iter(_names(request)), "")).reading():
                yield

    @contextmanager
    def _each(self, names: Sequence[str]) -> Iterator[None]:
        if not names:
            yield
            return
        with self._lock(names[0]).writing(), self._each(names[1:]):
            yield

    def _lock(self, name: str) -> ReadersOrWriter:
        with self._finding:
            return self._locks[name]


def _names(request: Any) -> list[str]:
    """Name the collections of a request, in one order so that no two calls wait for each other."""
    several = getattr(request, "collection_names", None)
    return sorted(set(several)) if several else [name for name in (getattr(request, "collection_name", ""),) if name]


def serve(data_dir: Path, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then close the files."""
    from milvus_lite.adapter.grpc.servicer import MilvusServicer
    from milvus_lite.db import MilvusLite
    from pymilvus.grpc_gen import milvus_pb2_grpc

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    data_dir.mkdir(parents=True, exist_ok=True)
    database = MilvusLite(str(data_dir))
    try:
        for name in database.list_collections():
            database.get_collection(name)
        server = grpc.server(
            futures.ThreadPoolExecutor(max_workers=_THREADS),
            interceptors=[Ordering()],
            options=[
                ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
                ("grpc.so_reuseport", 0),
                # pymilvus pings an idle connection every ten seconds; by default a server hangs up on that.
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 1_000),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.max_ping_strikes", 0),
            ],
        )
        milvus_pb2_grpc.add_MilvusServiceServicer_to_server(MilvusServicer(database), server)
        server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        stop.wait()
        server.stop(_GRACE_S).wait()
    finally:
        database.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    program = "python -m services.backends.index.lite"
    parser = argparse.ArgumentParser(prog=program, description="Milvus Lite on loopback")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of its files, made when missing")
    parser.add_argument("--port", type=int, required=True, help="TCP port on 127.0.0.1")
    options = parser.parse_args(arguments)
    serve(options.data_dir, options.port)


if __name__ == "__main__":
    main()
