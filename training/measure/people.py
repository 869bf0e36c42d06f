"""Figures by what people look and sound like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def people_groups(people: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[np.bool_]]:
    """Split people by apparent age, skin and sex: bool[N] by name."""
    age = np.array([float(person["apparent_age"]) for person in people])
    skin = np.array([float(person["skin"]) for person in people])
    sex = np.array([str(person["sex"]) for person in people])
    masks = {
        "age_under_30": age < 30,
        "age_30_to_50": (age >= 30) & (age < 50),
        "age_50_and_over": age >= 50,
        "skin_light_third": skin < 1 / 3,
        "skin_middle_third": (skin >= 1 / 3) & (skin < 2 / 3),
        "skin_dark_third": skin >= 2 / 3,
    }
    return masks | {f"sex_{value}": sex == value for value in sorted(set(sex.tolist()))}
