"""Which modalities of which pairs may be compared: the rules of the multimodality index, as matrices.

Face and voice are long-term keys and may be compared anywhere. Head and body are short-term: within one video, and
within the window in which clothes hold. Two people on screen at the same time are two people, so nothing of such a
pair is compared; speech that stands alone may be that of somebody on screen, but two stretches of speech at once are
two voices. Which modalities are long-term the association service says (`services.association.evidence`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.datasets.tracklets import Flags, Tracklets
from packs.spec import Modality
from services.association.evidence import LONG_TERM

__all__ = ["Comparable", "comparable_queries", "comparable_tracklets"]

# bool[L, R] by modality: which pairs of left and right may be compared by it.
Comparable = Mapping[Modality, Flags]


def comparable_queries(queries: Tracklets, tracklets: Tracklets, modalities: Sequence[Modality]) -> Comparable:
    """A query comes from nowhere: it may be compared by whatever both have."""
    return {modality: _both(queries, tracklets, modality) for modality in modalities}


def comparable_tracklets(
    some: NDArray[np.intp], tracklets: Tracklets, modalities: Sequence[Modality], window_s: float
) -> Comparable:
    """Rows `some` of the tracklets against all; `window_s` is the longest gap that a short-term modality may bridge."""
    chosen = tracklets.take(some)
    one_movie = np.array(chosen.movies)[:, None] == np.array(tracklets.movies)[None, :]
    gap_s = np.maximum(
        chosen.spans_s[:, 0][:, None] - tracklets.spans_s[:, 1][None, :],
        tracklets.spans_s[:, 0][None, :] - chosen.spans_s[:, 1][:, None],
    )
    apart = ~one_movie | (gap_s >= 0.0) | (chosen.on_screen[:, None] != tracklets.on_screen[None, :])
    apart &= some[:, None] != np.arange(len(tracklets))[None, :]
    near = one_movie & (gap_s <= window_s)
    return {
        modality: _both(chosen, tracklets, modality) & apart & (True if modality in LONG_TERM else near)
        for modality in modalities
    }


def _both(left: Tracklets, right: Tracklets, modality: Modality) -> Flags:
    return left.present(modality)[:, None] & right.present(modality)[None, :]
