"""Identities, the log and the review queue as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.markup import escape
from rich.table import Table

from personsearch.cli.identity_views import operation_kind
from personsearch.cli.words import clock, percent, span
from personsearch.v1 import identity_pb2, operation_pb2, review_pb2

__all__ = ["identity_table", "log_table", "operation_line", "place_table", "review_table"]

SHORT_ID_DIGITS = 8
UNNAMED = "[dim]nobody knows[/]"


def identity_table(identities: Iterable[identity_pb2.Identity]) -> Table:
    """List people; ids are whole, since they are what the other verbs take."""
    table = Table("identity", "name", box=None, pad_edge=False)
    for name in ("appearances", "videos", "seen for"):
        table.add_column(name, justify="right")
    for one in identities:
        counts = str(one.appearance_count), str(one.video_count), clock(one.seen_s)
        table.add_row(one.label.identity_id, _name(one.label), *counts)
    return table


def place_table(places: Iterable[operation_pb2.AppearancePlace]) -> Table:
    """List where somebody appears."""
    table = Table("when", "video", "appearance", box=None, pad_edge=False)
    for place in places:
        table.add_row(span(place.span), place.video_id[:SHORT_ID_DIGITS], place.appearance_id)
    return table


def log_table(operations: Iterable[operation_pb2.Operation]) -> Table:
    """List what was said, newest first; what does not count any more is dimmed."""
    table = Table("#", "when", "what", "by", box=None, pad_edge=False)
    for one in operations:
        when = one.create_time.ToDatetime().strftime("%Y-%m-%d %H:%M UTC")
        style = None if one.in_force else "dim"
        table.add_row(str(one.number), when, _in_words(one), escape(one.author), style=style)
    return table


def review_table(reviews: Sequence[review_pb2.Review]) -> Table:
    """List questions; the ids of both appearances are whole, since they are what is answered with."""
    table = Table("#", "are these one person?", "likely", "decides on", box=None, pad_edge=False)
    for number, one in enumerate(reviews, start=1):
        same = one.first_identity.identity_id == one.second_identity.identity_id
        question = "now one" if same else "now two"
        sides = zip((one.first, one.second), (one.first_identity, one.second_identity), strict=True)
        shown = [f"{place.appearance_id} {span(place.span)} {_short(label)}" for place, label in sides]
        table.add_row(
            str(number),
            "\n".join([*shown, f"[dim]{question}[/]"]),
            percent(one.probability),
            f"{one.appearance_count} appearances",
        )
    return table


def operation_line(operation: operation_pb2.Operation | None) -> str:
    """Say what was written down."""
    if operation is None:
        return "it is so already: nothing was written down"
    return f"operation {operation.number}: {_in_words(operation)} [dim](undo {operation.number} takes it back)[/]"


def _in_words(operation: operation_pb2.Operation) -> str:
    kind = operation_kind(operation)
    ids = " and ".join(one[:SHORT_ID_DIGITS] for one in operation.identity_ids)
    places = " and ".join(place.appearance_id[:SHORT_ID_DIGITS] for place in operation.places[:2])
    match kind:
        case "name":
            given = escape(operation.name) if operation.HasField("name") else "(erased)"
            words = f"name {ids} {given}" if given else f"take the name of {ids} away"
        case "merge":
            words = f"merge {ids}"
        case "split":
            words = f"split {len(operation.places)} appearances off {ids}"
        case "undo":
            words = f"undo {operation.undone_number}"
        case _:
            words = f"{kind} {places}"
    return words if operation.in_force else f"{words} (not in force)"


def _name(label: identity_pb2.IdentityLabel) -> str:
    return escape(label.name) if label.name else UNNAMED


def _short(label: identity_pb2.IdentityLabel) -> str:
    return escape(label.name) if label.name else label.identity_id[:SHORT_ID_DIGITS]
