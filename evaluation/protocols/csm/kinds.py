"""What a kind of query finds, for result files and pages: mAP, open set and calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluation.metrics.open_set import OpenSet
from evaluation.page import between, shown, table_lines
from evaluation.protocols.csm.besides import KindFigures
from evaluation.report import estimate_facts, interval_facts

__all__ = ["kind_facts", "kind_lines"]


def kind_facts(figures: KindFigures) -> dict[str, Any]:
    """What a result file has of a kind of query."""
    errors = {name: getattr(figures, name) for name in ("calibration_error", "calibration_error_likely")}
    return {
        "map": estimate_facts(figures.mean_average_precision),
        "chance": figures.chance,
        "open_set": _open(figures.open_set),
        **{name: None if one is None else one.value for name, one in errors.items()},
        "intervals": {name: interval_facts(one) for name, one in errors.items() if one is not None},
    }


def kind_lines(kinds: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A table of kinds of queries by name, for a page."""
    rows = [
        (
            kind,
            between(told["map"]),
            shown(told["chance"]),
            between(told["open_set"]["found"]),
            between(told["open_set"]["rank_1"]),
            shown(told["open_set"]["chance"]),
            _share(told["open_set"]),
            *(_error(told, name) for name in ("calibration_error", "calibration_error_likely")),
        )
        for kind, told in kinds.items()
    ]
    heads = ("query", "mAP", "chance", "found at FPIR 1 %", "rank 1", "chance", "share", "ECE", "ECE of 0.1 or more")
    return table_lines(heads, rows)


def _open(found: OpenSet) -> dict[str, Any]:
    return {
        "found": estimate_facts(found.found),
        "rank_1": estimate_facts(found.rank_1),
        "share": found.share,
        "share_interval": None if found.share_interval is None else list(found.share_interval),
        "chance": found.chance,
        "threshold": found.threshold,
        "searches": found.searches,
    }


def _share(found: Mapping[str, Any]) -> str:
    if found["share"] is None:
        return "-"
    low, high = found["share_interval"]
    return f"{found['share']:.3f} ({low:.3f} to {high:.3f})"


def _error(told: Mapping[str, Any], name: str) -> str:
    return "-" if told[name] is None else between({"value": told[name], **told["intervals"][name]})
