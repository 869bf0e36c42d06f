"""The wire's messages to plain values and back; nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping

from packs.spec import Modality
from personsearch.v1 import association_pb2, modality_pb2
from services.backends.schemas import Association

__all__ = ["association_from_proto", "association_to_proto", "modality_from_proto", "modality_to_proto"]

_NUMBERS: Mapping[Modality, modality_pb2.Modality.ValueType] = {
    Modality.FACE: modality_pb2.MODALITY_FACE,
    Modality.HEAD: modality_pb2.MODALITY_HEAD,
    Modality.BODY: modality_pb2.MODALITY_BODY,
    Modality.VOICE: modality_pb2.MODALITY_VOICE,
    Modality.TEXT: modality_pb2.MODALITY_TEXT,
}
_MODALITIES = {number: modality for modality, number in _NUMBERS.items()}


def modality_to_proto(modality: Modality) -> modality_pb2.Modality.ValueType:
    """A modality as the wire numbers it."""
    return _NUMBERS[modality]


def modality_from_proto(number: modality_pb2.Modality.ValueType) -> Modality:
    """A modality of the wire; raises ValueError for UNSPECIFIED, which means nothing here."""
    if number not in _MODALITIES:
        raise ValueError(f"modality {number} is none of {', '.join(_NUMBERS)}")
    return _MODALITIES[number]


def association_to_proto(edge: Association) -> association_pb2.Association:
    """An edge for the wire."""
    return association_pb2.Association(
        first_appearance_id=edge.first,
        second_appearance_id=edge.second,
        modality=modality_to_proto(edge.modality),
        probability=edge.probability,
    )


def association_from_proto(edge: association_pb2.Association) -> Association:
    """An edge of the wire."""
    modality = modality_from_proto(edge.modality)
    return Association(edge.first_appearance_id, edge.second_appearance_id, modality, edge.probability)
