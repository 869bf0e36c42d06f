"""What the renderer knows of a person's face, as numbers that an encoder can be asked to read off a crop.

A class of a softmax says that two people differ; these numbers say how. They teach the encoder what is the same about a
person in every light and pose with far fewer people than classes alone would need, and they cost a renderer nothing.
Only sets that SynthCast drew have them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from synthetic.identity import Identity, make_identity

F32 = NDArray[np.float32]

# Moles are told by where they are, coarsely: a crop of 24 px shows no more.
_MARK_ROWS, _MARK_COLUMNS = 3, 4
STYLES = ("bald", "buzz", "short", "side", "quiff", "curly", "fringe", "long", "bob", "ponytail", "bun", "pixie")
_FLAT = 1e-3


def trait_table(people: Iterable[tuple[int, int]]) -> F32:
    """Give the traits of people, each column shifted and scaled to mean 0 and variance 1 over them.

    Args:
        people: Seed of the cast and number in it, of each of C people.

    Returns:
        float32[C, K]; a column in which all agree is 0.

    Raises:
        ValueError: If there are no people.
    """
    return scaled_columns([traits_of(make_identity(seed, number)) for seed, number in people])


def scaled_columns(rows: Sequence[F32]) -> F32:
    """Shift and scale what was listed of C people to mean 0 and variance 1 over them: float32[C, K].

    Raises:
        ValueError: If there are no people.
    """
    if not rows:
        raise ValueError("got no people, expected at least one: traits are scaled over them")
    table = np.stack(rows)
    spread = table.std(axis=0)
    return np.asarray((table - table.mean(axis=0)) / np.where(spread < _FLAT, np.inf, spread), dtype=np.float32)


def traits_of(person: Identity) -> F32:
    """List what can be seen of a person in a face crop and holds from film to film: float32[K], unscaled."""
    skin, hair = person.skin, person.hair
    numbers = [
        *astuple(person.shape),
        *astuple(person.facial_hair),
        *skin.color,
        *skin.lip_color,
        skin.lip_strength,
        skin.redness,
        skin.freckles,
        skin.under_eye,
        *person.eye_color,
        *hair.color,
        hair.recede,
        hair.part,
        person.age,
        float(person.sex == "female"),
        *(float(hair.style == style) for style in STYLES),
    ]
    return np.concatenate([np.array(numbers, dtype=np.float32), _marks(person)])


def _marks(person: Identity) -> F32:
    """How much of each cell of the face is under a mole: float32[12], by azimuth and elevation."""
    cells = np.zeros((_MARK_ROWS, _MARK_COLUMNS), dtype=np.float32)
    for azimuth, elevation, radius, darkness in person.skin.marks:
        row = int(np.clip((elevation + 0.95) / 1.6 * _MARK_ROWS, 0, _MARK_ROWS - 1))
        column = int(np.clip((azimuth + 1.0) / 2.0 * _MARK_COLUMNS, 0, _MARK_COLUMNS - 1))
        cells[row, column] += darkness * radius
    return cells.ravel()
