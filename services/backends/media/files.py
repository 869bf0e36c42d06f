"""The media store on fsspec: a folder, a bucket (``s3://``) or, as the fake, the memory (``memory://``)."""

from __future__ import annotations

import asyncio
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from services.runtime.errors import BackendUnavailableError

__all__ = ["FsspecMediaStore"]

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


class FsspecMediaStore:
    """`MediaStore` below one URI. Blocking calls run in threads.

    Args:
        uri: ``file:///folder``, a plain path, ``s3://bucket/prefix`` or ``memory://name``; a folder is made.
    """

    def __init__(self, uri: str) -> None:
        self._files, root = fsspec.core.url_to_fs(uri)
        self._root = root.rstrip("/")

    async def put(self, key: str, content: bytes) -> str:
        """Write a file and return its URI. A reader sees the old content or the new one, never a part."""
        path = self._path(key)
        await asyncio.to_thread(self._write, path, content)
        return str(self._files.unstrip_protocol(path))

    async def get(self, key: str) -> bytes | None:
        """Read a file, or None when there is none."""
        path = self._path(key)
        with _errors():
            try:
                return bytes(await asyncio.to_thread(self._files.cat_file, path))
            except FileNotFoundError:
                return None

    async def delete(self, keys: Sequence[str]) -> int:
        """Delete some files; say how many of them there were."""
        return await asyncio.to_thread(self._delete_some, [self._path(key) for key in keys])

    async def count(self, keys: Sequence[str]) -> int:
        """Count how many of some files there are."""
        return len(await asyncio.to_thread(self._present, [self._path(key) for key in keys]))

    async def delete_prefix(self, prefix: str) -> int:
        """Delete all files below ``gallery`` or ``gallery/video_id``; say how many there were."""
        path = self._path(prefix)
        return await asyncio.to_thread(self._delete, path)

    async def count_prefix(self, prefix: str) -> int:
        """Count the files below ``gallery`` or ``gallery/video_id``."""
        path = self._path(prefix)
        return len(await asyncio.to_thread(self._below, path))

    def _path(self, key: str) -> str:
        parts = key.split("/")
        if not all(_PART.fullmatch(part) for part in parts):
            said = "expected parts of letters, digits, dots, dashes and underscores, joined by single slashes"
            raise ValueError(f"not a media key: {key!r}; {said}")
        return "/".join((self._root, *parts))

    def _write(self, path: str, content: bytes) -> None:
        with _errors():
            if not isinstance(self._files, LocalFileSystem):
                self._files.pipe_file(path, content)  # a bucket shows an object when it is whole
                return
            target = Path(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
            try:
                unfinished.write_bytes(content)
                os.replace(unfinished, target)
            finally:
                unfinished.unlink(missing_ok=True)

    def _below(self, path: str) -> list[str]:
        with _errors():
            self._files.invalidate_cache()  # another process may have written
            return list(self._files.find(path))

    def _present(self, paths: Sequence[str]) -> list[str]:
        with _errors():
            self._files.invalidate_cache()  # another process may have written
        return [path for path in paths if self._is_file(path)]

    def _is_file(self, path: str) -> bool:
        """Whether it is there; `isfile` of fsspec would say no where a bucket does not answer."""
        with _errors():
            try:
                return bool(self._files.info(path)["type"] == "file")
            except (FileNotFoundError, NotADirectoryError):
                return False

    def _delete_some(self, paths: Sequence[str]) -> int:
        present = self._present(paths)
        with _errors():
            for path in present:
                # One that another call deleted meanwhile is gone as well.
                with suppress(FileNotFoundError):
                    self._files.rm_file(path)
        return len(present)

    def _delete(self, path: str) -> int:
        paths = self._below(path)
        with _errors():
            if self._files.exists(path):
                self._files.rm(path, recursive=True)
        return len(paths)


@contextmanager
def _errors() -> Iterator[None]:
    """Turn what the file system raises into `BackendUnavailableError`, but for a missing file."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise BackendUnavailableError("media", f"{type(error).__name__}: {error}") from error
