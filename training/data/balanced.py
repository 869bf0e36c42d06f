"""Batches of P identities with K rows each, without which a batch has few positives to learn from.

Source: Hermans, Beyer, Leibe, "In Defense of the Triplet Loss", arXiv:1703.07737v4, section 2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]


def balanced_rows(labels: I64, *, identities: int, each: int, step: int, seed: int) -> I64:
    """Give the rows of a step: `identities` people, `each` rows of every one, person by person.

    An epoch visits every person once, in an order of its own; its incomplete end is filled from its beginning. No batch
    holds a person twice. A person with fewer rows than `each` gives some of them more than once.

    Args:
        labels: int64[N], whose row each is.
        identities: P, at least 2: with one person there is no negative.
        each: K, at least 2: with one row there is no positive.
        step: Number of the step, from 0.
        seed: Seed of order and choice; a step draws the same rows each time.

    Returns:
        int64[P * K], rows.

    Raises:
        ValueError: If there are too few people, or P or K is below 2.
    """
    people = np.unique(labels)
    if identities < 2 or each < 2:
        raise ValueError(f"got {identities} identities of {each} rows, expected at least 2 of 2")
    if people.size < identities:
        raise ValueError(f"got {people.size} people, expected at least {identities}: make batches of fewer")
    chosen = _people_of(people, identities, step, seed)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 2_000_003, step]))
    return np.concatenate([_rows_of(labels, person, each, rng) for person in chosen])


def _people_of(people: I64, identities: int, step: int, seed: int) -> I64:
    per_epoch = -(-people.size // identities)
    epoch, position = divmod(step, per_epoch)
    order = np.random.default_rng(np.random.SeedSequence([seed, 1_000_003, epoch])).permutation(people)
    return np.take(order, np.arange(position * identities, (position + 1) * identities), mode="wrap").astype(np.int64)


def _rows_of(labels: I64, person: np.int64, each: int, rng: np.random.Generator) -> I64:
    rows = np.flatnonzero(labels == person)
    shuffled = rng.permutation(rows)
    missing = each - shuffled.size
    if missing > 0:
        return np.concatenate([shuffled, rng.choice(rows, missing)]).astype(np.int64)
    return shuffled[:each].astype(np.int64)
