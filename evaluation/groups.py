"""Figures beside each other by apparent age, skin and sex, so that a mean cannot hide whom it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from evaluation.metrics.bootstrap import estimate_mean

__all__ = ["GROUPINGS", "group_cells", "group_means"]


def _age_group(attributes: Mapping[str, Any]) -> str:
    age = float(attributes["apparent_age"])
    return "under 35" if age < 35 else "35 to 54" if age < 55 else "55 and over"


def _skin_group(attributes: Mapping[str, Any]) -> str:
    """Thirds of the generator's skin level, 0 the lightest and 1 the darkest."""
    level = float(attributes["skin"])
    return "light" if level < 1 / 3 else "medium" if level < 2 / 3 else "dark"


GROUPINGS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "apparent_age": _age_group,
    "skin": _skin_group,
    "sex": lambda attributes: str(attributes["sex"]),
}


def group_means(
    per_identity: Mapping[str, float],
    attributes: Mapping[str, Mapping[str, Any]],
    chance: Mapping[str, float] | None = None,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Map each grouping to its groups, and each group to the mean of its identities, with its interval over them.

    Args:
        per_identity: A figure of each identity.
        attributes: What is known of each.
        chance: The same figure of a random ranking; its mean stands beside each group's where it is given.

    Returns:
        Of each group `mean`, `low`, `high`, `identities`, and `chance`.
    """
    found: dict[str, dict[str, list[str]]] = {name: {} for name in GROUPINGS}
    for identity in per_identity:
        for name, group_of in GROUPINGS.items():
            if name in attributes.get(identity, {}):
                found[name].setdefault(group_of(attributes[identity]), []).append(identity)
    return {
        name: {group: _facts(members, per_identity, chance) for group, members in groups.items()}
        for name, groups in found.items()
    }


def group_cells(facts: Mapping[str, Any]) -> tuple[str, str, object]:
    """A group's facts in cells of a page: the mean with its interval, chance, and how many identities."""
    chance = facts.get("chance")
    value = f"{facts['mean']:.3f} ({facts['low']:.3f} to {facts['high']:.3f})"
    return value, "-" if chance is None else f"{chance:.3f}", facts["identities"]


def _facts(
    members: Sequence[str], per_identity: Mapping[str, float], chance: Mapping[str, float] | None
) -> dict[str, Any]:
    mean = estimate_mean([per_identity[one] for one in members])
    facts: dict[str, Any] = {"mean": mean.value, "low": mean.interval[0], "high": mean.interval[1]}
    blind = [] if chance is None else [chance[one] for one in members if one in chance]
    return facts | {"identities": len(members), "chance": float(np.mean(blind)) if blind else None}
