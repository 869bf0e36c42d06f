"""Searches a cast in all ways: a fuser over some modalities gives one graph, and every way runs on that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evaluation.datasets.tracklets import CastSearch, Flags, Tracklets
from evaluation.fusers.fuser import Fuser
from evaluation.fusers.graphs import LEAST_LINK, direct_of, links_of
from evaluation.metrics.cast_search import Pool
from evaluation.protocols.csm.besides import strange_to, without_people
from evaluation.protocols.csm.figures import CastFigures, Rows, dealt, figures_of, sheets_of
from evaluation.protocols.ways import WAYS
from packs.arrays import F64
from packs.spec import Modality
from services.association.settings import LinkingSettings
from services.search.propagation.graph import Graph

__all__ = ["FusedSearch", "steps_of"]

# Parts into which people are dealt to be taken out of the gallery in turn.
FOLDS = 5


def steps_of(tracklets: Tracklets) -> dict[str, tuple[Modality, ...]]:
    """The rows of the ablation: face, then + head, + voice, + body, as far as any tracklet has them."""
    order = (Modality.FACE, Modality.HEAD, Modality.VOICE, Modality.BODY)
    held = [modality for modality in order if tracklets.present(modality).any()]
    return {
        str(modality) if place == 0 else f"+ {modality}": tuple(held[: place + 1])
        for place, modality in enumerate(held)
    }


@dataclass
class FusedSearch:
    """A cast search by one fuser over some modalities.

    Attributes:
        search: Who is looked for, and where.
        fuser: How modalities become one.
        modalities: Which take part.
        least_link: Links that are less probable are left out.
    """

    search: CastSearch
    fuser: Fuser
    modalities: Sequence[Modality]
    least_link: float = LEAST_LINK

    @cached_property
    def graph(self) -> Graph:
        """All portraits against all tracklets and speech of all films."""
        tracklets = self.search.tracklets
        return Graph.of(direct_of(self.fuser, self.search.portraits, tracklets, self.modalities), self._links)

    @cached_property
    def _links(self) -> object:
        window_s = LinkingSettings().short_term_window_s
        return links_of(self.fuser, self.search.tracklets, self.modalities, window_s, self.least_link)

    def alone(self, way: str, queries: Tracklets, fuser: Fuser) -> F64:
        """Scores of any queries against all tracklets, float64[Q, N], by the same links; `fuser` makes their matches.

        The cast that competes is one query of everybody: the queries are dealt into sheets.
        """
        direct = direct_of(fuser, queries, self.search.tracklets, self.modalities)
        return _searched(way, Graph.of(direct, self._links), dealt(queries))

    def strangers(self, way: str, queries: Tracklets, fuser: Fuser, pool: Flags) -> F64:
        """Best score of each query in a gallery without its person, float64[Q], of what is in the pool, bool[N].

        People are taken out a fifth at a time, from the graph too, and those who are left out are asked for.
        """
        tracklets = self.search.tracklets
        graph = Graph.of(direct_of(fuser, queries, tracklets, self.modalities), self._links)
        best = np.zeros(len(queries))
        people = sorted({name for name in queries.identities if name is not None})
        for fold in range(min(FOLDS, len(people))):
            gone = set(people[fold::FOLDS])
            kept = np.flatnonzero(without_people(tracklets, gone))
            asked = np.flatnonzero([name in gone for name in queries.identities])
            scores = _searched(way, _part(graph, np.arange(len(queries)), kept), dealt(queries))
            for row in asked:
                far = (pool & strange_to(tracklets, queries.identities[row]))[kept]
                best[row] = scores[row, far].max(initial=0.0)
        return best

    def within(self, way: str) -> CastFigures:
        """Each film's cast among its own tracklets."""
        films = list(dict.fromkeys(self.search.tracklets.movies))
        return figures_of({film: self._pools(way, film) for film in films})

    def across(self, way: str) -> CastFigures:
        """Everybody among the tracklets of all films."""
        return figures_of({"": self._pools(way, None)})

    def chance(self, *, within: bool) -> CastFigures:
        """A random ranking of the same pools."""
        films = dict.fromkeys(self.search.tracklets.movies) if within else [None]
        return figures_of({film or "": [_blind(pool) for pool in self._pools("none", film)] for film in films})

    def _pools(self, way: str, film: str | None) -> list[Pool]:
        tracklets, portraits = self.search.tracklets, self.search.portraits
        there: Flags = np.ones(len(tracklets), dtype=bool) if film is None else tracklets.of_movie(film)
        screen = tracklets.on_screen[there]
        labels = [name for name, seen in zip(_taken(tracklets.identities, there), screen, strict=True) if seen]
        pools = []
        for sheet in sheets_of(portraits, film):
            scores = WAYS[way](_part(self.graph, sheet, np.flatnonzero(there)))
            pools.append(Pool(scores[:, screen], [str(portraits.identities[row]) for row in sheet], labels))
        return pools


def _searched(way: str, graph: Graph, sheets: Sequence[Rows]) -> F64:
    scores = graph.direct.copy()
    for sheet in sheets:
        scores[sheet] = WAYS[way](Graph(graph.direct[sheet], graph.links))
    return scores


def _part(graph: Graph, queries: Rows, columns: Rows) -> Graph:
    return Graph(np.asarray(graph.direct[np.ix_(queries, columns)]), graph.links[columns][:, columns].tocsr())


def _blind(pool: Pool) -> Pool:
    blind: F64 = np.zeros(pool.scores.shape)
    return Pool(blind, pool.cast, pool.labels)


def _taken(names: Sequence[str | None], there: Flags) -> list[str | None]:
    return [name for name, chosen in zip(names, there, strict=True) if chosen]
