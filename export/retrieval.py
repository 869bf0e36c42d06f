"""How well embeddings find others of the same identity: the measure that decides about 8 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def mean_average_precision(embeddings: NDArray[Any], identities: NDArray[Any]) -> float:
    """Each row asks for the others of its identity among all other rows, by cosine.

    Args:
        embeddings: float[N, D], any length.
        identities: int[N].

    Returns:
        Mean of the average precision over the rows that have others, 0 to 1.

    Raises:
        ValueError: If no identity has two rows.
    """
    rows = np.asarray(embeddings, np.float64)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    scores = rows @ rows.T
    # A row does not find itself: it is put behind all others and cut off.
    np.fill_diagonal(scores, -np.inf)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :-1]
    hits = identities[order] == identities[:, None]
    asked = hits.any(axis=1)
    if not asked.any():
        raise ValueError("no identity has two rows: nothing can be found")
    hits = hits[asked]
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return float(np.mean((precision * hits).sum(axis=1) / hits.sum(axis=1)))
