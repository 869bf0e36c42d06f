"""The measurements of other packages that belong into the report: answers as they are served, and the face's weight."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from evaluation.clearness.cli import measure_faces, page_of_faces, with_tracklets
from evaluation.datasets.store import read_search
from evaluation.index.extra import Extra, Given
from evaluation.index.kept import Made
from evaluation.protocols.csm.kinds import kind_facts, kind_lines
from evaluation.report import rounded
from evaluation.served.kinds import served_kinds

__all__ = ["EXTRAS", "faces", "served"]

THREADS = 2


def served(given: Given) -> Made:
    """What the product answers to each kind of query, by its own code on the read-back."""
    search, _ = read_search(given.appearances)
    found = asyncio.run(served_kinds(search, given.pack, given.say))
    kinds = {name: kind_facts(figures) for name, figures in found.items()}
    report: dict[str, Any] = rounded({"kinds": kinds, "figures": _figures(kinds)})
    page = ["# As served", "", "Every kind of query by the services' own code, in one process.", ""]
    return report, "\n".join(page + kind_lines(report["kinds"]))


def faces(given: Given) -> Made:
    """How much a face counts as it is blurred and turns away, alone and in whole tracklets."""
    folders = [film.path.parent for film in given.films]
    report = asyncio.run(measure_faces(folders, given.pack.directory, None, THREADS))
    report = with_tracklets(report, folders, [given.appearances], given.pack, None)
    return rounded(report), page_of_faces(report)


def _figures(kinds: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What claims look for: see `evaluation.index.extra`."""
    figures: dict[str, dict[str, Any]] = {}
    for kind, told in kinds.items():
        error = told["intervals"].get("calibration_error", {})
        figures[f"calibration_error.{kind}"] = {"value": told["calibration_error"], **error}
        low, high = told["open_set"]["share_interval"] or (None, None)
        figures[f"open_set_share.{kind}"] = {"value": told["open_set"]["share"], "low": low, "high": high}
    return figures


# Known by name; the report has each in this order, behind what is built in.
EXTRAS: Mapping[str, Extra] = {"served": served, "faces": faces}
