"""Which packs have collections in a Milvus, which of them is live, and which was before: all of it told by aliases.

The alias of the appearances decides: it is one name, so it changes at once, and it is where the vectors are, so it
cannot be lost apart from them.
"""

from __future__ import annotations

from collections.abc import Sequence

from packs.spec import Modality
from services.backends.index.connection import Connection
from services.backends.index.schema import (
    APPEARANCES_ALIAS,
    APPEARANCES_PREFIX,
    PREVIOUS_ALIAS,
    Collection,
    alias_of,
)

__all__ = ["PackAliases"]


class PackAliases:
    """The packs of one Milvus."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def pack_keys(self) -> list[str]:
        """Name the packs that have collections, in order."""
        names = await self._connection.collections()
        return sorted(name.removeprefix(APPEARANCES_PREFIX) for name in names if name.startswith(APPEARANCES_PREFIX))

    async def live_pack(self) -> str | None:
        """Name the live pack."""
        return await self._at(APPEARANCES_ALIAS)

    async def previous_pack(self) -> str | None:
        """Name the pack that was live before."""
        return await self._at(PREVIOUS_ALIAS)

    async def make_live(self, key: str, collections: Sequence[Collection]) -> None:
        """Point the aliases to a pack's collections, the one that decides last.

        Cut off before that, the pack that was live still is, and the whole may be repeated.
        """
        live = await self.live_pack()
        if live not in (None, key):
            await self._connection.point(PREVIOUS_ALIAS, f"{APPEARANCES_PREFIX}{live}")
        await self._drop_others({collection.alias for collection in collections}, key if live is None else live)
        for collection in sorted(collections, key=lambda one: one.alias == APPEARANCES_ALIAS):
            assert collection.alias is not None
            await self._connection.point(collection.alias, collection.name)

    async def _drop_others(self, kept: set[str | None], live: str) -> None:
        """Take away the aliases of what the new pack does not embed: they would point to another pack for ever."""
        collections = await self._connection.collections()
        for modality in Modality:
            alias = alias_of(modality)
            name = f"{alias}_{live}"
            if alias not in kept and name in collections and await self._connection.points(alias, name):
                await self._connection.drop_alias(alias)

    async def _at(self, alias: str) -> str | None:
        for key in await self.pack_keys():
            if await self._connection.points(alias, f"{APPEARANCES_PREFIX}{key}"):
                return key
        return None
