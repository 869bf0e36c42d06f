"""What a store says of a deletion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.runtime.errors import BackendUnavailableError

__all__ = ["Receipt", "StoreName", "check_empty"]

StoreName = Literal["index", "associations", "media"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one store had of a video or a person, and what a fresh look finds afterwards."""

    store: StoreName
    deleted: int
    remaining: int


def check_empty(receipts: Sequence[Receipt], again: str) -> None:
    """See to it that no fresh look found anything.

    Args:
        receipts: What the stores said.
        again: What to do otherwise.

    Raises:
        BackendUnavailableError: If one did.
    """
    for receipt in receipts:
        if receipt.remaining:
            raise BackendUnavailableError(receipt.store, f"still finds {receipt.remaining} records; {again}")
