"""The graph that evidence runs along: cast members that are known, tracklets that are not, and their affinities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from packs.arrays import F64

__all__ = ["Graph", "strongest"]

# Products that are held at once, in numbers: bounds the memory of a large graph at about 130 MB.
BLOCK = 1 << 24


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """C cast members and N tracklets.

    Attributes:
        direct: float64[C, N], affinity of each cast member and tracklet (CT of the papers).
        links: sparse float64[N, N] in rows (CSR), symmetric affinity of tracklets (TT); what is not stored is 0.
    """

    direct: F64
    links: Any

    @classmethod
    def of(cls, direct: NDArray[np.floating], links: Any) -> Graph:
        """Take affinities, dense or sparse.

        Raises:
            ValueError: If the shapes do not fit, or a number is not finite.
        """
        known = np.asarray(direct, dtype=np.float64)
        rows = sparse.csr_array(links, dtype=np.float64)
        rows.sum_duplicates()
        count = known.shape[1] if known.ndim == 2 else -1
        if rows.shape != (count, count):
            raise ValueError(
                f"got affinities of shape {known.shape} and links of {rows.shape}, expected C x N and N x N"
            )
        if not np.isfinite(known).all() or not np.isfinite(rows.data).all():
            raise ValueError("got an affinity that is not finite: what cannot be compared is 0")
        return cls(known, rows)

    @property
    def whole(self) -> Any:
        """W of the papers, sparse float64[C + N, C + N]: [[0, CT], [CT', TT]]."""
        upper = sparse.csr_array(self.direct)
        return sparse.csr_array(sparse.block_array([[None, upper], [upper.T, self.links]], format="csr"))


def strongest(links: Any, known: F64) -> F64:
    """What the strongest neighbour says: max over j of links[i, j] known[j, c], and at least 0.

    Args:
        links: sparse float64[M, N] in rows (CSR).
        known: float64[N, C], not negative.

    Returns:
        float64[M, C].
    """
    found = np.zeros((links.shape[0], known.shape[1]))
    data, indices, starts = _from_speakers(links, known)
    filled = np.flatnonzero(np.diff(starts))
    if not len(filled):
        return found
    width = max(1, BLOCK // len(data))
    for first in range(0, known.shape[1], width):
        columns = slice(first, first + width)
        products = data[:, None] * known[indices, columns]
        # Rows without links have no first entry of their own, so only the others are reduced.
        found[filled, columns] = np.maximum.reduceat(products, starts[filled], axis=0)
    return np.maximum(found, 0.0)


def _from_speakers(links: Any, known: F64) -> tuple[F64, NDArray[np.intp], NDArray[np.intp]]:
    """Values, columns and row starts of the links to neighbours that say anything: in early steps those are few."""
    speaks = np.asarray(known.any(axis=1), dtype=bool)
    if speaks.all():
        return links.data, links.indices, links.indptr
    kept = speaks[links.indices]
    starts = np.concatenate([[0], np.cumsum(kept)])[links.indptr]
    return links.data[kept], links.indices[kept], starts
