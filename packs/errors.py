"""What can be wrong with a model pack."""

from __future__ import annotations


class PackError(Exception):
    """A pack that cannot be used as it lies on the disk; the message says what to do about it."""
