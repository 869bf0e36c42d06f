"""MAP@100 of clips, as iQIYI-VID measures it.

Source: Liu et al., "iQIYI-VID: A Large Dataset for Multi-modal Person Identification", section 4.4, equation 4
(methods.md 5.3): for each identity all test clips are ranked by how probable the identity is, distractors of unknown
people among them; the first 100 count, and the sum of the precisions at the right ones is divided by m_i, *all* clips
of the identity, also those that could not be among the first 100: whoever has more than 100 cannot reach 1. Equal
scores are drawn in random order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.scored import Scored

__all__ = ["KEPT", "identity_precisions", "listed_precisions"]

KEPT = 100


def identity_precisions(
    scores: NDArray[np.floating], identities: Sequence[str], labels: Sequence[str | None], kept: int = KEPT
) -> dict[str, float]:
    """AP@100 of each identity that has a clip, in [0, 1]; MAP@100 is their mean.

    Args:
        scores: float[C, N], how probable each identity is for each clip.
        identities: Of the rows.
        labels: Of the columns; None is a distractor.
        kept: How many of a ranking count.
    """
    if scores.shape != (len(identities), len(labels)):
        raise ValueError(f"got scores of shape {scores.shape}, expected {(len(identities), len(labels))}")
    names = np.array([label or "" for label in labels])
    found: dict[str, float] = {}
    for identity, row in zip(identities, scores, strict=True):
        right = names == identity
        if right.any():
            found[identity] = Scored.of(row, right).average_precision(int(right.sum()), kept)
    return found


def listed_precisions(
    lists: Mapping[str, Sequence[str]], truth: Mapping[str, Sequence[str]], kept: int = KEPT
) -> dict[str, float]:
    """The same of result files: ranked clips of each identity against all its clips; one without a list has 0."""
    found: dict[str, float] = {}
    for identity, clips in truth.items():
        relevant = set(clips)
        if relevant:
            ranked = list(dict.fromkeys(lists.get(identity, ())))
            right = [clip in relevant for clip in ranked]
            ranking = Scored.of(-np.arange(len(ranked), dtype=np.float64), np.array(right, dtype=bool))
            found[identity] = ranking.average_precision(len(relevant), kept)
    return found
