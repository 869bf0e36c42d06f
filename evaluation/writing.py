"""Writes the results of a measurement: JSON, a page, plots."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from evaluation.page import page_of_report
from evaluation.plots.charts import write_plots
from evaluation.protocols.spine import SpineResult

__all__ = ["end_if_broken", "write_results"]


def write_results(
    result: SpineResult,
    report: Mapping[str, Any],
    json_path: Path | None = None,
    markdown_path: Path | None = None,
    plots: Path | None = None,
) -> str:
    """Write what is asked for and return the page."""
    pictures: dict[str, str] = {}
    if plots is not None:
        start = markdown_path.parent if markdown_path else plots
        made = write_plots(result, report, plots)
        pictures = {caption: os.path.relpath(plots / name, start) for caption, name in made.items()}
    page = page_of_report(report, pictures)
    for path, text in ((json_path, json.dumps(report, indent=2) + "\n"), (markdown_path, page)):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return page


def end_if_broken(report: Mapping[str, Any], *, require: bool) -> None:
    """Name each requirement that does not hold; with `require`, end with the exit status 1 when there is one."""
    failed = [name for name, holds in report["requirements"].items() if not holds]
    for name in failed:
        typer.secho(f"does not hold: {name}", err=True, fg="red")
    if failed and require:
        raise typer.Exit(1)
