"""Figures beside each other by apparent age, skin and sex, so that a mean cannot hide whom it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["GROUPINGS", "group_means"]


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
    per_identity: Mapping[str, float], attributes: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, dict[str, float]]]:
    """Map each grouping to its groups, and each group to the mean of its identities and how many they are."""
    found: dict[str, dict[str, list[float]]] = {name: {} for name in GROUPINGS}
    for identity, value in per_identity.items():
        for name, group_of in GROUPINGS.items():
            if name in attributes.get(identity, {}):
                found[name].setdefault(group_of(attributes[identity]), []).append(value)
    return {
        name: {group: {"mean": float(np.mean(values)), "identities": len(values)} for group, values in groups.items()}
        for name, groups in found.items()
    }
