"""Many associations as arrays: a query reads tens of thousands of them, too many to make an object of each.

Appearances are named once, and edges speak of their rows. In the process a block is what the association service gives
to the search; on the wire its arrays are bytes (`services.association.converters`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

import numpy as np

from packs.arrays import F64, I64, U8, Bool
from packs.spec import Modality
from services.backends.associations.roster import Named, Roster, rows_of
from services.backends.schemas import Association

__all__ = ["MODALITIES", "MODALITY_CODES", "EdgeBlock", "wanted_codes"]

# As the cache keeps them: these numbers may grow in number, and never change.
MODALITY_CODES: Mapping[Modality, int] = MappingProxyType(
    {Modality.FACE: 1, Modality.HEAD: 2, Modality.BODY: 3, Modality.VOICE: 4, Modality.TEXT: 5}
)
MODALITIES: Mapping[int, Modality] = MappingProxyType({code: modality for modality, code in MODALITY_CODES.items()})


@dataclass(frozen=True, slots=True, eq=False)
class EdgeBlock:
    """E edges between N appearances, in no order.

    An edge is there at least once; one that was read at both of its ends may be there from each.

    Attributes:
        names: The ids of the appearances, each once.
        one: int64[E], row of one end.
        other: int64[E], row of the other end.
        codes: uint8[E], what each rests on (`MODALITY_CODES`).
        probabilities: float64[E], in (0, 1].
        confirmed: bool[E], whether somebody said so.
    """

    names: Sequence[str]
    one: I64
    other: I64
    codes: U8
    probabilities: F64
    confirmed: Bool

    def __len__(self) -> int:
        return len(self.one)

    @classmethod
    def of(cls, edges: Iterable[Association], names: Iterable[str] = ()) -> Self:
        """The block of some edges; `names` are there in any case, and first."""
        several = list(edges)
        rows = {name: row for row, name in enumerate(dict.fromkeys(names))}
        ends = [[rows.setdefault(end, len(rows)) for end in (edge.first, edge.second)] for edge in several]
        one, other = np.array(ends, dtype=np.int64).reshape(-1, 2).T
        return cls(
            list(rows),
            one,
            other,
            np.array([MODALITY_CODES[edge.modality] for edge in several], dtype=np.uint8),
            np.array([edge.probability for edge in several], dtype=np.float64),
            np.array([edge.confirmed for edge in several], dtype=np.bool_),
        )

    def rows(self, wanted: Iterable[str]) -> I64:
        """The rows of some appearances, int64[K]; -1 of those that are not among the names."""
        return rows_of(self.names, wanted)

    def some(self, rows: I64) -> Sequence[str]:
        """The names at some rows, int64[K]."""
        names = self.names
        return names.some(rows) if isinstance(names, Named) else [names[row] for row in rows.tolist()]

    def where(self, kept: Bool) -> Self:
        """Some of the edges, bool[E]; the names stay."""
        return type(self)(
            self.names,
            self.one[kept],
            self.other[kept],
            self.codes[kept],
            self.probabilities[kept],
            self.confirmed[kept],
        )

    def compact(self, rows: I64) -> Self:
        """The same with no names but those at some rows, int64[K], each once, and at the edges."""
        met, places = np.unique(np.concatenate([rows, self.one, self.other]), return_inverse=True)
        one, other = places[len(rows) :].reshape(2, -1)
        return type(self)(
            [self.names[row] for row in met.tolist()], one, other, self.codes, self.probabilities, self.confirmed
        )

    @classmethod
    def joined(cls, blocks: Sequence[EdgeBlock]) -> Self:
        """All edges of several blocks."""
        roster = Roster()
        places = [roster.places(block.names) for block in blocks]
        return cls(
            roster.names,
            _joined([at[block.one] for at, block in zip(places, blocks, strict=True)], np.int64),
            _joined([at[block.other] for at, block in zip(places, blocks, strict=True)], np.int64),
            _joined([block.codes for block in blocks], np.uint8),
            _joined([block.probabilities for block in blocks], np.float64),
            _joined([block.confirmed for block in blocks], np.bool_),
        )

    def associations(self) -> list[Association]:
        """The edges one by one: each once, strongest first, then by their ends and what they rest on."""
        found: dict[tuple[str, str, Modality], Association] = {}
        columns = (self.one, self.other, self.codes, self.probabilities, self.confirmed)
        for one, other, code, probability, confirmed in zip(*(column.tolist() for column in columns), strict=True):
            first, second = sorted((self.names[one], self.names[other]))
            modality = MODALITIES[code]
            found[first, second, modality] = Association(first, second, modality, probability, confirmed)
        return sorted(found.values(), key=lambda edge: (-edge.probability, edge.first, edge.second, edge.modality))


def wanted_codes(modalities: Collection[Modality]) -> Bool:
    """Which codes are of some modalities, bool[256]; of none given all are."""
    wanted = np.zeros(256, dtype=np.bool_)
    wanted[[MODALITY_CODES[modality] for modality in modalities or MODALITY_CODES]] = True
    return wanted


def _joined(columns: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(columns) if columns else np.empty(0, dtype)
