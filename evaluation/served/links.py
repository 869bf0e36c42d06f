"""Short-term associations as searches follow them: do they hold a person in the same clothes, and tell a uniform apart?

Pairs are those of `protocols.csm.clothes`: two tracklets of one film, apart in time within the window in which clothes
hold. There a pair is judged by what it looks like alone; here it is what the association service gives, which knows
who is who by then (`services.association.context`).
"""

from __future__ import annotations

import numpy as np

from evaluation.datasets.tracklets import Tracklets
from evaluation.protocols.csm.clothes import ClothesFigures, clothes_of
from evaluation.served.product import GALLERY, ServedGallery
from packs.arrays import F64
from services.association.evidence import SHORT_TERM

__all__ = ["BELIEVED", "link_probabilities", "served_links"]

# As much as to be believed by itself, of edges that are read in the context of who is who: more than of a pair alone
# (`protocols.csm.clothes`), since inside of an identity hardly any is worth less than 0.86. Chosen on films 9601,
# 9602 and 9911 to 9918 (`docs/decisions/2026-11-29-doubles.md`).
BELIEVED = 0.92


async def served_links(gallery: ServedGallery) -> ClothesFigures | None:
    """Measure all films of a gallery; None where no truth says what is worn."""
    tracklets = gallery.tracklets
    said = await link_probabilities(gallery)
    places = {one: row for row, one in enumerate(tracklets.ids)}

    def linked(some: Tracklets) -> F64:
        rows = np.array([places[one] for one in some.ids], dtype=np.intp)
        return said[np.ix_(rows, rows)]

    return clothes_of(tracklets, lambda some: linked(some) >= BELIEVED)


async def link_probabilities(gallery: ServedGallery) -> F64:
    """The strongest short-term association of each pair, float64[N, N], symmetric; 0 without any."""
    ids = gallery.tracklets.ids
    block = await gallery.associations.edge_block(GALLERY, ids, tuple(sorted(SHORT_TERM)), 0.0)
    places = {one: row for row, one in enumerate(ids)}
    rows = np.array([places.get(name, -1) for name in block.names], dtype=np.int64)
    one, other = rows[block.one], rows[block.other]
    kept = (one >= 0) & (other >= 0)
    said = np.zeros((len(ids), len(ids)))
    for first, second in ((one, other), (other, one)):
        np.maximum.at(said, (first[kept], second[kept]), block.probabilities[kept])
    return said
