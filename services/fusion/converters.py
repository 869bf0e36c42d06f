"""The wire's messages to plain values and back; nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping

from packs.spec import Modality
from personsearch.v1 import fusion_service_pb2, hit_pb2, modality_pb2
from services.fusion.fusing import Evidence, Fused, ModalityShare

__all__ = ["evidence_from_proto", "evidence_to_proto", "fused_from_proto", "fused_to_proto"]

_NUMBERS: Mapping[Modality, modality_pb2.Modality.ValueType] = {
    Modality.FACE: modality_pb2.MODALITY_FACE,
    Modality.HEAD: modality_pb2.MODALITY_HEAD,
    Modality.BODY: modality_pb2.MODALITY_BODY,
    Modality.VOICE: modality_pb2.MODALITY_VOICE,
    Modality.TEXT: modality_pb2.MODALITY_TEXT,
}
_MODALITIES = {number: modality for modality, number in _NUMBERS.items()}


def evidence_to_proto(piece: Evidence) -> fusion_service_pb2.Evidence:
    """A piece of evidence for the wire."""
    return fusion_service_pb2.Evidence(
        modality=_NUMBERS[piece.modality], cosine=piece.cosine, weight=piece.weight, quality=piece.quality
    )


def evidence_from_proto(piece: fusion_service_pb2.Evidence) -> Evidence:
    """A piece of evidence of the wire; raises ValueError for a modality that has no meaning."""
    return Evidence(_modality(piece.modality), piece.cosine, piece.weight, piece.quality)


def fused_to_proto(fused: Fused) -> fusion_service_pb2.FusedEvidence:
    """A verdict for the wire."""
    shares = [hit_pb2.ModalityShare(modality=_NUMBERS[each.modality], share=each.share) for each in fused.shares]
    return fusion_service_pb2.FusedEvidence(probability=fused.probability, shares=shares)


def fused_from_proto(fused: fusion_service_pb2.FusedEvidence) -> Fused:
    """A verdict of the wire; raises ValueError for a modality that has no meaning."""
    shares = tuple(ModalityShare(_modality(each.modality), each.share) for each in fused.shares)
    return Fused(fused.probability, shares)


def _modality(number: modality_pb2.Modality.ValueType) -> Modality:
    if number not in _MODALITIES:
        raise ValueError(f"modality {number} is none of {', '.join(_NUMBERS)}")
    return _MODALITIES[number]
