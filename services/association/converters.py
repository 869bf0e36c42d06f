"""The wire's messages to plain values and back; nothing is decided here."""

from __future__ import annotations

import numpy as np

from packs.arrays import AnyArray
from personsearch.v1 import association_pb2, association_service_pb2
from services.backends.associations.blocks import MODALITY_CODES, EdgeBlock
from services.backends.schemas import Association
from services.runtime.modalities import modality_from_proto, modality_to_proto

__all__ = [
    "association_from_proto",
    "association_to_proto",
    "columns_to_proto",
    "modality_from_proto",
    "modality_to_proto",
]

# The wire's number of each of our codes.
_NUMBERS = np.zeros(256, dtype=np.uint8)
for _modality, _code in MODALITY_CODES.items():
    _NUMBERS[_code] = modality_to_proto(_modality)


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


def columns_to_proto(block: EdgeBlock) -> association_service_pb2.ListAssociationColumnsResponse:
    """Edges for the wire, as columns."""
    return association_service_pb2.ListAssociationColumnsResponse(
        appearance_ids=bytes.fromhex("".join(block.names)),
        ones=_packed(block.one, "<u4"),
        others=_packed(block.other, "<u4"),
        modalities=_packed(_NUMBERS[block.codes], "u1"),
        probabilities=_packed(block.probabilities, "<f4"),
        confirmed=_packed(block.confirmed, "u1"),
    )


def _packed(column: AnyArray, dtype: str) -> bytes:
    return column.astype(dtype).tobytes()
