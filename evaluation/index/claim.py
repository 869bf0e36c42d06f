"""One figure with what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Claim", "claim_facts", "figure_at", "part_at"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One figure and what is asked of it.

    Attributes:
        line: Which line of the requirements it belongs to.
        name: Of the figure.
        value: None where it was not measured.
        sign: `>=`, `<=` or `>`; None where nothing is asked of it.
        bound: Likewise.
        low: Lower end of its 95 % interval; None where it is a count or a fact.
        high: Upper end.
        chance: Of a random ranking; None where nothing is ranked.
        note: What a reader must know, or where it is measured.
    """

    line: str
    name: str
    value: float | None
    sign: str | None = None
    bound: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether it holds; None where nothing is asked."""
        if self.sign is None or self.bound is None:
            return None
        if self.value is None:
            return False
        compared = {">=": self.value >= self.bound, "<=": self.value <= self.bound, ">": self.value > self.bound}
        return compared[self.sign]


def claim_facts(claim: Claim) -> dict[str, Any]:
    """A claim for the result file."""
    return asdict(claim) | {"holds": claim.holds}


def figure_at(report: Any, *path: str) -> dict[str, Any]:
    """`value`, `low` and `high` at a path of a report, as far as there are any."""
    found = part_at(report, *path)
    if isinstance(found, Mapping):
        return {name: found[name] for name in ("value", "low", "high", "chance") if name in found}
    return {"value": found}


def part_at(report: Any, *path: str) -> Any:
    """What stands at a path of a report; None where nothing does."""
    for key in path:
        report = report.get(key) if isinstance(report, Mapping) else None
    return report
