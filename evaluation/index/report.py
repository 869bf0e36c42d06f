"""The report of the index: what is asked on top, then the pages of all steps, and one result file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.index.claim import Claim, claim_facts
from evaluation.index.kept import Made
from evaluation.page import table_lines
from evaluation.plots.svg import Bar, bar_plot
from evaluation.report import now, rounded

__all__ = ["page_of_index", "report_of_index", "write_index"]

SCHEMA = "personsearch-index/1"
# Of the result file, as in that of the protocol `csm`.
OF_CSM = ("map_all", "intervals", "films")
PLOT = "index.svg"


def report_of_index(
    claims: Sequence[Claim], made: Mapping[str, Made], gallery: Mapping[str, int], setting: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the result file's content: claims, the figures of `csm` at the top level, and every step's report."""
    report: dict[str, Any] = {"schema": SCHEMA, "protocol": "index", "time": now()}
    csm = made["csm"][0] if "csm" in made else {}
    report |= {name: csm[name] for name in OF_CSM if name in csm}
    report |= {
        "claims": [claim_facts(claim) for claim in claims],
        "requirements": {_title(claim): claim.holds for claim in claims if claim.holds is not None},
        "gallery": dict(gallery),
        "setting": dict(setting),
        "steps": {name: one for name, (one, _) in made.items()},
    }
    told: dict[str, Any] = rounded(report)
    return told


def page_of_index(report: Mapping[str, Any], made: Mapping[str, Made]) -> str:
    """Write the report as a page: the table of claims, and the page of each step one level below."""
    gallery, pack = report["gallery"], report["setting"].get("pack", {})
    failed = [name for name, holds in report["requirements"].items() if not holds]
    head = (
        f"{gallery['films']} films, {gallery['sharing']} of which share one cast. Pack {pack.get('name')} "
        f"{pack.get('version')} ({str(pack.get('digest'))[:12]}). {report['time']}. Intervals are 95 % bootstrap "
        "intervals; chance is that of a random ranking (of a random partition for identities). The definitions are in "
        "docs/evaluation.md."
    )
    told = "Everything that is asked holds." if not failed else f"Does not hold: {'; '.join(failed)}."
    lines = ["# The multimodality index", "", head, "", f"**{told}**", ""]
    heads = ("line", "figure", "value", "95 %", "chance", "asked for", "holds")
    lines += table_lines(heads, [_cells(claim) for claim in report["claims"]])
    lines += [f"![what is asked, with intervals; red: chance]({PLOT})", ""]
    for _, page in made.values():
        lines += [f"#{line}" if line.startswith("#") else line for line in page.splitlines()] + [""]
    return "\n".join(lines)


def write_index(
    folder: Path,
    claims: Sequence[Claim],
    made: Mapping[str, Made],
    gallery: Mapping[str, int],
    setting: Mapping[str, Any],
) -> dict[str, Any]:
    """Write report.json, report.md and the plot of the claims into a folder; returns the report."""
    folder.mkdir(parents=True, exist_ok=True)
    report = report_of_index(claims, made, gallery, setting)
    bars = [
        Bar(f"{claim.line}: {claim.name}"[:44], claim.value, (claim.low, claim.high), claim.chance)
        for claim in claims
        if claim.value is not None and claim.low is not None and claim.high is not None
    ]
    texts = {
        "report.json": json.dumps(report, indent=2) + "\n",
        "report.md": page_of_index(report, made),
        PLOT: bar_plot("what is asked of the index; red: chance", bars),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return report


def _title(claim: Claim) -> str:
    return f"{claim.line}: {claim.name} {claim.sign} {claim.bound:g}"


def _cells(claim: Mapping[str, Any]) -> list[str]:
    asked = "" if claim["sign"] is None else f"{claim['sign']} {claim['bound']:g}"
    between = "" if claim["low"] is None else f"{claim['low']:.3f} to {claim['high']:.3f}"
    holds = {None: "", True: "yes", False: "**no**"}[claim["holds"]]
    name = f"{claim['name']} ({claim['note']})" if claim["note"] else claim["name"]
    return [claim["line"], name, _number(claim["value"]), between, _number(claim["chance"], ""), asked, holds]


def _number(value: float | None, missing: str = "-") -> str:
    if value is None:
        return missing
    # Counts, and facts that are 1 or 0.
    return str(value) if isinstance(value, int) else f"{value:.3f}"
