"""Logistic regression by Newton's method, for the calibrations: few columns, convex, the same to the last digit.

In numpy, since the calibrations are on the way of every command and scipy would take longer to import than all the
rest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from packs.arrays import F64, Bool

__all__ = ["expit", "fit_logistic", "scores_and_labels"]

# What a step must gain, in nats, for another one to be worth it.
GAIN = 1e-12


def expit(logits: F64) -> F64:
    """The probabilities of log-odds, float64 of their shape; -inf is 0."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)), dtype=np.float64)


def fit_logistic(columns: F64, targets: ArrayLike, weights: F64, *, hold: float = 1e-12, steps: int = 100) -> F64:
    """Minimise the weighted logistic loss: float64[K].

    Args:
        columns: float64[N, K].
        targets: float64[N] in [0, 1], or bool[N].
        weights: float64[N], what each counts.
        hold: Keeps a direction that no row tells of at zero, and the steps finite.
        steps: Most of them; about ten are normal.
    """
    wanted = np.asarray(targets, dtype=np.float64)
    theta = np.zeros(columns.shape[1])
    loss = _loss(columns, theta, wanted, weights, hold)
    for _ in range(steps):
        predicted = expit(columns @ theta)
        gradient = columns.T @ (weights * (predicted - wanted)) + hold * theta
        curvature = columns.T @ (columns * (weights * predicted * (1.0 - predicted))[:, None])
        step = np.linalg.solve(curvature + hold * np.eye(len(theta)), gradient)
        size = 1.0
        while (new := _loss(columns, theta - size * step, wanted, weights, hold)) > loss and size > 1e-6:
            size *= 0.5
        done = loss - new < GAIN
        if new < loss:
            theta, loss = theta - size * step, new
        if done:
            break
    return theta


def scores_and_labels(scores: ArrayLike, right: ArrayLike, nearest: float) -> tuple[F64, Bool]:
    """Scores no nearer to 0 and 1 than `nearest`, float64[N], and labels, bool[N], of both kinds.

    Raises:
        ValueError: If a class is absent, or shapes differ.
    """
    inside = np.clip(np.asarray(scores, dtype=np.float64).ravel(), nearest, 1.0 - nearest)
    labels = np.asarray(right, dtype=np.bool_).ravel()
    if inside.shape != labels.shape or labels.all() or not labels.any():
        told = f"{inside.shape[0]} scores and {int(labels.sum())} right of {labels.shape[0]}"
        raise ValueError(f"got {told}, expected both")
    return inside, labels


def _loss(columns: F64, theta: F64, targets: F64, weights: F64, hold: float) -> float:
    logits = columns @ theta
    costs = targets * np.logaddexp(0.0, -logits) + (1.0 - targets) * np.logaddexp(0.0, logits)
    return float(weights @ costs) + 0.5 * hold * float(theta @ theta)
