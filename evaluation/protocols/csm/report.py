"""The result file and the page of the protocol `csm`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evaluation.groups import group_cells
from evaluation.metrics.bootstrap import Estimate
from evaluation.metrics.cast_search import TOP
from evaluation.page import between, shown, table_lines
from evaluation.plots.svg import Bar, bar_plot
from evaluation.protocols.csm.besides import Besides
from evaluation.protocols.csm.clothes import ClothesFigures
from evaluation.protocols.csm.figures import CastFigures, gain_over
from evaluation.protocols.csm.kinds import kind_facts, kind_lines
from evaluation.protocols.csm.table import CsmResult, TableRow
from evaluation.report import estimate_facts, interval_facts, now, rounded

__all__ = ["page_of_csm", "plots_of_csm", "report_of_csm"]

SCHEMA = "personsearch-protocols/1"
# Name of the fixed fusion that every other is compared with.
AVERAGE = "average"
CLOTHES = ("same_linked", "uniform_linked", "uniform_of_links", "strangers_of_links")


def report_of_csm(result: CsmResult, setting: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result file's content."""
    besides = result.besides
    report: dict[str, Any] = {"schema": SCHEMA, "protocol": "csm", "time": now(), "data": result.search.name}
    report |= {
        "map_all": {
            "face_only": _map(result.face_only.across),
            "full": _map(result.full.across),
            "gain": result.gain.value,
            "chance": _map(result.rows[0].across),
        },
        "intervals": {
            "map_all.face_only": interval_facts(result.face_only.across.mean_average_precision),
            "map_all.full": interval_facts(result.full.across.mean_average_precision),
            "map_all.gain": interval_facts(result.gain),
        },
        "full": {"step": result.full.step, "fuser": result.full.fuser, "way": result.full.way},
        "films": {film: _film(*figures) for film, figures in result.films.items()},
        "table": [_row(row) for row in result.rows],
        "over_average": _over_average(result.rows),
        "faceless": None,
        "kinds": _kinds(besides),
        "kinds_as_served": _kinds(result.served),
        "body_links": None if result.clothes is None else _clothes(result.clothes),
        "face_weights": {name: [asdict(one) for one in found] for name, found in result.face_weights.items()},
        "by_group": besides.by_group,
        "counts": _counts(result),
        "setting": dict(setting),
    }
    if besides.faceless:
        names = ("r_precision", "recall_at_50", "mean_average_precision")
        figures = {name: estimate_facts(getattr(besides.faceless, name)) for name in names}
        chances = dict(zip(names, besides.faceless.chance, strict=True))
        report["faceless"] = figures | {"chance": chances, "tracklets": besides.faceless.tracklets}
    told: dict[str, Any] = rounded(report)
    return told


def page_of_csm(report: Mapping[str, Any], plots: Mapping[str, str] | None = None) -> str:
    """Write a report as a page."""
    counts, whole = report["counts"], report["full"]
    lines = [
        "# Protocol `csm`",
        "",
        f"{report['data']}: {counts['tracklets']} tracklets of {counts['people']} people and others, "
        f"{counts['portraits']} portraits. {report['time']}. The definitions are in docs/evaluation.md.",
        "",
        f"The whole system is {whole['step']} by {whole['fuser']} with {whole['way']}.",
        "",
    ]
    heads = ("modalities", "fusion", "propagation", "IN mAP", "R@1", "R@3", "R@5", "ACROSS mAP", "R@1", "R@3", "R@5")
    lines += table_lines(heads, [_cells(row) for row in report["table"]])
    over = [(one["fuser"], one["way"], between(one)) for one in report["over_average"]]
    lines += table_lines(("fusion", "propagation", "ACROSS mAP over the average (95 %)"), over) if over else []
    films = [
        (name, *_maps(one), between(one["gain"]), shown(one["map_all"]["chance"]))
        for name, one in report["films"].items()
    ]
    lines += table_lines(("film", "face only (95 %)", "full (95 %)", "gain (95 %)", "chance"), films)
    lines += (
        _faceless_lines(report)
        + kind_lines(report["kinds"] | {f"{kind}, as served": told for kind, told in report["kinds_as_served"].items()})
        + _clothes_lines(report)
    )
    lines += _weight_lines(report) + _group_lines(report)
    lines += [line for caption, path in (plots or {}).items() for line in (f"![{caption}]({path})", "")]
    return "\n".join(lines)


def plots_of_csm(report: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Draw the table across films and the groups; return captions and file names."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = report["map_all"]["chance"]
    rows = [
        Bar(
            " ".join(str(row[name]) for name in ("step", "fuser", "way")),
            row["across"]["map"],
            (row["across"]["low"], row["across"]["high"]),
            chance,
        )
        for row in report["table"]
    ]
    groups = [
        Bar(
            f"{kind}, {grouping}: {name} ({facts['identities']})",
            facts["mean"],
            (facts["low"], facts["high"]),
            facts["chance"],
        )
        for kind, groupings in report["by_group"].items()
        for grouping, found in groupings.items()
        for name, facts in sorted(found.items())
    ]
    made = {
        "mAP across films; red: chance": ("csm_across.svg", bar_plot("mAP across films; red: chance", rows)),
        "mAP of the whole system by group": ("csm_groups.svg", bar_plot("mAP by group (people); red: chance", groups)),
    }
    for name, drawing in made.values():
        (folder / name).write_text(drawing, encoding="utf-8")
    return {caption: name for caption, (name, _) in made.items()}


def _film(face_only: CastFigures, full: CastFigures, gain: Estimate, blind: CastFigures) -> dict[str, Any]:
    return {
        "map_all": {"face_only": _map(face_only), "full": _map(full), "gain": gain.value, "chance": _map(blind)},
        "intervals": {
            "map_all.face_only": interval_facts(face_only.mean_average_precision),
            "map_all.full": interval_facts(full.mean_average_precision),
        },
        "gain": estimate_facts(gain),
        "falls_short": gain.interval[1] < 0.0,
    }


def _over_average(rows: Sequence[TableRow]) -> list[dict[str, Any]]:
    """What each fuser gains over the fixed average across films, query by query, with all modalities."""
    whole = [row for row in rows if row.step == rows[-1].step]
    fixed = {row.way: row.across for row in whole if row.fuser == AVERAGE}
    return [
        {"step": row.step, "fuser": row.fuser, "way": row.way, **estimate_facts(gain_over(row.across, fixed[row.way]))}
        for row in whole
        if row.way in fixed and row.fuser != AVERAGE
    ]


def _maps(film: Mapping[str, Any]) -> list[str]:
    """Face only and full of one film, in cells."""
    names = ("face_only", "full")
    return [between({"value": film["map_all"][name], **film["intervals"][f"map_all.{name}"]}) for name in names]


def _row(row: TableRow) -> dict[str, Any]:
    figures = {name: _cast(getattr(row, name)) for name in ("within", "across")}
    return {"step": row.step, "fuser": row.fuser, "way": row.way, **figures}


def _cast(figures: CastFigures) -> dict[str, Any]:
    low, high = figures.mean_average_precision.interval
    tops = {f"top_{k}": figures.top[k].value for k in TOP}
    intervals = {f"top_{k}": interval_facts(figures.top[k]) for k in TOP}
    return {"map": _map(figures), "low": low, "high": high, **tops, "intervals": intervals}


def _clothes(figures: ClothesFigures) -> dict[str, Any]:
    found = {name: getattr(figures, name) for name in CLOTHES}
    told: dict[str, Any] = {name: None if one is None else estimate_facts(one) for name, one in found.items()}
    return told | {"links": figures.links}


def _kinds(besides: Besides) -> dict[str, Any]:
    voices = {"voice": kind_facts(besides.voice)} if besides.voice else {}
    return {"portrait": kind_facts(besides.portrait)} | voices


def _map(figures: CastFigures) -> float:
    return figures.mean_average_precision.value


def _counts(result: CsmResult) -> dict[str, int]:
    tracklets = result.search.tracklets
    return {
        "films": len(set(tracklets.movies)),
        "people": len({name for name in tracklets.identities if name}),
        "tracklets": int(tracklets.on_screen.sum()),
        "tracklets_of_somebody": sum(
            name is not None and bool(seen)
            for name, seen in zip(tracklets.identities, tracklets.on_screen, strict=True)
        ),
        "speech_alone": int((~tracklets.on_screen).sum()),
        "portraits": len(result.search.portraits),
        "voices": 0 if result.search.voices is None else len(result.search.voices),
    }


def _cells(row: Mapping[str, Any]) -> list[str]:
    cells = [str(row[name]) for name in ("step", "fuser", "way")]
    for name in ("within", "across"):
        figures = row[name]
        cells.append(f"{figures['map']:.3f} ({figures['low']:.3f} to {figures['high']:.3f})")
        cells += [shown(figures[f"top_{k}"]) for k in TOP]
    return cells


def _faceless_lines(report: Mapping[str, Any]) -> list[str]:
    told = report["faceless"]
    if told is None:
        return ["No tracklet of anybody asked for is without a visible face.", ""]
    rows = [(name, between(told[name]), shown(chance)) for name, chance in told["chance"].items()]
    heads = (f"tracklets without a visible face ({told['tracklets']})", "value (95 %)", "chance")
    return table_lines(heads, rows)


def _clothes_lines(report: Mapping[str, Any]) -> list[str]:
    told = report["body_links"]
    if told is None:
        return []
    rows = [(f"`{name}`", "-" if told[name] is None else between(told[name])) for name in CLOTHES]
    return table_lines((f"body links ({told['links']})", "share (95 % over films)"), rows)


def _weight_lines(report: Mapping[str, Any]) -> list[str]:
    rows = [
        (name, f"{one['least']:.2f} to {one['most']:.2f}", one["tracklets"], f"{one['weight']:.3f}")
        for name, found in report["face_weights"].items()
        for one in found
    ]
    return table_lines(("fusion", "quality of the face", "tracklets", "mean weight of the face"), rows) if rows else []


def _group_lines(report: Mapping[str, Any]) -> list[str]:
    rows = [
        (kind, f"{grouping}: {name}", *group_cells(facts))
        for kind, groupings in report["by_group"].items()
        for grouping, found in groupings.items()
        for name, facts in sorted(found.items())
    ]
    return table_lines(("query", "group", "mAP (95 %)", "chance", "people"), rows)
