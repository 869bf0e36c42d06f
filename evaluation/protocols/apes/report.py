"""The result file and the page of the protocol `apes`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluation.metrics.video_search import FIGURES
from evaluation.page import table_lines
from evaluation.plots.svg import Bar, bar_plot
from evaluation.protocols.apes.table import TASKS, ApesResult
from evaluation.report import interval_facts, now, rounded

__all__ = ["page_of_apes", "plots_of_apes", "report_of_apes"]

SCHEMA = "personsearch-protocols/1"
HEADS = {name: name.upper().replace("_", "@") if name != "map" else "mAP" for name in FIGURES}


def report_of_apes(result: ApesResult, setting: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result file's content."""
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
    report |= {"table": rows, "counts": {task: dict(found) for task, found in result.counts.items()}}
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


def _cells(row: Mapping[str, Any]) -> list[str]:
    told = row["intervals"]["map"]
    figures = [f"{100 * row[name]:.1f}" for name in HEADS]
    return [row["model"], row["sampling"], *figures, f"{100 * told['low']:.1f} to {100 * told['high']:.1f}"]
