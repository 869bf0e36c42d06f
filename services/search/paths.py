"""Chains of associations as objects: made of what an answer shows, and no more."""

from __future__ import annotations

from dataclasses import dataclass

from services.backends.associations.blocks import MODALITIES, EdgeBlock
from services.search.answer import Step

__all__ = ["Path", "step_along"]


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


def step_along(edges: EdgeBlock, edge: int, source: int) -> Step:
    """The step along an association from one of its ends, a row, to the other."""
    target = edges.other[edge] if source == edges.one[edge] else edges.one[edge]
    return Step(
        edges.names[source],
        edges.names[target],
        MODALITIES[int(edges.codes[edge])],
        float(edges.probabilities[edge]),
        confirmed=bool(edges.confirmed[edge]),
    )
