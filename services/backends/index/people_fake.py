"""The record of people in the process; it passes the same contract tests as Milvus."""

from __future__ import annotations

from collections.abc import Sequence

from services.backends.index.people import OperationExistsError
from services.backends.index.people_rows import row_of_operation
from services.backends.people import Membership, Operation

__all__ = ["FakePeople"]


class FakePeople:
    """`PeopleRecord` on dictionaries."""

    def __init__(self) -> None:
        self._operations: dict[str, dict[int, Operation]] = {}
        self._memberships: dict[str, Membership] = {}

    async def append(self, operation: Operation) -> None:
        """Keep the next operation of a gallery's log. Raises OperationExistsError."""
        row_of_operation(operation)
        log = self._operations.setdefault(operation.gallery, {})
        if operation.number in log:
            raise OperationExistsError(operation)
        log[operation.number] = operation

    async def rewrite(self, operations: Sequence[Operation]) -> None:
        """Keep what is left of operations in their place."""
        for operation in operations:
            self._operations.setdefault(operation.gallery, {})[operation.number] = operation

    async def operations(self, gallery: str) -> list[Operation]:
        """Read a gallery's log, by number."""
        return [operation for _, operation in sorted(self._operations.get(gallery, {}).items())]

    async def put_memberships(self, rows: Sequence[Membership]) -> None:
        """Keep memberships."""
        self._memberships.update((row.appearance_id, row) for row in rows)

    async def memberships(self, gallery: str) -> list[Membership]:
        """Read all memberships of a gallery, by appearance id."""
        return [row for _, row in sorted(self._memberships.items()) if row.gallery == gallery]

    async def delete_memberships(self, appearance_ids: Sequence[str]) -> None:
        """Forget the memberships of some appearances."""
        for one in appearance_ids:
            self._memberships.pop(one, None)

    async def count_appearances(self, gallery: str, appearance_ids: Sequence[str]) -> int:
        """Count memberships of some appearances, and operations that speak of one of them."""
        wanted = frozenset(appearance_ids)
        rows = sum(row.appearance_id in wanted for row in await self.memberships(gallery))
        return rows + sum(one.mentions_any(wanted) for one in await self.operations(gallery))

    async def erase_video(self, gallery: str, video_id: str) -> int:
        """Forget a video's memberships, and what operations say of it."""
        doomed = [row.appearance_id for row in await self.memberships(gallery) if row.video_id == video_id]
        await self.delete_memberships(doomed)
        said = [one for one in await self.operations(gallery) if one.mentions(video_id)]
        self._operations.get(gallery, {}).update((one.number, one.without_video(video_id)) for one in said)
        return len(doomed) + len(said)

    async def count_video(self, gallery: str, video_id: str) -> int:
        """Count memberships of a video and operations that speak of it."""
        rows = sum(row.video_id == video_id for row in await self.memberships(gallery))
        return rows + sum(one.mentions(video_id) for one in await self.operations(gallery))

    async def erase_gallery(self, gallery: str) -> int:
        """Forget everything of a gallery."""
        doomed = [row.appearance_id for row in await self.memberships(gallery)]
        await self.delete_memberships(doomed)
        return len(doomed) + len(self._operations.pop(gallery, {}))

    async def count_gallery(self, gallery: str) -> int:
        """Count everything of a gallery."""
        return len(await self.memberships(gallery)) + len(self._operations.get(gallery, {}))
