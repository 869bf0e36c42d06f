"""Room for embeddings of one modality in this process: slots of one matrix, the oldest of which is used again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from packs.arrays import F32, F64, I32, I64
from services.backends.associations.mirror import grown
from services.backends.associations.roster import Named, Roster
from services.backends.schemas import EmbeddingRow

__all__ = ["NONE", "SILENT", "UNKNOWN", "Pool"]

# What stands for a slot where nothing is known of an appearance, where it had no embedding when it was asked for, and
# where it has none since all of its video was read.
UNKNOWN, NONE, SILENT = -2, -1, -3
_FLOAT_BYTES = 4


@dataclass(slots=True, eq=False)
class _Known:
    """The slots of a gallery's appearances by their rows in a roster: int32[>= N], `UNKNOWN` where none was noted."""

    roster: Roster
    gallery: str
    slots: I32


class Pool:
    """The embeddings of one modality, in slots that are used again, the oldest first.

    Args:
        room: Bytes.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._next = 0
        self.used = 0
        self._known: _Known | None = None
        self.vectors: F32 = np.empty((0, 0), dtype=np.float32)
        self.qualities: F64 = np.empty(0)
        # Of each slot its gallery, appearance, video and generation.
        self.rows: list[tuple[str, str, str, int] | None] = []
        # By gallery and appearance: its slot, or that it has none.
        self.places: defaultdict[str, dict[str, int]] = defaultdict(dict)

    def capacity(self, dimension: int) -> int:
        """How many there may be."""
        return max(1, self._room // (_FLOAT_BYTES * dimension))

    def slots(self, gallery: str, appearance_ids: Sequence[str]) -> I64:
        """The slot of each of some appearances, int64[N], or what stands for it."""
        if not isinstance(appearance_ids, Named):
            return self._looked_up(gallery, appearance_ids)
        rows, known = appearance_ids.rows, self._slots_of(appearance_ids.roster, gallery)
        at = known.take(rows).astype(np.int64)
        unknown = np.flatnonzero(at == UNKNOWN)
        if len(unknown):
            at[unknown] = self._looked_up(gallery, appearance_ids.some(unknown))
            known[rows[unknown]] = at[unknown]
        return at

    def mark(self, gallery: str, appearance_id: str, slot: int) -> None:
        """Note the slot of an appearance, or what stands for it."""
        self.places[gallery][appearance_id] = slot
        self._note(gallery, appearance_id, slot)

    def forget(self, gallery: str, appearance_id: str) -> None:
        """Know nothing more of an appearance."""
        del self.places[gallery][appearance_id]
        self._note(gallery, appearance_id, UNKNOWN)

    def _note(self, gallery: str, appearance_id: str, slot: int) -> None:
        """Keep what is known by rows as `places` has it: to look a thousand names up takes longer than to compare."""
        known = self._known
        if known is not None and known.gallery == gallery:
            row = known.roster.rows.get(appearance_id)
            if row is not None:
                self._slots_of(known.roster, gallery)[row] = slot

    def _looked_up(self, gallery: str, appearance_ids: Sequence[str]) -> I64:
        places = self.places[gallery]
        return np.fromiter((places.get(one, UNKNOWN) for one in appearance_ids), np.int64, len(appearance_ids))

    def _slots_of(self, roster: Roster, gallery: str) -> I32:
        """By row of the last roster that was asked with: its slot, as far as it was looked up or noted since."""
        known = self._known
        if known is None or known.roster is not roster or known.gallery != gallery:
            known = self._known = _Known(roster, gallery, np.empty(0, dtype=np.int32))
        known.slots = grown(known.slots, len(roster), UNKNOWN)
        return known.slots

    def has_room(self, dimension: int, count: int) -> bool:
        """Whether so many more are taken without putting others out."""
        return self.used + count <= self.capacity(dimension)

    def put(self, row: EmbeddingRow) -> None:
        """Take one, in place of what is there of the appearance."""
        slot = self.places[row.gallery].get(row.appearance_id, UNKNOWN)
        if slot < 0:
            slot = self._oldest(len(row.vector))
            self.free(slot)
        self.vectors[slot], self.qualities[slot] = row.vector, row.quality
        self.used += self.rows[slot] is None
        self.rows[slot] = (row.gallery, row.appearance_id, row.video_id, row.generation)
        self.mark(row.gallery, row.appearance_id, slot)

    def free(self, slot: int) -> None:
        """Overwrite what is in a slot."""
        old = self.rows[slot]
        if old is not None and self.places[old[0]].get(old[1]) == slot:
            self.forget(old[0], old[1])
        self.used -= old is not None
        self.rows[slot] = None
        self.vectors[slot] = 0.0

    def videos(self, gallery: str) -> set[str]:
        """The videos of a gallery of which something is here."""
        return {row[2] for row in self.rows if row is not None and row[0] == gallery}

    def keep_only(self, gallery: str, videos: Collection[str], appearance_ids: Collection[str]) -> None:
        """Overwrite what is of some videos, but not of some appearances."""
        for slot, row in enumerate(self.rows):
            if row is not None and row[0] == gallery and row[2] in videos and row[1] not in appearance_ids:
                self.free(slot)

    def _oldest(self, dimension: int) -> int:
        if self._next >= len(self.rows) and len(self.rows) < self.capacity(dimension):
            self._grow(min(self.capacity(dimension), max(1024, 2 * len(self.rows))), dimension)
        slot = self._next % len(self.rows)
        self._next = slot + 1
        return slot

    def _grow(self, size: int, dimension: int) -> None:
        vectors, qualities = np.zeros((size, dimension), dtype=np.float32), np.zeros(size)
        if len(self.rows):
            vectors[: len(self.rows)], qualities[: len(self.rows)] = self.vectors, self.qualities
        self.rows += [None] * (size - len(self.rows))
        self.vectors, self.qualities = vectors, qualities
