"""The wire's messages to plain values and back; nothing is decided here."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from personsearch.v1 import geometry_pb2, identity_pb2, operation_pb2, review_pb2
from services.association.identities.answers import Asked, IdentityView, Label, SaidOperation
from services.backends.people import OperationKind, Spot

__all__ = [
    "identity_to_proto",
    "label_from_proto",
    "label_to_proto",
    "operation_to_proto",
    "review_to_proto",
    "spot_from_proto",
    "spot_to_proto",
]

_KINDS = {kind: operation_pb2.OperationKind.Value(f"OPERATION_KIND_{kind.upper()}") for kind in OperationKind}


def spot_to_proto(spot: Spot) -> operation_pb2.AppearancePlace:
    """Where an appearance is."""
    span = geometry_pb2.Span(start_s=spot.start_ms / 1000.0, end_s=spot.end_ms / 1000.0)
    return operation_pb2.AppearancePlace(appearance_id=spot.appearance_id, video_id=spot.video_id, span=span)


def spot_from_proto(place: operation_pb2.AppearancePlace) -> Spot:
    """Where an appearance is."""
    start_ms, end_ms = (round(1000.0 * time_s) for time_s in (place.span.start_s, place.span.end_s))
    return Spot(place.appearance_id, place.video_id, start_ms, end_ms)


def label_to_proto(label: Label) -> identity_pb2.IdentityLabel:
    """Id and name of an identity."""
    return identity_pb2.IdentityLabel(identity_id=label.identity_id, name=label.name)


def label_from_proto(label: identity_pb2.IdentityLabel) -> Label:
    """Id and name of an identity."""
    return Label(label.identity_id, label.name)


def identity_to_proto(view: IdentityView) -> identity_pb2.Identity:
    """An identity."""
    return identity_pb2.Identity(
        label=label_to_proto(view.label),
        gallery=view.gallery,
        appearance_count=view.appearance_count,
        video_count=view.video_count,
        seen_s=view.seen_s,
        cover=spot_to_proto(view.cover),
    )


def operation_to_proto(said: SaidOperation) -> operation_pb2.Operation:
    """An entry of the log; of a split only what was split off is shown."""
    operation = said.operation
    shown = operation.groups[:1] if operation.kind is OperationKind.SPLIT else operation.groups
    created = Timestamp()
    created.FromMicroseconds(round(operation.at * 1e6))
    return operation_pb2.Operation(
        number=operation.number,
        kind=_KINDS[operation.kind],
        identity_ids=operation.identity_ids,
        places=[spot_to_proto(spot) for group in shown for spot in group],
        name=operation.name,
        undone_number=operation.undoes,
        author=operation.author,
        create_time=created,
        in_force=said.in_force,
    )


def review_to_proto(asked: Asked) -> review_pb2.Review:
    """A question."""
    return review_pb2.Review(
        first=spot_to_proto(asked.first),
        second=spot_to_proto(asked.second),
        first_identity=label_to_proto(asked.first_label),
        second_identity=label_to_proto(asked.second_label),
        probability=asked.question.probability,
        appearance_count=asked.question.appearance_count,
        uncertainty=asked.question.uncertainty,
    )
