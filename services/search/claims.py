"""Who else may claim what a query reaches: everybody around is compared with it, and then they compete (`contest`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from packs.arrays import I64
from services.backends.associations.blocks import EdgeBlock
from services.search.contest import Opinions, contested
from services.search.expansion import Expanded
from services.search.judging import Judge
from services.search.paths import Path
from services.search.ranking import Direct
from services.search.reach import LONG_TERM
from services.search.retrieved import QueryVector, Retrieved, merged
from services.search.rivals import RivalReader, Rivals
from services.search.settings import SearchSettings
from services.search.speaking import Speakers
from services.search.weighing import Asked

__all__ = ["Around", "Claims"]


@dataclass(frozen=True, slots=True)
class Around:
    """A person who is looked for, before associations.

    Attributes:
        asked: All embeddings of the query.
        vectors: Those of the person.
        retrieved: What these said so far.
        direct: The beliefs in what was found.
        speakers: Who speaks.
        blocked: Appearances that somebody said to be others.
    """

    asked: Asked
    vectors: Sequence[QueryVector]
    retrieved: Retrieved
    direct: Mapping[str, Direct]
    speakers: Speakers
    blocked: Collection[str]


class Claims:
    """Lets everybody around compete with the person asked for.

    Args:
        judge: What those say whom the index named.
        rivals: What all others say.
        settings: How far chains go.
    """

    def __init__(self, judge: Judge, rivals: RivalReader, settings: SearchSettings) -> None:
        self._judge, self._rivals, self._settings = judge, rivals, settings

    async def left(
        self, around: Around, expanded: Expanded, seeds: Mapping[str, float]
    ) -> tuple[Mapping[str, Path], Retrieved]:
        """What everybody else leaves of the paths from some seeds, and what all were compared by."""
        edges, retrieved, gallery = expanded.edges, around.retrieved, around.asked.gallery
        cut = [one for one in around.vectors if one.modality in LONG_TERM and one.key in retrieved.cut]
        strangers = self._rivals.strangers(cut, edges, retrieved.evidence)
        known, rows = _others(edges, strangers)
        strangers = self._rivals.first(edges, strangers)
        compared = await self._judge.compared(gallery, around.vectors, retrieved, known)
        said = await self._judge.opinions(around.asked, compared.evidence, around.direct, around.speakers, known)
        rivals = await self._rivals.of(gallery, cut, edges.some(strangers), around.speakers)
        # Whoever says something is one of these: nobody is looked up again.
        places = dict(zip(known, rows.tolist(), strict=True))
        at = np.fromiter((places[one] for one in said), np.int64, len(said))
        opinions = Opinions.of(edges.names, said, rivals, strangers, at)
        hops, stop = self._settings.max_hops, self._settings.stop_probability
        paths = contested(edges, seeds, opinions, around.blocked, hops=hops, stop=stop)
        return paths, merged([compared, _said_of_ends(rivals, strangers, edges, paths)])


def _others(edges: EdgeBlock, rows: I64) -> tuple[list[str], I64]:
    """The names at all rows but some, and these rows, int64[K]."""
    left = np.ones(len(edges.names), dtype=np.bool_)
    left[rows] = False
    others = left.nonzero()[0]
    return list(edges.some(others)), others


def _said_of_ends(rivals: Rivals, strangers: I64, edges: EdgeBlock, paths: Mapping[str, Path]) -> Retrieved:
    """What those rivals say who are at the ends of paths; they need not be compared again."""
    places = np.full(len(edges.names) + 1, -1, dtype=np.int64)
    places[strangers[: len(rivals.names)]] = np.arange(len(rivals.names))
    ends = [one for one, path in paths.items() if path.steps]
    evidence = rivals.evidence(ends, places.take(edges.rows(ends)))
    heard = frozenset() if rivals.loading else frozenset(evidence)
    return Retrieved(evidence, loading=rivals.loading, heard=heard)
