"""Descriptions on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from personsearch.query import text as text_part
from personsearch.v1 import person_search_service_pb2, query_pb2

__all__ = ["NotTextOption", "TextOption", "text_parts", "unknown_line"]

TextOption = Annotated[
    list[str] | None,
    typer.Option("--text", "-t", help="What the person looks like: 'a woman in a red jacket with glasses'."),
]
NotTextOption = Annotated[list[str] | None, typer.Option("--not-text", help="What the person does not look like.")]


def text_parts(texts: Sequence[str], not_texts: Sequence[str]) -> list[query_pb2.QueryPart]:
    """Make the parts of a query from descriptions; raises typer.BadParameter for an empty one."""
    return [_part(text, "--text", None) for text in texts] + [_part(text, "--not-text", -1.0) for text in not_texts]


def unknown_line(answer: person_search_service_pb2.SearchResponse) -> str:
    """Say which words were left out; "" when none was."""
    unknown = dict.fromkeys(word for reading in answer.text_readings for word in reading.unknown_words)
    return f"Not known to the pack, and left out: {', '.join(unknown)}." if unknown else ""


def _part(text: str, option: str, weight: float | None) -> query_pb2.QueryPart:
    try:
        return text_part(text, weight=weight)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
