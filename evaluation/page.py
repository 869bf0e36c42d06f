"""A result file as a page for people (Markdown)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evaluation.groups import group_cells
from evaluation.headline import BOUNDS

__all__ = ["between", "page_of_report", "shown", "table_lines"]

SIDE = (
    "tracklet_precision",
    "rank_1",
    "precision_at_0_5",
    "recall_at_0_5",
    "calibration_error",
    "calibration_error_likely",
    "voice_map_moments",
    "voice_rank_1",
    "voice_calibration_error",
    "voice_calibration_error_likely",
    "off_screen_speech_returned",
    "off_screen_speech_span_iou",
    "speech_recall",
    "speech_precision",
    "speech_link_on_screen",
    "speech_link_off_screen",
    "dubbed_speech_alone",
)


def page_of_report(report: Mapping[str, Any], plots: Mapping[str, str] | None = None) -> str:
    """Write a report as a page; `plots` maps captions to paths of pictures, relative to the page."""
    parts = [
        ["# Protocol `spine`", "", _setting(report)],
        _headline(report),
        _side(report),
        _films(report),
        _groups(report),
        _queries(report),
        table_lines(("count", "value"), report["counts"].items()),
    ]
    if plots:
        parts.append([line for caption, path in plots.items() for line in (f"![{caption}]({path})", "")])
    return "\n".join("\n".join(part).rstrip() + "\n" for part in parts)


def _setting(report: Mapping[str, Any]) -> str:
    setting, counts = report["setting"], report["counts"]
    pack = setting["pack"]
    films = f"{counts['films']} films, {counts['identities']} people, {counts['truth_tracklets']} truth tracklets"
    return (
        f"{films}. Pack {pack['name']} {pack['version']} ({pack['digest'][:12]}), inference {setting['inference']}, "
        f"{setting['cpus']} CPUs, {report['time']}. The definitions are in docs/evaluation.md."
    )


def _headline(report: Mapping[str, Any]) -> list[str]:
    asked: dict[str, list[str]] = {}
    for name, sign, bound in BOUNDS:
        asked.setdefault(name, []).append(f"{sign} {bound}")
    names = list(dict.fromkeys([*report["intervals"], *asked]))
    rows = []
    for name in names:
        told = report["intervals"].get(name)
        between = f"{shown(told['low'])} to {shown(told['high'])} ({told['count']} {told['drawn']})" if told else ""
        broken = [text for text in asked.get(name, ()) if not report["requirements"][f"{name} {text}"]]
        wanted = ", ".join(asked.get(name, ())) + (" **does not hold**" if broken else "")
        rows.append((f"`{name}`", shown(report.get(name)), between, shown(report["chance"].get(name)), wanted))
    return table_lines(("figure", "value", "95 % interval (drawn)", "chance", "asked for"), rows)


def _side(report: Mapping[str, Any]) -> list[str]:
    rows = []
    for name in SIDE:
        told = report["side_intervals"].get(name)
        between = f"{shown(told['low'])} to {shown(told['high'])} ({told['count']} {told['drawn']})" if told else ""
        rows.append((f"`{name}`", shown(report[name]), between, shown(report["chance"].get(name))))
    return table_lines(("besides", "value", "95 % interval (drawn)", "chance"), rows)


def _films(report: Mapping[str, Any]) -> list[str]:
    cells = ("name", "duration_s", "ingest_s", "real_time_factor", "truth_tracklets", "covered", "switches")
    heads = ("film", "length, s", "ingest, s", "times real time", "truth", "covered", "switches")
    return table_lines(heads, ([shown(film[cell]) for cell in cells] for film in report["films"]))


def _groups(report: Mapping[str, Any]) -> list[str]:
    rows = [
        (f"`{figure}`", f"{grouping}: {name}", *group_cells(facts))
        for figure, groupings in report["by_group"].items()
        for grouping, groups in groupings.items()
        for name, facts in sorted(groups.items())
    ]
    return table_lines(("figure", "group", "mAP (95 %)", "chance", "identities"), rows)


def _queries(report: Mapping[str, Any]) -> list[str]:
    rows = [
        (
            kind,
            facts["asked"],
            facts["p50_ms"],
            facts["p95_ms"],
            facts["full"],
            len(facts["refused"]),
            facts["degraded"],
        )
        for kind, facts in report["queries"].items()
    ]
    heads = ("queries", "asked", "p50, ms", "p95, ms", "full answers", "refused", "degraded")
    lines = table_lines(heads, rows)
    for kind, facts in report["queries"].items():
        lines += [f"Refused {kind}: {name} ({reason})" for name, reason in facts["refused"].items()]
    cut = {name: facts["cut_off"] for name, facts in report["details"].items() if facts["cut_off"]}
    lines += [
        f"`{name}`: {count} wanted appearances may lie beyond full answers; they count as missed."
        for name, count in cut.items()
    ]
    return lines


def table_lines(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Write a Markdown table, with an empty line behind it."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows] + [""]


def between(told: Mapping[str, Any]) -> str:
    """Write a figure with its interval in a cell, of `value`, `low` and `high`."""
    return f"{told['value']:.3f} ({told['low']:.3f} to {told['high']:.3f})"


def shown(value: object) -> str:
    """Write a value in a cell."""
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
