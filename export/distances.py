"""Distances between the answers of two runtimes to the same inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
AnyArray = NDArray[Any]

# Proposals under this score never leave the client's threshold; which of them make the best 100 may differ.
CONFIDENT = 0.3


def row_cosines(found: AnyArray, reference: AnyArray) -> F32:
    """Cosine of each row [N, ..., D] with its reference: [N * ...]; 1 where both are zeros, as of what is missing."""
    ours, theirs = found.reshape(-1, found.shape[-1]), reference.reshape(-1, reference.shape[-1])
    norms = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    cosines = np.sum(ours * theirs, axis=1) / np.maximum(norms, 1e-12)
    return np.asarray(np.where(ours.any(axis=1) | theirs.any(axis=1), cosines, 1.0), np.float32)


def usual_distance(distances: AnyArray) -> float:
    """The distance that 99 % of the values keep; 0 of none, infinity where some are no finite numbers."""
    if not distances.size:
        return 0.0
    return float(np.quantile(distances, 0.99)) if np.isfinite(distances).all() else float("inf")


def detector_distances(found: Mapping[str, AnyArray], reference: Mapping[str, AnyArray]) -> F32:
    """Pair each confident proposal with the nearest of the other runtime: order may differ at equal scores."""
    parts = [np.zeros(0, dtype=np.float32)]
    for image, scores in enumerate(reference["scores"]):
        for column in range(scores.shape[1]):
            kept = np.flatnonzero(scores[:, column] >= CONFIDENT)
            if kept.size:
                parts.append(_nearest(found, reference, image, column, kept))
    return np.concatenate(parts)


def _nearest(
    found: Mapping[str, AnyArray], reference: Mapping[str, AnyArray], image: int, column: int, kept: NDArray[np.intp]
) -> F32:
    others = np.flatnonzero(found["scores"][image, :, column] > 0.0)
    if not others.size:
        return np.full(kept.size, np.inf, np.float32)
    # [kept, others]
    ours, theirs = reference["boxes"][image][kept], found["boxes"][image][others]
    boxes = np.abs(ours[:, None] - theirs[None]).max(axis=2)
    scores = np.abs(reference["scores"][image, kept, column][:, None] - found["scores"][image, others, column])
    return np.asarray(np.maximum(boxes, scores).min(axis=1), dtype=np.float32)
