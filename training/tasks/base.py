"""The seam between the loop and what it trains."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor, nn


class Task(Protocol):
    """Something that the loop can train.

    `trained` holds every parameter; `network` is the part of it that is exported.
    """

    trained: nn.Module
    network: nn.Module

    def make_batch(self, step: int) -> Any:
        """Make the batch of a step, the same one each time; called in the background thread."""
        ...

    def losses(self, batch: Any, step: int) -> dict[str, Tensor]:
        """Compute the losses of a batch by name, scalars; their sum is descended."""
        ...
