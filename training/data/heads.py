"""What the renderer knows of a head, as numbers that a head encoder can be asked to read off a crop.

As `traits` for faces, and with what a head wears in one scene: glasses, a hat, the hair up or down. A head seen from
behind shows no face: what cannot be read there costs every way of looking alike.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from synthetic.descriptions import dressed
from synthetic.identity import Identity
from synthetic.outfit import Outfit
from training.data.traits import STYLES, scaled_columns, traits_of
from training.data.worn import GLASSES, HATS

F32 = NDArray[np.float32]


def head_table(wearers: Iterable[tuple[int, int, int]]) -> F32:
    """Give what is seen of heads, each column shifted and scaled to mean 0 and variance 1.

    Args:
        wearers: Seed of the cast, number in it and number of the outfit, of each of C classes.

    Returns:
        float32[C, K]; a column in which all agree is 0.

    Raises:
        ValueError: If there is nobody.
    """
    return scaled_columns([head_of(*dressed(seed, number, outfit)) for seed, number, outfit in wearers])


def head_of(person: Identity, outfit: Outfit) -> F32:
    """List what a crop of a head shows of a dressed person: float32[K], unscaled."""
    numbers = [
        *(float(outfit.glasses == glasses) for glasses in GLASSES),
        *(float(outfit.hat == hat) for hat in HATS),
        *(channel * (outfit.hat != "none") for channel in outfit.hat_color),
        *(float(outfit.hair_style == style) for style in STYLES),
    ]
    return np.concatenate([np.array(numbers, dtype=np.float32), traits_of(person)])
