"""Bootstrap intervals: how much a figure would move with another cast, or other films, of the same number.

Units are drawn with replacement: identities where a figure is a mean over identities (the queries and films of one
identity depend on each other, so they are not drawn apart), films where a figure counts over films, speakers where it
counts lines. The interval is between the 2.5th and the 97.5th percentile of the figures of the draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Estimate", "bootstrap_interval", "estimate_by_unit", "estimate_mean", "estimate_of", "estimate_ratio"]

DRAWS = 2000
PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval.

    Attributes:
        value: The figure.
        interval: Its 95 % bootstrap interval.
        count: How many units were drawn.
        unit: What was drawn: `identities`, `films`, `speakers`.
    """

    value: float
    interval: tuple[float, float]
    count: int
    unit: str


def bootstrap_interval(values: Sequence[float], seed: int = 0, draws: int = DRAWS) -> tuple[float, float]:
    """Return the 95 % interval of the mean of `values`, one for each identity."""
    return _ratio_interval(np.asarray(values, dtype=np.float64), np.ones(len(values)), seed, draws)


def estimate_mean(values: Sequence[float], unit: str = "identities", seed: int = 0) -> Estimate:
    """Return the mean of `values`, one for each unit, with its interval; raises ValueError without any."""
    interval = bootstrap_interval(values, seed)
    return Estimate(float(np.mean(values)), interval, len(values), unit)


def estimate_ratio(counted: Sequence[float], possible: Sequence[float], unit: str = "films", seed: int = 0) -> Estimate:
    """Return the sum of `counted` over the sum of `possible`, one of each for each unit, with its interval.

    Units in which nothing was possible are left out; raises ValueError when none is left.
    """
    pairs = [(above, below) for above, below in zip(counted, possible, strict=True) if below > 0]
    above, below = (np.array([pair[column] for pair in pairs], dtype=np.float64) for column in (0, 1))
    interval = _ratio_interval(above, below, seed, DRAWS)
    return Estimate(float(above.sum() / below.sum()), interval, len(pairs), unit)


def estimate_by_unit(values: NDArray[np.float64], units: Sequence[str], unit: str = "identities") -> Estimate:
    """Return the mean of `values`, float64[N], with its interval over units: `units` says whose each is.

    Raises:
        ValueError: Without a value.
    """
    names = sorted(set(units))
    places = np.array([names.index(one) for one in units], dtype=np.intp)
    counts = np.bincount(places, minlength=len(names))
    return estimate_ratio(np.bincount(places, weights=values).tolist(), counts.tolist(), unit=unit)


def estimate_of(
    columns: NDArray[np.float64],
    figure: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    unit: str = "identities",
    seed: int = 0,
) -> Estimate:
    """Return any figure of sums over units, with its interval.

    Args:
        columns: float64[U, C], what each unit adds to each of C sums.
        figure: From sums float64[D, C] of D draws to the figure of each, float64[D].
        unit: What is drawn.
        seed: Of the draws.

    Raises:
        ValueError: Without a unit.
    """
    if not len(columns):
        raise ValueError("got no values, expected at least one unit")
    chosen = np.random.default_rng(seed).integers(len(columns), size=(DRAWS, len(columns)))
    # How often each unit is drawn, so that nothing of the size draws x units x columns is made.
    times = np.apply_along_axis(np.bincount, 1, chosen, minlength=len(columns)).astype(np.float64)
    low, high = np.percentile(figure(times @ columns), PERCENTILES)
    value = float(figure(columns.sum(axis=0, keepdims=True))[0])
    return Estimate(value, (float(low), float(high)), len(columns), unit)


def _ratio_interval(
    above: NDArray[np.float64], below: NDArray[np.float64], seed: int, draws: int
) -> tuple[float, float]:
    if not len(above):
        raise ValueError("got no values, expected at least one identity")
    chosen = np.random.default_rng(seed).integers(len(above), size=(draws, len(above)))
    low, high = np.percentile(above[chosen].sum(axis=1) / below[chosen].sum(axis=1), PERCENTILES)
    return float(low), float(high)
