"""Search within videos, as APES measures it: every tracklet asks for the others of its video.

Source: Alcazar et al., "APES: Audiovisual Person Search in Untrimmed Video", section 4.2 (methods.md 3.4). For each
video, each tracklet is the query and the video's other tracklets are the gallery: P@K (K = 1, 5, 10), R@K (K = 10, 50,
100) and mAP; the mean over the queries of a video, then over videos. What the paper leaves open: the query itself is
left out of its gallery, a query with nothing to be found is skipped, and so is a video with no other kind; P@K
divides by K also where the gallery has fewer; R@K divides by the number of relevant tracklets; equal scores are drawn
in random order.

The figures of a random ranking are those of scores that are all equal. The paper prints its own (seen and heard: R@10,
50, 100 = 12.0, 52.9, 87.3), but they depend on the sizes of all its galleries, which are not published. What can be
known is tested: R@K of a random ranking is min(K, n) / n, P@K the share of relevant tracklets, and galleries of one
plausible spread come near the recalls of seen and heard. Those of seen (5.1, 26.0, 52.7) cannot be means: a mean
recall at 100 is at most ten times that at 10.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.scored import Scored

__all__ = ["FIGURES", "mean_over_videos", "query_precisions", "video_figures"]

PRECISIONS = (1, 5, 10)
RECALLS = (10, 50, 100)
# In the order of the paper's Tables 3 and 4.
FIGURES = (*(f"r_{k}" for k in RECALLS), *(f"p_{k}" for k in PRECISIONS), "map")


def video_figures(
    scores: NDArray[np.floating], identities: Sequence[str], asked: Sequence[bool] | None = None
) -> dict[str, float] | None:
    """Figures of one video, each in [0, 1]; None when no query has anything to be found.

    Args:
        scores: float[N, N], row i those of query i; the diagonal is not looked at.
        identities: Whom each tracklet shows.
        asked: Which tracklets ask; all when left out.
    """
    count = len(identities)
    if scores.shape != (count, count):
        raise ValueError(f"got scores of shape {scores.shape}, expected {(count, count)}")
    names = np.array(identities)
    rows: list[list[float]] = []
    for query in range(count):
        others = np.arange(count) != query
        right = names[others] == names[query]
        if right.any() and (asked is None or asked[query]):
            rows.append(_of_query(Scored.of(scores[query][others], right), int(right.sum())))
    return dict(zip(FIGURES, np.mean(rows, axis=0).tolist(), strict=True)) if rows else None


def query_precisions(scores: NDArray[np.floating], identities: Sequence[str]) -> list[tuple[str, float]]:
    """Person and AP of each query of one video that has anything to be found; arguments as of `video_figures`."""
    names = np.array(identities)
    found: list[tuple[str, float]] = []
    for query, name in enumerate(identities):
        others = np.arange(len(names)) != query
        right = names[others] == name
        if right.any():
            found.append((name, Scored.of(scores[query][others], right).average_precision(int(right.sum()))))
    return found


def mean_over_videos(videos: Iterable[Mapping[str, float] | None]) -> dict[str, float]:
    """Mean of the figures of videos; those without a query are left out. Raises ValueError when none is left."""
    found = [video for video in videos if video is not None]
    if not found:
        raise ValueError("no video shows anybody twice: nothing can be measured")
    return {name: float(np.mean([video[name] for video in found])) for name in FIGURES}


def _of_query(ranking: Scored, relevant: int) -> list[float]:
    recalls = [ranking.recall_at(k, relevant) for k in RECALLS]
    return [*recalls, *(ranking.precision_at(k) for k in PRECISIONS), ranking.average_precision(relevant)]
