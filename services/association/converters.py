"""The wire's messages to plain values and back; nothing is decided here."""

from __future__ import annotations

from personsearch.v1 import association_pb2
from services.backends.schemas import Association
from services.runtime.modalities import modality_from_proto, modality_to_proto

__all__ = ["association_from_proto", "association_to_proto", "modality_from_proto", "modality_to_proto"]


def association_to_proto(edge: Association) -> association_pb2.Association:
    """An edge for the wire."""
    return association_pb2.Association(
        first_appearance_id=edge.first,
        second_appearance_id=edge.second,
        modality=modality_to_proto(edge.modality),
        probability=edge.probability,
        confirmed=edge.confirmed,
    )


def association_from_proto(edge: association_pb2.Association) -> Association:
    """An edge of the wire."""
    modality = modality_from_proto(edge.modality)
    return Association(edge.first_appearance_id, edge.second_appearance_id, modality, edge.probability, edge.confirmed)
