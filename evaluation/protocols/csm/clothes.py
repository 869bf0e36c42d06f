"""Short-term links, by body and head: do they hold a person in the same clothes, and tell one uniform's wearers apart?

Pairs are those that the index may link by body: two tracklets of one film, apart in time by no more than the window in
which clothes hold. The association keeps much weaker edges, which count as much as they are worth; a link is one that
by itself is enough to believe in: probability 0.8 or more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.datasets.tracklets import Flags, Tracklets
from evaluation.fusers.comparable import comparable_tracklets
from evaluation.fusers.fuser import Fuser
from evaluation.metrics.bootstrap import Estimate, estimate_ratio
from packs.spec import Modality
from services.association.evidence import SHORT_TERM
from services.association.settings import LinkingSettings

__all__ = ["BELIEVED", "ClothesFigures", "clothes_figures", "clothes_of"]

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
    """Measure what a fuser says of pairs; None where no truth says what is worn, or nothing is linked at all."""

    def linked(some: Tracklets) -> Flags:
        held = tuple(sorted(one for one in SHORT_TERM if one in some.rows))
        window_s = LinkingSettings().short_term_window_s
        allowed = comparable_tracklets(np.arange(len(some)), some, held, window_s)
        return np.asarray(fuser.links(some, some, allowed) >= BELIEVED)

    return clothes_of(tracklets, linked)


def clothes_of(tracklets: Tracklets, linked: Callable[[Tracklets], Flags]) -> ClothesFigures | None:
    """Measure links of any kind.

    Args:
        tracklets: Of all films; those count whose clothes the truth knows.
        linked: Which pairs of some tracklets of one film are linked, bool[N, N].
    """
    known = np.array([name is not None for name in tracklets.identities], dtype=bool)
    worn = np.array([bool(outfit) for outfit in tracklets.outfits], dtype=bool)
    some = tracklets.take(known & worn & tracklets.present(Modality.BODY))
    parts = [some.take(some.of_movie(film)) for film in sorted(set(some.movies))]
    counts = np.array([_of_film(part, linked(part)) for part in parts])
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


def _of_film(some: Tracklets, linked: Flags) -> Sequence[float]:
    """Pairs in the same clothes and how many are linked, in one uniform likewise, links, and those of two people."""
    rows = np.arange(len(some))
    allowed = comparable_tracklets(rows, some, (Modality.BODY,), LinkingSettings().short_term_window_s)
    once = rows[:, None] < rows[None, :]
    pairs = allowed[Modality.BODY] & once
    people, outfits = np.array(some.identities, dtype=np.str_), np.array(some.outfits, dtype=np.str_)
    one_person = people[:, None] == people[None, :]
    same_clothes = outfits[:, None] == outfits[None, :]
    same, uniform = pairs & one_person & same_clothes, pairs & ~one_person & same_clothes
    sets = (same, same & linked, uniform, uniform & linked, pairs & linked, pairs & linked & ~one_person)
    return [float(one.sum()) for one in sets]
