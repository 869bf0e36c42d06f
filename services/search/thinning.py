"""Keeps answers small: a thousand hits of an hour-long video would hold a hundred megabytes of key boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from services.search.answer import Hit

T = TypeVar("T")


def thinned(hits: Sequence[Hit], most: int) -> tuple[Hit, ...]:
    """The hits with at most about `most` key boxes in all; each path keeps its ends, and about the same share.

    What is left out lies on the line between its neighbours or near it; `GetAppearance` has the whole path.
    """
    total = sum(len(hit.appearance.boxes) for hit in hits)
    if total <= most:
        return tuple(hits)
    return tuple(_with_boxes(hit, max(2, len(hit.appearance.boxes) * most // total)) for hit in hits)


def _with_boxes(hit: Hit, most: int) -> Hit:
    boxes = tuple(_evenly(hit.appearance.boxes, most))
    return replace(hit, appearance=replace(hit.appearance, boxes=boxes))


def _evenly(items: Sequence[T], most: int) -> list[T]:
    """At most `most` (2 or more) of the items, first and last among them, the others evenly between."""
    if len(items) <= most:
        return list(items)
    last = len(items) - 1
    return [items[round(place * last / (most - 1))] for place in range(most)]
