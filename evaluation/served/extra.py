"""The product's own answers in the report of the index: each kind of query, and the links that searches follow."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from evaluation.datasets.store import read_search
from evaluation.datasets.tracklets import CastSearch
from evaluation.index.extra import Given
from evaluation.index.kept import Made
from evaluation.page import between, shown, table_lines
from evaluation.protocols.csm.besides import KindFigures
from evaluation.protocols.csm.clothes import ClothesFigures
from evaluation.report import estimate_facts
from evaluation.served.kinds import served_kinds
from evaluation.served.links import served_links
from evaluation.served.product import ServedGallery

__all__ = ["page_of_served", "report_of_served", "served_extra"]


def served_extra(given: Given) -> Made:
    """Ask every kind of query of the read-back, with and without its people, and look at the links."""
    search, _ = read_search(given.appearances)
    report = asyncio.run(_measured(search, given))
    return report, page_of_served(report)


async def _measured(search: CastSearch, given: Given) -> dict[str, Any]:
    whole = await ServedGallery.of(search.tracklets, given.pack)
    links = await served_links(whole)
    given.say("links: done")
    return report_of_served(await served_kinds(search, given.pack, given.say, whole=whole), links)


def report_of_served(kinds: Mapping[str, KindFigures], links: ClothesFigures | None) -> dict[str, Any]:
    """The figures by name, `MEASURE.KIND` each with its interval."""
    figures: dict[str, Any] = {}
    for kind, told in kinds.items():
        figures[f"map.{kind}"] = estimate_facts(told.mean_average_precision) | {"chance": told.chance}
        for name, error in (
            ("calibration_error", told.calibration_error),
            ("calibration_error_likely", told.calibration_error_likely),
        ):
            if error is not None:
                figures[f"{name}.{kind}"] = estimate_facts(error)
        found = told.open_set
        low, high = found.share_interval or (None, None)
        figures[f"open_set_share.{kind}"] = {"value": found.share, "low": low, "high": high}
        figures[f"found_at_1_percent.{kind}"] = estimate_facts(found.found)
        figures[f"rank_1.{kind}"] = estimate_facts(found.rank_1)
        figures[f"queries.{kind}"] = {"value": found.searches}
    if links is not None:
        for name in ("same_linked", "uniform_linked", "uniform_of_links", "strangers_of_links"):
            estimate = getattr(links, name)
            if estimate is not None:
                figures[f"{name}.links"] = estimate_facts(estimate)
    return {"figures": figures}


def page_of_served(report: Mapping[str, Any]) -> str:
    """The report for people, as Markdown."""
    rows = []
    for name, one in report["figures"].items():
        measure, _, kind = name.partition(".")
        figure = shown(one["value"]) if one.get("low") is None else between(one)
        rows.append((f"`{measure}`", kind, figure, shown(one.get("chance"))))
    return "\n".join(["# As served", "", *table_lines(("figure", "of", "value, 95 %", "chance"), rows)]) + "\n"
