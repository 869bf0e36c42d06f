"""Numbers for the appearances of a gallery, given once: arrays speak of them where strings would have to be looked up.

An appearance keeps its number as long as its roster lives, whatever happens to its edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np

from packs.arrays import I32, I64

__all__ = ["Named", "Roster", "rows_of"]


class Roster:
    """Appearance ids and their rows, in the order in which they were met.

    Attributes:
        names: By row.
        rows: By appearance id.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.rows: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.names)

    def places(self, names: Sequence[str]) -> I64:
        """The row of each name, int64[N]; one that has none yet gets the next."""
        found = self.known(names)
        for at in np.flatnonzero(found < 0).tolist():
            row = self.rows.setdefault(names[at], len(self.names))
            if row == len(self.names):
                self.names.append(names[at])
            found[at] = row
        return found

    def known(self, names: Sequence[str]) -> I64:
        """The row of each name, int64[N]; -1 for one that has none."""
        rows = self.rows
        return np.fromiter((rows.get(name, -1) for name in names), np.int64, len(names))

    def ids(self, rows: I64) -> list[str]:
        """The names of some rows."""
        names = self.names
        return [names[row] for row in rows.tolist()]


class Named(Sequence[str]):
    """The names of N rows of a roster, looked up when they are asked for.

    Args:
        roster: Whose rows.
        rows: int64[N], which, each once.
        places: int32[M] with M at most the length of the roster: where in `rows` each of its rows is, or -1; None makes
            it when it is needed.

    Attributes:
        roster: Whose rows.
        rows: int64[N], which.
    """

    def __init__(self, roster: Roster, rows: I64, places: I32 | None = None) -> None:
        self.roster, self.rows = roster, rows
        self._places = places

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self.roster.ids(self.rows))

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        """One name, or several."""
        if isinstance(at, slice):
            return self.roster.ids(self.rows[at])
        return self.roster.names[int(self.rows[at])]

    def some(self, at: I64) -> Named:
        """Those at int64[K] places."""
        return Named(self.roster, self.rows[at])

    def find(self, names: Sequence[str]) -> I64:
        """The place of each name, int64[K]; -1 where it is not here."""
        if self._places is None:
            self._places = np.full(len(self.roster), -1, dtype=np.int32)
            self._places[self.rows] = np.arange(len(self.rows))
        rows = self.roster.known(names)
        inside = np.flatnonzero((rows >= 0) & (rows < len(self._places)))
        found = np.full(len(rows), -1, dtype=np.int64)
        found[inside] = self._places[rows[inside]]
        return found


def rows_of(names: Sequence[str], wanted: Iterable[str]) -> I64:
    """The place of each wanted name among some, each of which is there once, int64[K]; -1 where it is not."""
    several = list(wanted)
    if isinstance(names, Named):
        return names.find(several)
    rows = {name: row for row, name in enumerate(names)}
    return np.fromiter((rows.get(name, -1) for name in several), np.int64, len(several))
