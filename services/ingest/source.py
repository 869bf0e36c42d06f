"""The file that is asked for: may it be read, is it a video, and what is its content."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from services.ingest.pipeline.decode import UnreadableFileError, VideoFile, VideoFormat
from services.runtime.errors import FieldViolation, InvalidFieldError, UnreadableVideoError

__all__ = ["content_digest", "probe", "resolve"]

FIELD = "source_uri"


def resolve(source_uri: str, roots: Sequence[Path]) -> Path:
    """The file that an absolute path or a file:// URI names, links followed.

    Raises:
        InvalidFieldError: If it is neither, or lies outside the folders that may be read.
        UnreadableVideoError: If it is no regular file that can be read.
    """
    path = Path(_path_text(source_uri)).resolve()
    if roots and not any(path.is_relative_to(root.resolve()) for root in roots):
        raise _invalid(f"got {path}, expected a file below {', '.join(str(root) for root in roots)}")
    try:
        kind = path.stat().st_mode
    except OSError as error:
        raise UnreadableVideoError(source_uri, error.strerror or "it cannot be opened") from error
    if not stat.S_ISREG(kind):
        raise UnreadableVideoError(source_uri, "it is no regular file")
    if not os.access(path, os.R_OK):
        raise UnreadableVideoError(source_uri, "the service may not read it")
    return path


def probe(path: Path) -> VideoFormat:
    """Open a file and decode its first frame. Blocks.

    Raises:
        UnreadableVideoError: If it is no video.
    """
    try:
        with VideoFile(path, threads=1) as file:
            return file.format
    except UnreadableFileError as error:
        raise UnreadableVideoError(str(path), str(error)) from error


def content_digest(path: Path) -> str:
    """Hex SHA-256 of a file's content. Blocks, about a second for each gigabyte."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _path_text(source_uri: str) -> str:
    text = source_uri
    if source_uri.startswith("file:"):
        parts = urlsplit(source_uri)
        if parts.netloc not in ("", "localhost"):
            raise _invalid(f"got a file on {parts.netloc!r}, expected one of this machine")
        text = unquote(parts.path)
    if not text.startswith("/") or "\0" in text:
        raise _invalid(f"got {source_uri!r}, expected an absolute path or a file:// URI")
    return text


def _invalid(description: str) -> InvalidFieldError:
    return InvalidFieldError([FieldViolation(FIELD, description)])
