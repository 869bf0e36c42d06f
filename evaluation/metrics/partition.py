"""How alike two partitions of the same things are: found identities against the true ones.

Pairwise F1 asks of each pair of things whether both partitions put it together; large clusters weigh with the square of
their size. B-cubed (Bagga and Baldwin, Algorithms for Scoring Coreference Chains, LREC 1998; as in Amigó et al., A
Comparison of Extrinsic Clustering Evaluation Metrics Based on Formal Constraints, 2009) asks of each thing how much of
its cluster is of its kind, and how much of its kind is in its cluster: everything counts once.

Intervals are over kinds, that is people: what each adds to the sums is drawn; a pair of two kinds that was put together
is half that of either. Chance is a random partition with clusters of the same sizes, in expectation: with N things two
of them are together with the probability sum s (s - 1) / N (N - 1) over the sizes s, whatever their kinds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from evaluation.metrics.bootstrap import Estimate, estimate_of
from packs.arrays import F64

__all__ = ["Agreement", "b_cubed", "b_cubed_f1", "by_kind", "chance_by_kind", "chances", "pairwise", "pairwise_f1"]

# Of no things at all: nothing was done wrong.
NOTHING = Estimate(1.0, (1.0, 1.0), 0, "identities")


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


def pairwise_f1(found: Mapping[str, Hashable], truth: Mapping[str, Hashable]) -> Estimate:
    """F1 of `pairwise` with its interval over kinds; 1 where nothing is known to both."""
    both, clusters, kinds = _counts(found, truth)
    right: dict[Hashable, float] = dict.fromkeys(kinds, 0.0)
    together: dict[Hashable, float] = dict.fromkeys(kinds, 0.0)
    for (cluster, kind), count in both.items():
        own = count * (count - 1) / 2
        right[kind] += own
        together[kind] += own + 0.5 * count * (clusters[cluster] - count)
    columns = np.array([(right[kind], together[kind], size * (size - 1) / 2) for kind, size in kinds.items()])

    def figure(sums: F64) -> F64:
        below = sums[:, 1] + sums[:, 2]
        # Nobody was put together with anybody, and nobody belongs together: nothing was done wrong.
        return np.where(below > 0, 2.0 * sums[:, 0] / np.maximum(below, 1e-12), 1.0)

    return estimate_of(columns, figure) if len(columns) else NOTHING


def b_cubed_f1(found: Mapping[str, Hashable], truth: Mapping[str, Hashable]) -> Estimate:
    """F1 of `b_cubed` with its interval over kinds; 1 where nothing is known to both."""
    sizes = _counts(found, truth)[2]
    agreements = by_kind(found, truth)
    columns = np.array([(sizes[kind], sizes[kind] * a.precision, sizes[kind] * a.recall) for kind, a in agreements])

    def figure(sums: F64) -> F64:
        precision, recall = sums[:, 1] / sums[:, 0], sums[:, 2] / sums[:, 0]
        return np.asarray(2.0 * precision * recall / (precision + recall))

    return estimate_of(columns, figure) if len(columns) else NOTHING


def by_kind(found: Mapping[str, Hashable], truth: Mapping[str, Hashable]) -> list[tuple[Hashable, Agreement]]:
    """B-cubed of the things of each kind alone."""
    both, clusters, kinds = _counts(found, truth)
    sums: dict[Hashable, list[float]] = {kind: [0.0, 0.0] for kind in kinds}
    for (cluster, kind), count in both.items():
        sums[kind][0] += count * count / clusters[cluster]
        sums[kind][1] += count * count / kinds[kind]
    return [(kind, Agreement(one / kinds[kind], other / kinds[kind])) for kind, (one, other) in sums.items()]


def chance_by_kind(found: Mapping[str, Hashable], truth: Mapping[str, Hashable]) -> list[tuple[Hashable, Agreement]]:
    """What a random partition with the same sizes has for each kind, in expectation."""
    _, clusters, kinds = _counts(found, truth)
    total, share = sum(kinds.values()), _together(clusters)
    # A thing's cluster is of size s with s / N; of its s - 1 others (n - 1) / (N - 1) are of its kind.
    alone = len(clusters) / total if total else 1.0
    return [
        (kind, Agreement(alone + (1.0 - alone) * (size - 1) / max(1, total - 1), (1.0 + (size - 1) * share) / size))
        for kind, size in kinds.items()
    ]


def chances(found: Mapping[str, Hashable], truth: Mapping[str, Hashable]) -> tuple[Agreement, Agreement]:
    """Pairwise and B-cubed agreement of a random partition with the same sizes, in expectation."""
    _, clusters, kinds = _counts(found, truth)
    total = sum(kinds.values())
    if not total:
        return Agreement(1.0, 1.0), Agreement(1.0, 1.0)
    blind = chance_by_kind(found, truth)
    precision = sum(kinds[kind] * one.precision for kind, one in blind) / total
    recall = sum(kinds[kind] * one.recall for kind, one in blind) / total
    return Agreement(_together(kinds), _together(clusters)), Agreement(precision, recall)


def _together(sizes: Mapping[Hashable, int]) -> float:
    """How probable it is that two things are in one."""
    total = sum(sizes.values())
    return 2.0 * _pairs(sizes.values()) / (total * (total - 1)) if total > 1 else 1.0


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
