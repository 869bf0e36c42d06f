"""How alike two partitions of the same things are: found identities against the true ones.

Pairwise F1 asks of each pair of things whether both partitions put it together; large clusters weigh with the square of
their size. B-cubed (Bagga and Baldwin, Algorithms for Scoring Coreference Chains, LREC 1998; as in Amigó et al., A
Comparison of Extrinsic Clustering Evaluation Metrics Based on Formal Constraints, 2009) asks of each thing how much of
its cluster is of its kind, and how much of its kind is in its cluster: everything counts once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Agreement", "b_cubed", "pairwise"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Precision and recall in [0, 1], and their harmonic mean."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean; 0 when both are."""
        total = self.precision + self.recall
        return 2.0 * self.precision * self.recall / total if total > 0.0 else 0.0


def pairwise(found: Mapping[str, Hashable], truth: Mapping[str, Hashable]) -> Agreement:
    """Compare by pairs, over the things that both know.

    Args:
        found: The cluster of each thing.
        truth: The true cluster of each thing.

    Returns:
        Share of the pairs put together that belong together, and share of those that belong together that were put so;
        1 where there is no such pair, since nothing was done wrong.
    """
    both, clusters, kinds = _counts(found, truth)
    right = _pairs(both.values())
    together, belonging = _pairs(clusters.values()), _pairs(kinds.values())
    return Agreement(right / together if together else 1.0, right / belonging if belonging else 1.0)


def b_cubed(found: Mapping[str, Hashable], truth: Mapping[str, Hashable]) -> Agreement:
    """Compare thing by thing, over the things that both know, as `pairwise`; a thing counts as one of its cluster."""
    both, clusters, kinds = _counts(found, truth)
    total = sum(both.values())
    if not total:
        return Agreement(1.0, 1.0)
    precision = sum(count * count / clusters[cluster] for (cluster, _), count in both.items())
    recall = sum(count * count / kinds[kind] for (_, kind), count in both.items())
    return Agreement(precision / total, recall / total)


def _counts(
    found: Mapping[str, Hashable], truth: Mapping[str, Hashable]
) -> tuple[Counter[tuple[Hashable, Hashable]], Counter[Hashable], Counter[Hashable]]:
    """How many things are in each cluster and kind, in each cluster, and of each kind."""
    both = Counter((found[one], truth[one]) for one in found.keys() & truth.keys())
    clusters: Counter[Hashable] = Counter()
    kinds: Counter[Hashable] = Counter()
    for (cluster, kind), count in both.items():
        clusters[cluster] += count
        kinds[kind] += count
    return both, clusters, kinds


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)
