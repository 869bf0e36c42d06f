"""The record of people: what was said of them, in order, and which appearance is whose (design 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.backends.people import Membership, Operation

__all__ = ["OperationExistsError", "PeopleRecord"]


class OperationExistsError(Exception):
    """The gallery's log has an operation of that number already: somebody else writes it too."""

    def __init__(self, operation: Operation) -> None:
        super().__init__(f"the log of gallery {operation.gallery!r} has an operation {operation.number} already")


class PeopleRecord(Protocol):
    """A part of the record, reached by `VectorIndex.people`; it belongs to no pack.

    One writer numbers the operations of a gallery. `VectorIndex.erase_video` and `count_video` cover what is here of a
    video; what is here of a gallery is erased when the gallery is.
    """

    async def append(self, operation: Operation) -> None:
        """Write the next operation of a gallery's log.

        Raises:
            OperationExistsError: If there is one of that number.
            ValueError: If it is longer than a row: about 800 appearances, and a name and an author of 200 characters.
        """
        ...

    async def rewrite(self, operations: Sequence[Operation]) -> None:
        """Write what an erasure leaves of operations in their place. Nothing else changes what was said."""
        ...

    async def operations(self, gallery: str) -> list[Operation]:
        """Read a gallery's log, by number (strong)."""
        ...

    async def put_memberships(self, rows: Sequence[Membership]) -> None:
        """Write memberships; an appearance that has one gets the new one."""
        ...

    async def memberships(self, gallery: str) -> list[Membership]:
        """Read all memberships of a gallery, by appearance id (strong)."""
        ...

    async def delete_memberships(self, appearance_ids: Sequence[str]) -> None:
        """Delete the memberships of some appearances."""
        ...

    async def count_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> int:
        """Count memberships of some appearances, and operations that speak of one of them (strong)."""
        ...

    async def erase_video(self, gallery: str, video_id: str) -> int:
        """Delete a video's memberships, and what operations say of it; say how many rows were deleted or changed."""
        ...

    async def count_video(self, gallery: str, video_id: str) -> int:
        """Count memberships of a video and operations that speak of it (strong)."""
        ...

    async def erase_gallery(self, gallery: str) -> int:
        """Delete everything of a gallery; say how many rows that were."""
        ...

    async def count_gallery(self, gallery: str) -> int:
        """Count everything of a gallery (strong)."""
        ...
