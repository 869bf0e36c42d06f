"""Milvus filter expressions. Every text goes through `quoted`, so that no value can end its literal."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from services.backends.schemas import Scope

__all__ = ["all_of", "in_scope", "number", "one_of", "quoted", "with_prefix"]


def quoted(text: str) -> str:
    """Write a string literal. Raises ValueError for control characters, which no id or name of ours has."""
    if not text.isprintable():
        raise ValueError(f"a filter value must be printable text, got {text!r}")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def number(value: float) -> str:
    """Write a float exactly, without an exponent, which not every server parses. Raises ValueError unless finite."""
    if not np.isfinite(value):
        raise ValueError(f"a filter value must be finite, got {value}")
    return np.format_float_positional(value, trim="0")


def one_of(column: str, values: Iterable[str], *, negate: bool = False) -> str:
    """Say that a column holds one of some texts, or none of them."""
    listed = ", ".join(quoted(value) for value in values)
    return f"{column} {'not in' if negate else 'in'} [{listed}]"


def all_of(*conditions: str) -> str:
    """Join conditions with `and`, leaving empty ones out."""
    return " and ".join(condition for condition in conditions if condition)


def in_scope(scope: Scope) -> str:
    """Say that a row is in a scope; a stretch of time takes what overlaps it."""
    return all_of(
        f"gallery == {quoted(scope.gallery)}",
        one_of("video_id", scope.video_ids) if scope.video_ids else "",
        one_of("video_id", scope.exclude_video_ids, negate=True) if scope.exclude_video_ids else "",
        f"end_s > {number(scope.start_s)}" if scope.start_s is not None else "",
        f"start_s < {number(scope.end_s)}" if scope.end_s is not None else "",
    )


def with_prefix(column: str, prefix: str) -> str:
    """Say that a hexadecimal id begins with a prefix; empty for the empty prefix."""
    if not prefix:
        return ""
    # "g" follows "f": every id with the prefix sorts before prefix + "g".
    return all_of(f"{column} >= {quoted(prefix)}", f"{column} < {quoted(prefix + 'g')}")
