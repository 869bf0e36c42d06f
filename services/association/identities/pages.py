"""Page tokens: where a list goes on, as text that means nothing to anybody else."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from services.runtime.errors import FieldViolation, InvalidFieldError

__all__ = ["page_of"]

T = TypeVar("T")


def page_of(rows: Sequence[T], place_of: Callable[[T], Sequence[Any]], size: int, token: str) -> tuple[list[T], str]:
    """Cut a page out of a list in order.

    Args:
        rows: All rows, by `place_of`.
        place_of: Where a row is in the order: numbers and texts, always the same kinds.
        size: Most rows of the page.
        token: Of the page before; "" for the first.

    Returns:
        The rows, and the token of the next page; "" when this is the last.

    Raises:
        InvalidFieldError: If the token is not one of ours.
    """
    rest = list(rows)
    if token:
        after = _place(token)
        if rows and [type(value) for value in after] != [type(value) for value in place_of(rows[0])]:
            raise _foreign()
        rest = [row for row in rows if list(place_of(row)) > after]
    page = rest[:size]
    return page, _token(place_of(page[-1])) if len(rest) > len(page) else ""


def _token(place: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(place), separators=(",", ":")).encode()).decode()


def _place(token: str) -> list[Any]:
    try:
        place = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, binascii.Error) as error:
        raise _foreign() from error
    if not isinstance(place, list):
        raise _foreign()
    return place


def _foreign() -> InvalidFieldError:
    said = "got no token of this list; give `next_page_token` of the page before"
    return InvalidFieldError([FieldViolation("page_token", said)])
