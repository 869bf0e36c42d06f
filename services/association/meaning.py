"""What the edges of a shelf mean: in the context of who is who, and after what somebody said. Computed once for each.

A query reads tens of thousands of edges, and what each means changes only with the shelf, with who is who, or with what
was said. So it is kept beside the shelf, by edge, and computed of an appearance when its edges are first asked for.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from packs.arrays import F64, I32, I64, Bool
from packs.spec import Modality
from services.association.context import IdentityContext
from services.association.identities.people import People
from services.association.identities.state import IdentityState
from services.backends.associations.blocks import MODALITY_CODES, EdgeBlock
from services.backends.associations.mirror import Shelf, grown
from services.backends.schemas import AppearanceKind

__all__ = ["Meaning"]

_UNKNOWN = -2
# Below every probability that may be asked for.
_NO_EDGE = -1.0


class Meaning:
    """The edges of one shelf as one state of the identities has them.

    Args:
        shelf: The edges.
        context: Who is who; None where nothing is known, and edges are worth what they say.
        people: What was said; None where nothing was.
    """

    def __init__(self, shelf: Shelf, context: IdentityContext | None, people: People | None) -> None:
        self.shelf, self.context = shelf, context
        self.state = _in_force(people)
        # Whether all there is room for is here; and since when it is what edges mean, by the event loop's clock.
        self.prepared, self.since = False, asyncio.get_running_loop().time()
        # By edge: the row of its other end and what it is worth, side by side, since both are read at once (`_paired`).
        self._ends: I64 = np.zeros(0, dtype=np.int64)
        # By row: whether its edges are weighed, and the number of its identity.
        self._weighed: Bool = np.zeros(0, dtype=np.bool_)
        self._identities: I32 = np.zeros(0, dtype=np.int32)
        # By row: the far ends of what was confirmed, and the codes.
        self._confirmed = self._confirmed_of(people) if people is not None and self.state is not None else {}

    def holds(self, shelf: Shelf, context: IdentityContext | None, people: People | None) -> bool:
        """Whether it is of these."""
        return shelf is self.shelf and context is self.context and _in_force(people) is self.state

    def edges(self, rows: I64, wanted: Bool, least: float) -> EdgeBlock:
        """The edges at some appearances, which the shelf has if anybody does.

        Args:
            rows: int64[N], of the shelf's roster.
            wanted: bool[256], of which modalities, by code.
            least: The least that they say, by themselves and in their context.

        Returns:
            A block whose names are those of the roster.
        """
        self.weigh(rows)
        shelf = self.shelf
        at, counts = shelf.slots(rows)
        (far, worth), codes = _parted(self._ends.take(at)), shelf.codes.take(at)
        kept = (worth >= least) & wanted.take(codes)
        if shelf.weakest < least:
            kept &= shelf.probabilities.take(at) >= _single(least)
        own = rows.repeat(counts)
        if not kept.all():
            chosen = np.flatnonzero(kept)
            own, far, codes, worth = own.take(chosen), far.take(chosen), codes.take(chosen), worth.take(chosen)
        block = EdgeBlock(shelf.roster.names, own, far, codes, worth, np.zeros(len(own), dtype=np.bool_))
        return self._with_confirmed(block, rows, wanted) if self._confirmed else block

    def weigh(self, rows: I64) -> None:
        """Compute what the edges of some appearances mean, as far as it is not known."""
        shelf, count = self.shelf, len(self.shelf.roster)
        self._weighed, self._identities = grown(self._weighed, count, False), grown(self._identities, count, _UNKNOWN)
        self._ends = grown(self._ends, len(shelf.far), 0)
        fresh = rows[~self._weighed[rows]]
        if not len(fresh):
            return
        at, counts = shelf.slots(fresh)
        own, far = np.repeat(fresh, counts), shelf.far[at].astype(np.int64)
        worth = shelf.probabilities[at].astype(np.float64)
        if self.context is not None:
            worth = self.context.worth(worth, self._identities_of(own), self._identities_of(far))
        if self.state is not None:
            worth[self._overruled(fresh, counts, far, shelf.codes[at])] = _NO_EDGE
        self._ends[at] = _paired(far, worth)
        self._weighed[fresh] = True
        # What the shelf does not have yet it may get.
        self._weighed[shelf.lacking(fresh)] = False

    def _identities_of(self, rows: I64) -> I64:
        unknown = rows[self._identities[rows] == _UNKNOWN]
        if len(unknown) and self.context is not None:
            several = np.unique(unknown)
            self._identities[several] = self.context.of_rows(self.shelf.roster.ids(several))
        return self._identities[rows].astype(np.int64)

    def _overruled(self, rows: I64, counts: I64, far: I64, codes: np.ndarray) -> I64:
        """Which edges of some appearances were rejected, or have something said in their place."""
        apart: Mapping[str, set[str]] = self.state.apart if self.state is not None else {}
        names, found = self.shelf.roster.names, list[int]()
        for row, end, count in zip(rows.tolist(), np.cumsum(counts).tolist(), counts.tolist(), strict=True):
            others, said = apart.get(names[row], ()), self._confirmed.get(row, ())
            if others or said:
                ends = zip(range(end - count, end), far[end - count : end].tolist(), codes[end - count : end].tolist())
                found += [at for at, one, code in ends if names[one] in others or (one, code) in said]
        return np.array(found, dtype=np.int64)

    def _confirmed_of(self, people: People) -> dict[int, list[tuple[int, int]]]:
        """A person is seen at both ends, or heard where one is only speech."""
        found: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for first, second in sorted(people.state.confirmed):
            kinds = {people.nodes[end].kind for end in (first, second)}
            code = MODALITY_CODES[Modality.VOICE if AppearanceKind.SPEECH in kinds else Modality.FACE]
            one, other = self.shelf.roster.places([first, second]).tolist()
            found[one].append((other, code))
            found[other].append((one, code))
        return dict(found)

    def _with_confirmed(self, block: EdgeBlock, rows: I64, wanted: Bool) -> EdgeBlock:
        said = [(row, far, code) for row in rows.tolist() for far, code in self._confirmed.get(row, ()) if wanted[code]]
        if not said:
            return block
        own, far, codes = np.array(said, dtype=np.int64).T
        certain: F64 = np.ones(len(said))
        return EdgeBlock(
            block.names,
            np.concatenate([block.one, own]),
            np.concatenate([block.other, far]),
            np.concatenate([block.codes, codes.astype(np.uint8)]),
            np.concatenate([block.probabilities, certain]),
            np.concatenate([block.confirmed, np.ones(len(said), dtype=np.bool_)]),
        )


def _paired(far: I64, worth: F64) -> I64:
    """E rows and what E edges are worth, in single precision, as int64[E]."""
    pairs = np.empty((len(far), 2), dtype=np.int32)
    pairs[:, 0], pairs[:, 1] = far, worth.astype(np.float32).view(np.int32)
    return pairs.view(np.int64).ravel()


def _parted(ends: I64) -> tuple[I64, F64]:
    """The rows int64[E] and the worth float64[E] that `_paired` has put together."""
    pairs = ends.view(np.int32).reshape(-1, 2)
    return pairs[:, 0].astype(np.int64), pairs[:, 1].view(np.float32).astype(np.float64)


def _in_force(people: People | None) -> IdentityState | None:
    """What was said, if anything of it is in force."""
    return people.state if people is not None and people.state.in_force else None


def _single(least: float) -> np.float32:
    """The least single-precision number that is not below another."""
    near = np.float32(least)
    return near if float(near) >= least else np.nextafter(near, np.float32(np.inf))
