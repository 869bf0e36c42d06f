"""The result file and the page of the protocol `apes`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluation.groups import group_cells, group_means
from evaluation.metrics.video_search import FIGURES
from evaluation.page import table_lines
from evaluation.plots.svg import Bar, bar_plot
from evaluation.protocols.apes.table import TASKS, ApesResult
from evaluation.report import interval_facts, now, rounded

__all__ = ["page_of_apes", "plots_of_apes", "report_of_apes"]

SCHEMA = "personsearch-protocols/1"
HEADS = {name: name.upper().replace("_", "@") if name != "map" else "mAP" for name in FIGURES}


def report_of_apes(
    result: ApesResult, setting: Mapping[str, Any], attributes: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Return the result file's content; groups are by what is known of the people."""
    rows = [
        {
            "task": row.task,
            "model": row.model,
            "sampling": row.sampling,
            **{name: figure.value for name, figure in row.figures.items()},
            "intervals": {name: interval_facts(figure) for name, figure in row.figures.items()},
        }
        for row in result.rows
    ]
    report: dict[str, Any] = {"schema": SCHEMA, "protocol": "apes", "time": now(), "data": result.name}
    report |= {
        "table": rows,
        "by_group": _groups(result, attributes or {}),
        "counts": {task: dict(found) for task, found in result.counts.items()},
    }
    told: dict[str, Any] = rounded(report | {"setting": dict(setting)})
    return told


def page_of_apes(report: Mapping[str, Any], plots: Mapping[str, str] | None = None) -> str:
    """Write a report as a page, a table for each task."""
    head = f"{report['data']}. {report['time']}. The definitions are in docs/evaluation.md."
    lines = ["# Protocol `apes`", "", head, ""]
    for task in TASKS:
        if task in report["counts"]:
            counts = report["counts"][task]
            of = f"{counts['tracklets']} tracklets of {counts['people']} people in {counts['videos']} videos"
            lines += [f"## {task.capitalize()}: {of}", ""]
            rows = [_cells(row) for row in report["table"] if row["task"] == task]
            lines += table_lines(("model", "sampling", *HEADS.values(), "mAP, 95 % over videos"), rows)
    lines += _group_lines(report)
    lines += [line for caption, path in (plots or {}).items() for line in (f"![{caption}]({path})", "")]
    return "\n".join(lines)


def plots_of_apes(report: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Draw the mAP of every row; return captions and file names."""
    folder.mkdir(parents=True, exist_ok=True)
    chances = {row["task"]: row["map"] for row in report["table"] if row["model"] == "random"}
    bars = [
        Bar(
            f"{row['task']}: {row['model']}, {row['sampling']}",
            row["map"],
            (row["intervals"]["map"]["low"], row["intervals"]["map"]["high"]),
            chances[row["task"]],
        )
        for row in report["table"]
        if row["model"] != "random"
    ]
    caption = "mAP within videos; red: a random ranking"
    (folder / "apes.svg").write_text(bar_plot(caption, bars), encoding="utf-8")
    return {caption: "apes.svg"}


def _groups(result: ApesResult, attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Of each task the first row that joins face and voice, or that of faces."""
    groups = {}
    for task in result.counts:
        rows = [row for row in result.rows if row.task == task]
        told = next((row for row in rows if task != "seen" and row.model.startswith("cross-modal")), rows[:2][-1])
        facts = group_means(told.per_identity, attributes, rows[0].per_identity)
        groups[task] = {"model": told.model, "sampling": told.sampling, "groups": facts}
    return groups


def _group_lines(report: Mapping[str, Any]) -> list[str]:
    rows = [
        (task, f"{told['model']}, {told['sampling']}", f"{grouping}: {name}", *group_cells(facts))
        for task, told in report["by_group"].items()
        for grouping, found in told["groups"].items()
        for name, facts in sorted(found.items())
    ]
    return table_lines(("task", "model", "group", "AP (95 %)", "chance", "people"), rows) if rows else []


def _cells(row: Mapping[str, Any]) -> list[str]:
    told = row["intervals"]["map"]
    figures = [f"{100 * row[name]:.1f}" for name in HEADS]
    return [row["model"], row["sampling"], *figures, f"{100 * told['low']:.1f} to {100 * told['high']:.1f}"]
