"""The result file and the page of the protocol `iqiyi`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluation.groups import group_means
from evaluation.page import table_lines
from evaluation.plots.svg import Bar, bar_plot
from evaluation.protocols.iqiyi.table import IqiyiResult
from evaluation.report import interval_facts, now, rounded

__all__ = ["page_of_iqiyi", "plots_of_iqiyi", "report_of_iqiyi"]

SCHEMA = "personsearch-protocols/1"


def report_of_iqiyi(
    result: IqiyiResult, attributes: Mapping[str, Mapping[str, Any]], setting: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the result file's content; groups are those of the last row."""
    rows = [
        {
            "name": row.name,
            "fuser": row.fuser,
            "map": row.mean_average_precision.value,
            **interval_facts(row.mean_average_precision),
        }
        for row in result.rows
    ]
    report: dict[str, Any] = {"schema": SCHEMA, "protocol": "iqiyi", "time": now(), "data": result.data.name}
    report |= {
        "table": rows,
        "not_given": list(result.not_given),
        "by_group": group_means(result.rows[-1].per_identity, attributes, result.rows[0].per_identity),
        "counts": result.counts,
        "setting": dict(setting),
    }
    told: dict[str, Any] = rounded(report)
    return told


def page_of_iqiyi(report: Mapping[str, Any], plots: Mapping[str, str] | None = None) -> str:
    """Write a report as a page."""
    counts = report["counts"]
    lines = [
        "# Protocol `iqiyi`",
        "",
        f"{report['data']}: {counts['people']} people, {counts['train_clips']} training clips, "
        f"{counts['test_clips']} test clips of which {counts['distractors']} are distractors. {report['time']}. "
        "The definitions are in docs/evaluation.md.",
        "",
    ]
    rows = [
        (row["name"], row["fuser"], f"{100 * row['map']:.2f}", f"{100 * row['low']:.2f} to {100 * row['high']:.2f}")
        for row in report["table"]
    ]
    lines += table_lines(("features", "fusion", "MAP@100, %", "95 % over people"), rows)
    lines += [f"No network was given for the rows {', '.join(report['not_given'])}.", ""] if report["not_given"] else []
    lines += [line for caption, path in (plots or {}).items() for line in (f"![{caption}]({path})", "")]
    return "\n".join(lines)


def plots_of_iqiyi(report: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Draw every row; return captions and file names."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = report["table"][0]["map"]
    bars = [
        Bar(f"{row['name']} ({row['fuser']})", row["map"], (row["low"], row["high"]), chance)
        for row in report["table"][1:]
    ]
    caption = "MAP@100; red: a random ranking"
    (folder / "iqiyi.svg").write_text(bar_plot(caption, bars), encoding="utf-8")
    return {caption: "iqiyi.svg"}
