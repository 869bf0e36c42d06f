"""A video's appearances, page by page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from services.backends.index.protocol import IndexLoadingError, VectorIndex
from services.backends.schemas import Appearance, Scope
from services.runtime.errors import (
    BackendUnavailableError,
    FieldViolation,
    GalleryNotFoundError,
    InvalidFieldError,
    VideoNotFoundError,
)

Place = tuple[float, str]


@dataclass(frozen=True, slots=True)
class Page:
    """Some appearances by start, then id, and where the next page goes on; "" when this is the last."""

    appearances: tuple[Appearance, ...]
    next_page_token: str


class AppearanceLister:
    """Lists what is committed of a video.

    Args:
        index: The record.
        max_key_boxes: Most key boxes of a page, but for a page of one appearance: more would not fit a message.
    """

    def __init__(self, index: VectorIndex, max_key_boxes: int) -> None:
        self._index = index
        self._max_key_boxes = max_key_boxes

    async def list_appearances(self, gallery: str, video_id: str, page_size: int, page_token: str) -> Page:
        """Read one page of at most `page_size`.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
            VideoNotFoundError: If the gallery has no such video.
            InvalidFieldError: If the token is not one of ours.
            BackendUnavailableError: If the index does not answer.
        """
        after = _place(page_token) if page_token else None
        try:
            rows = await self._index.list_appearances(Scope(gallery, (video_id,), start_s=after and after[0]))
            if not rows:
                await self._check_video(gallery, video_id)
        except IndexLoadingError as error:
            raise BackendUnavailableError("milvus", "the index is being loaded; try again shortly") from error
        # What begins at the place of the token or later also ends after it, so the scope has lost none of it.
        rest = sorted((row for row in rows if after is None or _place_of(row) > after), key=_place_of)
        page = self._fitting(rest[:page_size])
        return Page(tuple(page), _token(page[-1]) if len(rest) > len(page) else "")

    async def _check_video(self, gallery: str, video_id: str) -> None:
        if await self._index.get_video(gallery, video_id) is not None:
            return
        if await self._index.get_gallery(gallery) is None:
            raise GalleryNotFoundError(gallery)
        raise VideoNotFoundError(gallery, video_id)

    def _fitting(self, rows: Sequence[Appearance]) -> Sequence[Appearance]:
        """The first of some appearances, at least one, whose key boxes fit into a message."""
        total = 0
        for count, row in enumerate(rows):
            total += len(row.boxes)
            if total > self._max_key_boxes:
                return rows[: max(1, count)]
        return rows


def _place_of(appearance: Appearance) -> Place:
    return appearance.start_s, appearance.appearance_id


def _token(appearance: Appearance) -> str:
    return base64.urlsafe_b64encode(f"{appearance.start_s!r} {appearance.appearance_id}".encode()).decode()


def _place(token: str) -> Place:
    try:
        start_s, appearance_id = base64.urlsafe_b64decode(token.encode()).decode().split(" ")
        return float(start_s), appearance_id
    except (ValueError, binascii.Error) as error:
        said = "got no token of ListAppearances; give `next_page_token` of the page before"
        raise InvalidFieldError([FieldViolation("page_token", said)]) from error
