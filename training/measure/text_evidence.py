"""Calibration of the text space: from the cosine of a sentence and a body to the evidence that it describes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.measure.evidence import NEGATIVES_PER_POSITIVE, Evidence, Groups, Keys, evidence_of, half_near
from training.measure.sets import OUTFITS

F32 = NDArray[np.float32]


def fit_text_evidence(texts: F32, described: Keys, groups: Groups, seed: int) -> Evidence:
    """Fit a calibration on all pairs of a sentence and whom it describes, and a seeded sample of pairs with others.

    Somebody else may be dressed as it says: that is a pair of two people all the same, since it is how sure a search
    can be. The same person in other clothes is neither.

    Args:
        texts: float32[Q, D], rows of length one.
        described: int64[Q], person and outfit of each sentence, as `CropTest.outfit` numbers them.
        groups: Bodies aggregated as ingest does; `owners` are persons in outfits, `near` their scenes.
        seed: Seed of the sample.

    Raises:
        ValueError: If no group shows whom a sentence describes, or the groups have no scenes.
    """
    if groups.near is None:
        raise ValueError("the groups have no scenes: others of the same scene are told apart there")
    same = described[:, None] == groups.owners[None, :]
    positive = np.flatnonzero(same)
    if positive.size == 0:
        raise ValueError(
            "no sentence describes anybody who is seen: the validation set is too small, render more of it"
        )
    other = (described // OUTFITS)[:, None] != (groups.owners // OUTFITS)[None, :]
    wanted = NEGATIVES_PER_POSITIVE * positive.size
    sample = half_near(other, _in_one_scene(same, groups.near), wanted, np.random.default_rng(seed))
    chosen = np.concatenate([positive, sample])
    cosines = (texts @ groups.vectors.T).ravel()[chosen]
    return evidence_of(cosines, same.ravel()[chosen])


def _in_one_scene(same: NDArray[np.bool_], scenes: Keys) -> NDArray[np.bool_]:
    """Of each sentence and group, whether the group is of a scene in which whom the sentence describes is seen."""
    numbers = np.unique(scenes, return_inverse=True)[1]
    seen = np.zeros((same.shape[0], numbers.max() + 1), np.bool_)
    rows, columns = np.nonzero(same)
    seen[rows, numbers[columns]] = True
    return seen[:, numbers]
