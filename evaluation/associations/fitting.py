"""Fits numbers, and says how well a fit predicts a film that it has not seen.

Nothing is drawn by chance: the same read-backs give the same numbers. A film is out when no pair with an appearance of
it is left to be fitted on; it is then judged on all of these, so that a pair of two films is judged twice. Who is who
is not clustered anew, since clustering does not know the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.associations.rows import Reading, Rows
from packs.arrays import F64, Bool

__all__ = ["Losses", "Number", "Refitted", "log_loss", "refit"]

# No probability is nearer to an end than this, or a single wrong pair could cost without bound.
CERTAIN = 1e-6


@dataclass(frozen=True, slots=True)
class Number:
    """What is to be fitted.

    Attributes:
        name: In the source.
        module: Where it stands.
        rows: The pairs that it is about.
        committed: As it stands there now.
        fit: Makes it of pairs of both kinds.
    """

    name: str
    module: str
    rows: Rows
    committed: Reading
    fit: Callable[[Rows], Reading]


@dataclass(frozen=True, slots=True)
class Losses:
    """Mean log-loss in nats a pair: of numbers that were fitted on the other films, of their mean, and as committed."""

    fitted: float
    mean: float
    committed: float


@dataclass(frozen=True, slots=True)
class Refitted:
    """A number that was fitted.

    Attributes:
        number: Which.
        fitted: On all films; None where the pairs are all of one kind.
        by_film: How well it is predicted, by the film that was left out; those of which nothing could be said are not
            in it.
        left_out: The same over all films, each pair by its weight; None where `by_film` is empty.
    """

    number: Number
    fitted: Reading | None
    by_film: Mapping[str, Losses]
    left_out: Losses | None


def refit(number: Number, films: Sequence[str]) -> Refitted:
    """Fit a number on all films, and on all but one.

    Args:
        number: What, with its pairs.
        films: The names of the films, as the pairs have them.
    """
    rows = number.rows
    if not rows.of_both_kinds:
        return Refitted(number, None, {}, None)
    judged = {film: _judged(number, rows.films[:, place]) for place, film in enumerate(films)}
    by_film = {film: one for film, one in judged.items() if one is not None}
    weights = np.array([rows.weights[rows.films[:, films.index(film)]].sum() for film in by_film])
    return Refitted(number, number.fit(rows), by_film, _mean(list(by_film.values()), weights))


def log_loss(probabilities: F64, rows: Rows) -> float:
    """Mean log-loss of R probabilities, float64[R], by weight, in nats."""
    inside = np.clip(probabilities, CERTAIN, 1.0 - CERTAIN)
    return float(rows.shares @ -np.log(np.where(rows.right, inside, 1.0 - inside)))


def _judged(number: Number, of_film: Bool) -> Losses | None:
    seen, unseen = number.rows.where(~of_film), number.rows.where(of_film)
    if not seen.of_both_kinds or not len(unseen):
        return None
    guesses = number.fit(seen).of(unseen.columns), np.full(len(unseen), seen.share_right)
    return Losses(*(log_loss(one, unseen) for one in (*guesses, number.committed.of(unseen.columns))))


def _mean(several: Sequence[Losses], weights: F64) -> Losses | None:
    if not several:
        return None
    table = np.array([[one.fitted, one.mean, one.committed] for one in several])
    return Losses(*(float(one) for one in weights @ table / weights.sum()))
