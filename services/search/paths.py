"""Chains of associations as objects: made of what an answer shows, and no more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from packs.arrays import I64
from services.backends.associations.blocks import MODALITIES, EdgeBlock
from services.search.answer import Step

__all__ = ["Path", "steps_along"]


@dataclass(frozen=True, slots=True)
class Path:
    """The best chain of associations from a seed to an appearance; without steps it is the seed itself.

    Attributes:
        seed: Id of the direct match that it starts from.
        steps: The associations.
        probability: The seed's, times that of each step.
    """

    seed: str
    steps: tuple[Step, ...]
    probability: float


def steps_along(block: EdgeBlock, edges: I64, sources: I64) -> list[Step]:
    """The steps along some associations, int64[K], each from one of its ends, a row, to the other."""
    one, other = block.one[edges], block.other[edges]
    targets = np.where(one == sources, other, one)
    columns = (block.codes[edges], block.probabilities[edges], block.confirmed[edges])
    several = zip(block.some(sources), block.some(targets), *(column.tolist() for column in columns), strict=True)
    return [
        Step(source, target, MODALITIES[code], probability, None, confirmed)
        for source, target, code, probability, confirmed in several
    ]
