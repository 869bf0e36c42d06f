"""The measurements of other packages that belong into the report.

Answers as they are served, what a perfect reader of descriptions would find, and the face's weight.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from evaluation.ceiling.extra import ceiling_extra
from evaluation.clearness.cli import measure_faces, page_of_faces, with_tracklets
from evaluation.index.extra import Extra, Given
from evaluation.index.kept import Made
from evaluation.report import rounded
from evaluation.served.extra import served_extra

__all__ = ["EXTRAS", "faces"]

THREADS = 2
# Blurred copies of every face are embedded again: some films are enough.
FILMS = 8


def faces(given: Given) -> Made:
    """How much a face counts as it is blurred and turns away, alone and in whole tracklets, in the first films."""
    folders = [film.path.parent for film in given.films[:FILMS]]
    report = asyncio.run(measure_faces(folders, given.pack.directory, None, THREADS))
    report = with_tracklets(report, folders, [given.appearances], given.pack, None)
    return rounded(report), page_of_faces(report)


# Known by name; the report has each in this order, behind what is built in.
EXTRAS: Mapping[str, Extra] = {"served": served_extra, "ceiling": ceiling_extra, "faces": faces}
