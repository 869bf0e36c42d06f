"""What the renderer knows of a dressed person, as numbers that a body encoder can be asked to read off a crop.

As `traits` for faces, but of what tells people of one scene from each other: clothes, build, hair and skin. Of the face
there is nothing, which a body crop does not show.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from synthetic.descriptions import dressed
from synthetic.identity import Identity
from synthetic.outfit import PATTERNS, Cloth, Outfit
from training.data.traits import STYLES, scaled_columns

F32 = NDArray[np.float32]

GLASSES = ("round", "square", "sun")
HATS = ("beanie", "cap", "brim")


def worn_table(wearers: Iterable[tuple[int, int, int]]) -> F32:
    """Give what is seen of people in their clothes, each column shifted and scaled to mean 0 and variance 1.

    Args:
        wearers: Seed of the cast, number in it and number of the outfit, of each of C classes.

    Returns:
        float32[C, K]; a column in which all agree is 0.

    Raises:
        ValueError: If there is nobody.
    """
    return scaled_columns([worn_by(*dressed(seed, number, outfit)) for seed, number, outfit in wearers])


def worn_by(person: Identity, outfit: Outfit) -> F32:
    """List what a body crop shows of a dressed person: float32[K], unscaled."""
    numbers = [
        *_cloth(outfit.top),
        *_cloth(outfit.bottom),
        outfit.sleeve,
        outfit.leg,
        outfit.skirt_m,
        float(outfit.dress),
        outfit.loose,
        *outfit.shoes,
        *(float(outfit.glasses == glasses) for glasses in GLASSES),
        *(float(outfit.hat == hat) for hat in HATS),
        *(channel * (outfit.hat != "none") for channel in outfit.hat_color),
        *(float(outfit.hair_style == style) for style in STYLES),
        *person.hair.color,
        *person.skin.color,
        *astuple(person.build),
        max(person.facial_hair.beard, person.facial_hair.goatee),
        float(person.sex == "female"),
    ]
    return np.array(numbers, dtype=np.float32)


def _cloth(cloth: Cloth) -> list[float]:
    """Both colours, the pattern and its period; a plain piece shows its first colour alone."""
    plain = cloth.pattern == "plain"
    second = cloth.color if plain else cloth.second
    pattern = [float(cloth.pattern == name) for name in PATTERNS]
    return [*cloth.color, *second, *pattern, 0.0 if plain else cloth.scale]
