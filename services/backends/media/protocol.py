"""Key frames and crops, in a folder or a bucket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

__all__ = ["MediaStore"]


class MediaStore(Protocol):
    """What the services ask of the media store. Keys are `gallery/video_id/name`."""

    async def put(self, key: str, content: bytes) -> str:
        """Write a file, replacing what is there, and return its URI."""
        ...

    async def get(self, key: str) -> bytes | None:
        """Read a file, or None when there is none."""
        ...

    async def delete(self, keys: Sequence[str]) -> int:
        """Delete some files; say how many of them there were."""
        ...

    async def count(self, keys: Sequence[str]) -> int:
        """Count how many of some files there are."""
        ...

    async def delete_prefix(self, prefix: str) -> int:
        """Delete all files below a prefix; say how many there were."""
        ...

    async def count_prefix(self, prefix: str) -> int:
        """Count the files below a prefix."""
        ...
