"""The ceiling of typed descriptions as a step of the index's report."""

from __future__ import annotations

from evaluation.ceiling.report import measure_ceiling, page_of_ceiling
from evaluation.index.extra import Given
from evaluation.index.kept import Made

__all__ = ["ceiling_extra"]


def ceiling_extra(given: Given) -> Made:
    """What a perfect reader would find in the films of the report."""
    report = measure_ceiling(given.films)
    return report, page_of_ceiling(report)
