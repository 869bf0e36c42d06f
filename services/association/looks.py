"""How the appearances of a video look, in order of time, for comparing all with all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from packs.arrays import F32, F64, I64, Bool
from packs.spec import Modality
from services.backends.schemas import EmbeddingRow

__all__ = ["Looks", "Seen"]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One modality of N appearances: float32[N, D], zeros where it is absent; bool[N]; quality float64[N]."""

    vectors: F32
    present: Bool
    qualities: F64


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """How N appearances look, in order of time.

    Attributes:
        ids: Of the appearances.
        start_s: float64[N].
        end_s: float64[N].
        seen: By modality.
    """

    ids: tuple[str, ...]
    start_s: F64
    end_s: F64
    seen: Mapping[Modality, Seen]

    @classmethod
    def of(cls, rows: Mapping[Modality, Sequence[EmbeddingRow]]) -> Self:
        """Put together what is stored of each modality."""
        spans = {row.appearance_id: (row.start_s, row.end_s) for some in rows.values() for row in some}
        ids = sorted(spans, key=lambda one: (spans[one], one))
        places = {one: place for place, one in enumerate(ids)}
        times = np.array([spans[one] for one in ids], dtype=np.float64).reshape(-1, 2)
        return cls(
            tuple(ids), times[:, 0], times[:, 1], {one: _seen(some, places) for one, some in rows.items() if some}
        )

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, low: int, high: int) -> Looks:
        """Those from one place to before another."""
        return self._cut(slice(low, high), self.ids[low:high])

    def around(self, start_s: float, end_s: float) -> I64:
        """Places of those that are there at some time of [start_s, end_s], int64[K], in order."""
        return np.flatnonzero((self.start_s <= end_s) & (self.end_s >= start_s)).astype(np.int64)

    def first_after(self, time_s: float) -> int:
        """The place of the first that begins after a time."""
        return int(np.searchsorted(self.start_s, time_s, side="right"))

    def gaps_s(self, others: Looks) -> F64:
        """Time between each and each of others, float64[N, M]; below 0 where they are there at the same time."""
        after = others.start_s[None, :] - self.end_s[:, None]
        before = self.start_s[:, None] - others.end_s[None, :]
        return np.asarray(np.maximum(after, before), dtype=np.float64)

    def take(self, rows: I64) -> Looks:
        """Some of them, int64[K] places in order."""
        return self._cut(rows, tuple(self.ids[row] for row in rows.tolist()))

    def _cut(self, rows: I64 | slice, ids: tuple[str, ...]) -> Looks:
        seen = {
            modality: Seen(one.vectors[rows], one.present[rows], one.qualities[rows])
            for modality, one in self.seen.items()
        }
        return Looks(ids, self.start_s[rows], self.end_s[rows], seen)

    def later_by(self, shift_s: float) -> Looks:
        """The same on a clock that is so much ahead."""
        return replace(self, start_s=self.start_s + shift_s, end_s=self.end_s + shift_s)


def _seen(rows: Sequence[EmbeddingRow], places: Mapping[str, int]) -> Seen:
    vectors = np.zeros((len(places), len(rows[0].vector)), np.float32)
    present, qualities = np.zeros(len(places), np.bool_), np.ones(len(places))
    for row in rows:
        place = places[row.appearance_id]
        vectors[place], present[place], qualities[place] = row.vector, True, row.quality
    return Seen(vectors, present, qualities)
