"""Which views of a clip are worth keeping: the clearest, and always as many as the network takes. numpy alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from packs.arrays import F32

# Faces of a clip that iQIYI-VID keeps (section 5.1).
IQIYI_FACES = 32


def best_rows(quality: F32, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Choose the rows of highest quality; where there are too few, fill up with some of them at random.

    Source: Liu et al., "iQIYI-VID", section 5.1: the top 32 faces by quality, existing ones sampled until there are 32.

    Args:
        quality: float32[N], N >= 1, larger is clearer.
        count: Rows that are wanted.
        rng: Source of chance; it is used only where N < count.

    Returns:
        int64[count], rows of `quality`, the best first, then the repeated ones. Of equals the earlier comes first.

    Raises:
        ValueError: If there are no rows at all, or a quality is no number.
    """
    if quality.shape[0] == 0:
        raise ValueError(f"got no rows to choose {count} from: a clip without views has no feature, mark it as missing")
    if np.isnan(quality).any():
        raise ValueError("a quality must be a number, got nan")
    best = np.argsort(-quality, kind="stable")[:count].astype(np.int64)
    repeated = rng.integers(0, best.shape[0], size=max(0, count - best.shape[0]))
    return np.concatenate([best, best[repeated]])
