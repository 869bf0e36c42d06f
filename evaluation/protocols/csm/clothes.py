"""Links by body alone: do they hold a person in the same clothes, and tell two people in one uniform apart?

Pairs are those that the index may link by body: two tracklets of one film, apart in time by no more than the window in
which clothes hold. A link is one that the association keeps: probability 0.5 or more.
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
from services.association.settings import LinkingSettings

__all__ = ["ClothesFigures", "clothes_figures"]


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
    allowed = comparable_tracklets(rows, some, (Modality.BODY,), settings.short_term_window_s)
    linked = fuser.links(some, some, allowed) >= settings.min_probability
    once = rows[:, None] < rows[None, :]
    pairs = allowed[Modality.BODY] & once
    people, outfits = np.array(some.identities, dtype=np.str_), np.array(some.outfits, dtype=np.str_)
    one_person = people[:, None] == people[None, :]
    same_clothes = outfits[:, None] == outfits[None, :]
    same, uniform = pairs & one_person & same_clothes, pairs & ~one_person & same_clothes
    sets = (same, same & linked, uniform, uniform & linked, pairs & linked, pairs & linked & ~one_person)
    return [float(one.sum()) for one in sets]
