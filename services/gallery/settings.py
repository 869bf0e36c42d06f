"""Numbers of the gallery service; it runs in the ingest API's process."""

from __future__ import annotations

from pydantic import PositiveInt

from services.runtime.settings import Section

__all__ = ["GallerySettings"]


class GallerySettings(Section):
    """How galleries are handled.

    Attributes:
        deletions_at_once: Videos of a gallery that are deleted at the same time; each waits for several stores.
    """

    deletions_at_once: PositiveInt = 4
