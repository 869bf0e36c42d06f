"""How much a face counts as it is blurred and turns away, in the report of the index."""

from __future__ import annotations

import asyncio

from evaluation.clearness.cli import measure_faces, page_of_faces, with_tracklets
from evaluation.index.given import Given
from evaluation.index.kept import Made
from services.runtime.settings import default_pack_dir

__all__ = ["FILMS", "faces_extra"]

# Blurred copies of every face are embedded again: some films are enough.
FILMS = 4
THREADS = 2


def faces_extra(given: Given) -> Made:
    """Measure the first films, and the tracklets of the read-back in them."""
    folders = [film.path.parent for film in given.films[:FILMS]]
    report = asyncio.run(measure_faces(folders, default_pack_dir(), None, THREADS))
    whole = with_tracklets(report, folders, [given.appearances], given.pack, None)
    return whole, page_of_faces(whole)
