"""Identities, what was said of them and what is asked as `--json` prints it; these shapes are promised to programs."""

from __future__ import annotations

import datetime as dt

from personsearch.v1 import identity_pb2, operation_pb2, review_pb2

__all__ = ["identity_view", "label_view", "operation_kind", "operation_view", "place_view", "review_view"]

View = dict[str, object]

SCORE_DIGITS = 6


def label_view(label: identity_pb2.IdentityLabel) -> View:
    """View who somebody is."""
    return {"identity_id": label.identity_id, "name": label.name or None}


def identity_view(identity: identity_pb2.Identity) -> View:
    """View an identity."""
    return {
        **label_view(identity.label),
        "gallery": identity.gallery,
        "appearance_count": identity.appearance_count,
        "video_count": identity.video_count,
        "seen_s": round(identity.seen_s, 3),
        "cover": place_view(identity.cover),
    }


def place_view(place: operation_pb2.AppearancePlace) -> View:
    """View where an appearance is."""
    return {
        "appearance_id": place.appearance_id,
        "video_id": place.video_id,
        "start_s": place.span.start_s,
        "end_s": place.span.end_s,
    }


def operation_view(operation: operation_pb2.Operation) -> View:
    """View an entry of the log."""
    return {
        "number": operation.number,
        "kind": operation_kind(operation),
        "identity_ids": list(operation.identity_ids),
        "places": [place_view(place) for place in operation.places],
        "name": operation.name if operation.HasField("name") else None,
        "undone_number": operation.undone_number if operation.HasField("undone_number") else None,
        "author": operation.author,
        "create_time": operation.create_time.ToDatetime(dt.UTC).isoformat(),
        "in_force": operation.in_force,
    }


def review_view(review: review_pb2.Review) -> View:
    """View a question."""
    return {
        "first": place_view(review.first),
        "second": place_view(review.second),
        "first_identity": label_view(review.first_identity),
        "second_identity": label_view(review.second_identity),
        "probability": round(review.probability, SCORE_DIGITS),
        "appearance_count": review.appearance_count,
        "uncertainty": round(review.uncertainty, SCORE_DIGITS),
    }


def operation_kind(operation: operation_pb2.Operation) -> str:
    """Name a kind of operation, such as "merge"."""
    return operation_pb2.OperationKind.Name(operation.kind).removeprefix("OPERATION_KIND_").lower()
