"""People who pass in front of each other.

Where two boxes that lay over each other come apart again, the boxes do not say who is who. Both tracks are then begun
anew, and re-linking decides by what was seen of each before and after.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from packs.arrays import F32
from services.ingest.pipeline.geometry import inside_share, stack

__all__ = ["Crossings"]


class Crossings:
    """Which tracks lie over each other.

    Args:
        enter: Share of the smaller box inside the other from which on two people are crossing.
        leave: Share below which they have come apart.
    """

    def __init__(self, enter: float, leave: float) -> None:
        self._enter, self._leave = enter, leave
        self._together: set[tuple[int, int]] = set()

    def update(self, boxes: Mapping[int, F32]) -> frozenset[int]:
        """Take in where tracks are in one frame, by number; return those that come apart in it.

        A pair of which one is not seen stays together: who is hidden comes out again somewhere.
        """
        numbers = sorted(boxes)
        shares = inside_share(
            stack([boxes[number] for number in numbers]), stack([boxes[number] for number in numbers])
        )
        parted: set[int] = set()
        for row, column in combinations(range(len(numbers)), 2):
            pair = numbers[row], numbers[column]
            share = float(np.maximum(shares[row, column], shares[column, row]))
            if share >= self._enter:
                self._together.add(pair)
            elif share < self._leave and pair in self._together:
                parted.update(pair)
        self._together = {pair for pair in self._together if parted.isdisjoint(pair)}
        return frozenset(parted)

    def involves(self, number: int) -> bool:
        """Whether a track lies over another one now."""
        return any(number in pair for pair in self._together)

    def forget(self, number: int) -> None:
        """A track is over."""
        self._together = {pair for pair in self._together if number not in pair}
