"""CSM on affinities that somebody has computed: the rows of PPCC's own table, and ours on the same matrices.

Source: `matching.py` and `propagation.py` of the published code (methods.md 1.3, 1.6): faces link cast and tracklets,
bodies link tracklets; `v` are means over frame pairs (visual link), `vt` the best pair along the temporal link.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.datasets.errors import DataError
from evaluation.datasets.ppcc import AffinityMovie, Link, load_across, load_within
from evaluation.metrics import cast_search
from evaluation.metrics.cast_search import TOP, Pool
from evaluation.page import shown, table_lines
from evaluation.protocols.csm.figures import CastFigures, figures_of
from evaluation.report import interval_facts, now, rounded
from packs.arrays import F64
from services.search.propagation.consensus import Consensus, propagate
from services.search.propagation.diffusion import diffuse
from services.search.propagation.graph import Graph

__all__ = ["AffinityRow", "page_of_affinities", "report_of_affinities", "run_affinities"]

SCHEMA = "personsearch-protocols/1"
# Share of the face in the published average.
FACE_SHARE = 0.8

Score = Callable[[AffinityMovie], F64]


def _graph(movie: AffinityMovie, link: str) -> Graph:
    how: Link = "max" if link == "vt" else "mean"
    # Cosines below 0 say no more than 0: no chain of evidence runs along them.
    return Graph.of(movie.direct("face", how), np.maximum(movie.links("body", how), 0.0))


ROWS: Mapping[str, Score] = {
    "random": lambda movie: np.zeros((len(movie.cast), len(movie.labels))),
    "FACE": lambda movie: movie.direct("face", "mean"),
    "IDE": lambda movie: movie.direct("body", "mean"),
    "FACE+IDE": lambda movie: (
        FACE_SHARE * movie.direct("face", "mean") + (1 - FACE_SHARE) * movie.direct("body", "mean")
    ),
    "max(FACE, IDE)": lambda movie: np.maximum(movie.direct("face", "mean"), movie.direct("body", "mean")),
    "LP": lambda movie: diffuse(_graph(movie, "v")),
    "PPCC-v": lambda movie: propagate(_graph(movie, "v"), Consensus(published=True)),
    "PPCC-vt": lambda movie: propagate(_graph(movie, "vt"), Consensus(published=True)),
    "clamped consensus, v": lambda movie: propagate(_graph(movie, "v")),
    "clamped consensus, vt": lambda movie: propagate(_graph(movie, "vt")),
}


@dataclass(frozen=True, slots=True)
class AffinityRow:
    """One row: figures with intervals, and the mAP of the published code, `others` counted as a query."""

    name: str
    within: CastFigures
    across: CastFigures
    within_published: float
    across_published: float


def run_affinities(data: Path, say: Callable[[str], None]) -> list[AffinityRow]:
    """Measure every row whose matrices are there. Raises DataError when a folder has none, or is broken."""
    movies, across = load_within(data), load_across(data)
    rows: list[AffinityRow] = []
    lacking: list[DataError] = []
    for name, score in ROWS.items():
        try:
            pools = {movie.name: _pool(movie, score) for movie in movies.values()}
            whole = _pool(across, score)
        except DataError as error:
            # Whoever has no bodies can still have the row of faces; a broken matrix is told below all the same.
            if "is not there" not in str(error):
                raise
            lacking.append(error)
            say(f"{name}: left out, {error}")
            continue
        rows.append(
            AffinityRow(
                name,
                figures_of({movie: [pool] for movie, pool in pools.items()}),
                figures_of({"": [whole]}),
                cast_search.within(pools)["map_published"],
                cast_search.across(whole)["map_published"],
            )
        )
        say(f"{name}: done")
    if len(rows) < 2:
        raise lacking[0]
    return rows


def report_of_affinities(rows: Sequence[AffinityRow], data: Path) -> dict[str, Any]:
    """Return the result file's content."""
    table = [
        {
            "name": row.name,
            "within": _cast(row.within) | {"map_published": row.within_published},
            "across": _cast(row.across) | {"map_published": row.across_published},
        }
        for row in rows
    ]
    report: dict[str, Any] = {"schema": SCHEMA, "protocol": "csm", "time": now(), "data": str(data), "table": table}
    told: dict[str, Any] = rounded(report)
    return told


def page_of_affinities(report: Mapping[str, Any]) -> str:
    """Write a report as a page."""
    head = f"{report['data']}, affinities as given. {report['time']}. The definitions are in docs/evaluation.md."
    columns = ("mAP (95 %)", "mAP, published", "R@1", "R@3", "R@5")
    heads = ("method", *(f"{where} {name}" for where in ("IN", "ACROSS") for name in columns))
    rows = [[row["name"], *_cells(row["within"]), *_cells(row["across"])] for row in report["table"]]
    return "\n".join(["# Protocol `csm`", "", head, "", *table_lines(heads, rows)])


def _pool(movie: AffinityMovie, score: Score) -> Pool:
    return Pool(score(movie), movie.cast, movie.labels)


def _cast(figures: CastFigures) -> dict[str, Any]:
    mean = figures.mean_average_precision
    return {"map": mean.value, **interval_facts(mean), **{f"top_{k}": figures.top[k].value for k in TOP}}


def _cells(told: Mapping[str, Any]) -> list[str]:
    mean = f"{told['map']:.3f} ({told['low']:.3f} to {told['high']:.3f})"
    return [mean, shown(told["map_published"]), *(shown(told[f"top_{k}"]) for k in TOP)]
