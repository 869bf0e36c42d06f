"""A measurement that is told to end stops what it has started."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

__all__ = ["end_when_told"]


def end_when_told() -> None:
    """Let SIGTERM leave by way of every `finally`, with the exit status of a shell (143).

    By default it ends Python at once, and the stack of a measurement, which runs in the background, would stay.
    """
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
