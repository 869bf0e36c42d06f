"""Calibration: from the cosine of two aggregated embeddings to the evidence that they are one person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from packs.calibration import Calibration, fit_platt
from training.measure.served import unit

F32 = NDArray[np.float32]
Keys = NDArray[np.int64]

# Crops of a tracklet look alike, so three to six of them tell about as much as one to four of these, which
# all come from different frames.
GROUP_SIZES = (1, 2, 3, 4)
# Somebody says one or a few things in a shot.
VOICE_GROUP_SIZES = (1, 1, 2, 3)
NEGATIVES_PER_POSITIVE = 20


@dataclass(frozen=True, slots=True)
class Groups:
    """Aggregated embeddings.

    Attributes:
        vectors: float32[G, D], of length one.
        keys: int64[G], what makes two groups one person.
        owners: int64[G], identity; two groups of one owner with different keys are never compared.
        near: int64[G]; half of the pairs of two people share this (a scene), since that is where they are told apart;
            None where it does not matter.
    """

    vectors: F32
    keys: Keys
    owners: Keys
    near: Keys | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fitted calibration and how well it holds.

    Attributes:
        calibration: The line.
        positives: Pairs of one person.
        negatives: Pairs of two.
        equal_error: Error rate where misses and false matches are equally frequent.
        cosine_at_half: Cosine where both are equally likely.
    """

    calibration: Calibration
    positives: int
    negatives: int
    equal_error: float
    cosine_at_half: float


def tracklet_like_groups(
    embeddings: F32,
    keys: Keys,
    owners: Keys,
    seed: int,
    *,
    near: Keys | None = None,
    sizes: tuple[int, ...] = GROUP_SIZES,
) -> Groups:
    """Split the crops (or clips) of each key into small groups and aggregate each as ingest does a tracklet.

    Args:
        embeddings: float32[N, D], not normalised: their lengths are the weights.
        keys: int64[N].
        owners: int64[N].
        seed: Seed of the split.
        near: int64[N], one value for each key; see `Groups`.
        sizes: Sizes of groups, drawn with equal chance.
    """
    rng = np.random.default_rng(seed)
    vectors, firsts = [], []
    for key in np.unique(keys):
        rows = rng.permutation(np.flatnonzero(keys == key))
        while rows.size:
            size = int(rng.choice(sizes))
            part, rows = rows[:size], rows[size:]
            # The sum of the raw embeddings is the mean of the directions weighted by their norms.
            vectors.append(embeddings[part].sum(axis=0))
            firsts.append(part[0])
    first = np.array(firsts)
    return Groups(unit(np.stack(vectors)), keys[first], owners[first], None if near is None else near[first])


def fit_evidence(groups: Groups, seed: int) -> Evidence:
    """Fit a calibration on all pairs of one person and a seeded sample of pairs of two.

    Raises:
        ValueError: If no two groups show one person.
    """
    first, second = np.triu_indices(len(groups.keys), k=1)
    same = groups.keys[first] == groups.keys[second]
    positive = np.flatnonzero(same)
    if positive.size == 0:
        raise ValueError("no two groups show one person: the validation set is too small, render more of it")
    sample = _strangers(groups, first, second, NEGATIVES_PER_POSITIVE * positive.size, np.random.default_rng(seed))
    chosen = np.concatenate([positive, sample])
    cosines = np.einsum("nd,nd->n", groups.vectors[first[chosen]], groups.vectors[second[chosen]])
    return evidence_of(cosines, same[chosen])


def evidence_of(cosines: F32, same: NDArray[np.bool_]) -> Evidence:
    """Fit a calibration on pairs: float32[N] and bool[N]."""
    line = fit_platt(cosines, same)
    return Evidence(
        calibration=Calibration(slope=round(line.slope, 4), intercept=round(line.intercept, 4)),
        positives=int(same.sum()),
        negatives=int((~same).sum()),
        equal_error=round(equal_error_rate(cosines, same), 4),
        cosine_at_half=round(line.cosine_at(0.5), 4),
    )


def _strangers(groups: Groups, first: Keys, second: Keys, wanted: int, rng: np.random.Generator) -> Keys:
    """Sample pairs of two people; where `near` is given, half of them (as far as there are so many) are near."""
    differ = groups.owners[first] != groups.owners[second]
    if groups.near is None:
        return _sample(np.flatnonzero(differ), wanted, rng)
    near = groups.near[first] == groups.near[second]
    return half_near(differ, near, wanted, rng)


def half_near(differ: NDArray[np.bool_], near: NDArray[np.bool_], wanted: int, rng: np.random.Generator) -> Keys:
    """Sample places where `differ` holds, half of them (as far as there are so many) where `near` holds too."""
    close = _sample(np.flatnonzero(differ & near), wanted // 2, rng)
    return np.concatenate([close, _sample(np.flatnonzero(differ & ~near), max(close.size, 1), rng)])


def _sample(rows: Keys, most: int, rng: np.random.Generator) -> Keys:
    return rng.choice(rows, size=min(rows.size, most), replace=False)


def equal_error_rate(cosines: NDArray[np.floating], same: NDArray[np.bool_]) -> float:
    """Give the rate at which misses of `same` pairs equal false matches of the others."""
    order = np.argsort(-cosines, kind="stable")
    accepted = same[order]
    misses = 1.0 - np.cumsum(accepted) / max(1, int(same.sum()))
    false = np.cumsum(~accepted) / max(1, int((~same).sum()))
    crossing = int(np.argmin(np.abs(misses - false)))
    return float((misses[crossing] + false[crossing]) / 2.0)
