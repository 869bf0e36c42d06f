"""The ablation in the form of the papers' tables: modalities by fusers by ways, within films and across them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evaluation.datasets.tracklets import CastSearch, Flags, Tracklets
from evaluation.fusers.fuser import Fuser
from evaluation.metrics.bootstrap import Estimate
from evaluation.protocols.csm.bench import FusedSearch, steps_of
from evaluation.protocols.csm.besides import Asked, Besides, besides_of, heard_pool
from evaluation.protocols.csm.clothes import ClothesFigures, clothes_figures
from evaluation.protocols.csm.face_weights import FaceWeight, Weighs, face_weights
from evaluation.protocols.csm.figures import CastFigures, gain_over, mean_of
from evaluation.protocols.ways import BASELINE, NONE, WAYS
from services.search.settings import SearchSettings

__all__ = ["FULL_FUSER", "FULL_WAY", "CsmResult", "TableRow", "run_csm"]

# The whole system, chosen on the development films 9601 to 9605 alone (docs/evaluation.md).
FULL_FUSER, FULL_WAY = "late fusion", "consensus"
# What the product answers with: these scores are probabilities, so calibration is measured of them.
SERVED_WAY = "chains"


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: `step` as `+ voice` says that the modalities of the steps before take part too."""

    step: str
    fuser: str
    way: str
    within: CastFigures
    across: CastFigures


@dataclass(frozen=True, slots=True)
class CsmResult:
    """What was measured.

    Attributes:
        search: On what.
        rows: The table; the first is a random ranking.
        face_only: The row that the whole system is compared with: portraits' own matches of faces.
        full: The whole system.
        gain: Full less face only, across, query by query.
        films: Of each film: face only, full, gain, and a random ranking, within it.
        besides: Of the whole system.
        served: Of chains along the links that the product follows: these scores are probabilities.
        face_weights: Of each fuser that says them.
        clothes: Of links by body alone, by the fuser of the whole system; None where no truth says what is worn.
    """

    search: CastSearch
    rows: Sequence[TableRow]
    face_only: TableRow
    full: TableRow
    gain: Estimate
    films: Mapping[str, tuple[CastFigures, CastFigures, Estimate, CastFigures]]
    besides: Besides
    served: Besides
    face_weights: Mapping[str, Sequence[FaceWeight]]
    clothes: ClothesFigures | None


def run_csm(
    search: CastSearch,
    fusers: Sequence[Fuser],
    heard: Fuser,
    say: Callable[[str], None],
    full: tuple[str, str] = (FULL_FUSER, FULL_WAY),
) -> CsmResult:
    """Measure everything.

    Args:
        search: People and tracklets.
        fusers: Ways to fuse; the first is used where only faces take part.
        heard: What matches voice clips, for who is heard.
        say: Receives lines of progress.
        full: Fuser and way of the whole system.

    Raises:
        ValueError: If a portrait finds nobody at all, or the whole system is not among the rows.
    """
    steps = steps_of(search.tracklets)
    blind = FusedSearch(search, fusers[0], next(iter(steps.values())))
    rows = [TableRow("random", "-", "-", blind.chance(within=True), blind.chance(within=False))]
    whole: FusedSearch | None = None
    for place, (step, modalities) in enumerate(steps.items()):
        for fuser in fusers:
            one = FusedSearch(search, fuser, modalities)
            ways = [way for way in WAYS if way != BASELINE or place == len(steps) - 1]
            rows += [TableRow(step, fuser.name, way, one.within(way), one.across(way)) for way in ways]
            say(f"{step}, {fuser.name}: done")
            if place == len(steps) - 1 and fuser.name == full[0]:
                whole = one
    if whole is None or full[1] not in WAYS:
        names = [one.name for one in fusers]
        raise ValueError(f"got {full} for the whole system, expected one of {names} and one of {[*WAYS]}")
    face_only = _row(rows, next(iter(steps)), full[0], NONE)
    best = _row(rows, list(steps)[-1], *full)
    besides = _besides(whole, heard, full[1])
    as_served = FusedSearch(search, whole.fuser, whole.modalities, SearchSettings().min_edge_probability)
    served = _besides(as_served, heard, SERVED_WAY)
    gain = gain_over(best.across, face_only.across)
    clothes = clothes_figures(search.tracklets, whole.fuser)
    weights = {one.name: face_weights(one, search.tracklets) for one in fusers if isinstance(one, Weighs)}
    films = _films(face_only, best, rows[0])
    return CsmResult(search, rows, face_only, best, gain, films, besides, served, weights, clothes)


def _besides(whole: FusedSearch, heard: Fuser, way: str) -> Besides:
    search = whole.search

    def asked(queries: Tracklets, fuser: Fuser, pool: Flags) -> Asked:
        return Asked(whole.alone(way, queries, fuser), whole.strangers(way, queries, fuser, pool))

    voices = None if search.voices is None else asked(search.voices, heard, heard_pool(search.tracklets))
    return besides_of(search, asked(search.portraits, whole.fuser, search.tracklets.on_screen), voices)


def _row(rows: Sequence[TableRow], step: str, fuser: str, way: str) -> TableRow:
    return next(row for row in rows if (row.step, row.fuser, row.way) == (step, fuser, way))


def _films(
    face_only: TableRow, full: TableRow, blind: TableRow
) -> dict[str, tuple[CastFigures, CastFigures, Estimate, CastFigures]]:
    films = sorted({film for film, _ in full.within.precisions})
    return {film: (*_of_film(face_only.within, full.within, film), _part(blind.within, film)) for film in films}


def _of_film(base: CastFigures, ours: CastFigures, film: str) -> tuple[CastFigures, CastFigures, Estimate]:
    one, other = (_part(figures, film) for figures in (base, ours))
    return one, other, gain_over(other, one)


def _part(figures: CastFigures, film: str) -> CastFigures:
    kept = {query: value for query, value in figures.precisions.items() if query[0] == film}
    return CastFigures(mean_of(kept), {}, kept)
