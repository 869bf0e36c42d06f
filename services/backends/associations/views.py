"""The edges of a gallery to be read again and again within one query, by rows of a roster instead of ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from packs.arrays import I64
from packs.spec import Modality
from services.backends.associations.blocks import EdgeBlock
from services.backends.associations.roster import Roster

__all__ = ["BlockView", "Blocks", "EdgeView"]


class EdgeView(Protocol):
    """Edges of one gallery, of some modalities and of at least a probability, as one query sees them."""

    @property
    def roster(self) -> Roster:
        """The rows of the gallery's appearances; it grows."""
        ...

    async def read(self, rows: I64) -> EdgeBlock:
        """The edges at some rows, each once; the names of the block are those of the roster."""
        ...


class Blocks(Protocol):
    """What reads edges by the ids of appearances."""

    async def edge_block(
        self, gallery: str, appearance_ids: Sequence[str], modalities: Sequence[Modality], min_probability: float
    ) -> EdgeBlock:
        """The edges at some appearances."""
        ...


class BlockView:
    """`EdgeView` by ids, with a roster of its own: for edges of another process.

    Args:
        blocks: Where they are.
        gallery: Of which gallery.
        modalities: Of which kinds.
        min_probability: The least that they say.
    """

    def __init__(self, blocks: Blocks, gallery: str, modalities: Sequence[Modality], min_probability: float) -> None:
        self._blocks, self._gallery = blocks, gallery
        self._modalities, self._min_probability = modalities, min_probability
        self._roster = Roster()

    @property
    def roster(self) -> Roster:
        """The rows of what was met."""
        return self._roster

    async def read(self, rows: I64) -> EdgeBlock:
        """Ask for the edges at some rows."""
        names = sorted(self._roster.ids(rows))
        block = await self._blocks.edge_block(self._gallery, names, self._modalities, self._min_probability)
        places = self._roster.places(block.names)
        return replace(block, names=self._roster.names, one=places[block.one], other=places[block.other])
