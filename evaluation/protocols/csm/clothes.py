"""Short-term links, by body and head: do they hold a person in the same clothes, and tell one uniform's wearers apart?

Pairs are those that the index may link by body: two tracklets of one film, apart in time by no more than the window in
which clothes hold. The association keeps much weaker edges, which count as much as they are worth; a link is one that
by itself is enough to believe in: probability 0.8 or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.datasets.tracklets import Tracklets
from evaluation.fusers.comparable import comparable_tracklets
from evaluation.fusers.fuser import Fuser
from evaluation.metrics.bootstrap import Estimate, estimate_ratio
from packs.spec import Modality
from services.association.evidence import SHORT_TERM
from services.association.settings import LinkingSettings

__all__ = ["BELIEVED", "ClothesFigures", "clothes_figures"]

# Chosen on films 9601 to 9605.
BELIEVED = 0.8


@dataclass(frozen=True, slots=True)
class ClothesFigures:
    """With intervals over films.

    Attributes:
        same_linked: Share of the pairs of one person in the same clothes that are linked.
        uniform_linked: Share of the pairs of two people in one uniform that are linked; None without such pairs.
        uniform_of_links: Share of all body links that join two people in one uniform.
        strangers_of_links: Share of all body links that join two people, in whatever clothes.
        links: How many body links there are.
    """

    same_linked: Estimate
    uniform_linked: Estimate | None
    uniform_of_links: Estimate
    strangers_of_links: Estimate
    links: int


def clothes_figures(tracklets: Tracklets, fuser: Fuser) -> ClothesFigures | None:
    """Measure films whose truth says what is worn; None where none does, or nothing is linked at all."""
    known = np.array([name is not None for name in tracklets.identities], dtype=bool)
    worn = np.array([bool(outfit) for outfit in tracklets.outfits], dtype=bool)
    some = tracklets.take(known & worn & tracklets.present(Modality.BODY))
    counts = np.array([_of_film(some.take(some.of_movie(film)), fuser) for film in sorted(set(some.movies))])
    if not len(counts) or not counts[:, 0].any() or not counts[:, 4].any():
        return None
    pairs, held, uniform, uniform_held, links, strangers = counts.T.tolist()
    return ClothesFigures(
        estimate_ratio(held, pairs),
        estimate_ratio(uniform_held, uniform) if any(uniform) else None,
        estimate_ratio(uniform_held, links),
        estimate_ratio(strangers, links),
        int(sum(links)),
    )


def _of_film(some: Tracklets, fuser: Fuser) -> Sequence[float]:
    """Pairs in the same clothes and how many are linked, in one uniform likewise, links, and those of two people."""
    rows = np.arange(len(some))
    settings = LinkingSettings()
    held = tuple(sorted(one for one in SHORT_TERM if one in some.rows))
    allowed = comparable_tracklets(rows, some, held, settings.short_term_window_s)
    linked = fuser.links(some, some, allowed) >= BELIEVED
    once = rows[:, None] < rows[None, :]
    pairs = allowed[Modality.BODY] & once
    people, outfits = np.array(some.identities, dtype=np.str_), np.array(some.outfits, dtype=np.str_)
    one_person = people[:, None] == people[None, :]
    same_clothes = outfits[:, None] == outfits[None, :]
    same, uniform = pairs & one_person & same_clothes, pairs & ~one_person & same_clothes
    sets = (same, same & linked, uniform, uniform & linked, pairs & linked, pairs & linked & ~one_person)
    return [float(one.sum()) for one in sets]
