"""Bidirectional mask modelling: while training, some tokens of both modalities are deleted.

Source: Shu et al., "See Finer, See More" (IVT), arXiv:2208.08608, with the numbers of the published code (methods.md
4.3): between none and a fifth of the tokens, the same places in the whole batch, never the first; nothing is
reconstructed, the loss is that of the pair.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHARE = 0.2


def most_deleted(tokens: int, share: float) -> int:
    """Largest number of tokens that may go: the share of all, rounded down."""
    return int(share * tokens)


def kept_places(tokens: int, share: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw which tokens stay.

    Args:
        tokens: Number of tokens, the class token among them.
        share: Largest share that may go, 0..1; 0 keeps all.
        rng: Source of chance.

    Returns:
        int64[K], rising places, 0 first; K is uniform between `tokens - most_deleted(tokens, share)` and `tokens`.

    Raises:
        ValueError: If there is no token.
    """
    if tokens < 1:
        raise ValueError(f"got {tokens} tokens, expected the class token at least")
    gone = int(rng.integers(0, most_deleted(tokens, share) + 1))
    others = rng.permutation(np.arange(1, tokens))[min(gone, tokens - 1) :]
    return np.concatenate([[0], np.sort(others)]).astype(np.int64)
