"""Modalities on the wire and back: the one table that the converters of all services share."""

from __future__ import annotations

from collections.abc import Mapping

from packs.spec import Modality
from personsearch.v1 import modality_pb2

__all__ = ["modality_from_proto", "modality_to_proto"]

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
