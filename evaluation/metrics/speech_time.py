"""Time that two sets of spans share, and the recall and precision of found speech by it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["length_s", "shared_s", "span_iou", "union"]

Span = tuple[float, float]


def union(spans: Iterable[Span]) -> list[Span]:
    """Join spans that overlap or touch; the result is in order of time, and empty spans are left out."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def length_s(spans: Iterable[Span]) -> float:
    """Return the time that the spans cover, each moment once."""
    return sum(end - start for start, end in union(spans))


def shared_s(left: Sequence[Span], right: Sequence[Span]) -> float:
    """Return the time that both sets cover, each moment once."""
    return length_s(left) + length_s(right) - length_s([*left, *right])


def span_iou(left: Span, right: Span) -> float:
    """Return intersection over union of two spans, in [0, 1]; 0 when both are empty."""
    whole_s = length_s([left, right])
    return shared_s([left], [right]) / whole_s if whole_s > 0 else 0.0
