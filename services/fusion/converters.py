"""The wire's messages to plain values and back; nothing is decided here."""

from __future__ import annotations

from personsearch.v1 import fusion_service_pb2, hit_pb2
from services.fusion.fusing import Evidence, Fused, ModalityShare
from services.runtime.modalities import modality_from_proto, modality_to_proto

__all__ = ["evidence_from_proto", "evidence_to_proto", "fused_from_proto", "fused_to_proto"]


def evidence_to_proto(piece: Evidence) -> fusion_service_pb2.Evidence:
    """A piece of evidence for the wire."""
    return fusion_service_pb2.Evidence(
        modality=modality_to_proto(piece.modality), cosine=piece.cosine, weight=piece.weight, quality=piece.quality
    )


def evidence_from_proto(piece: fusion_service_pb2.Evidence) -> Evidence:
    """A piece of evidence of the wire; raises ValueError for a modality that has no meaning."""
    return Evidence(modality_from_proto(piece.modality), piece.cosine, piece.weight, piece.quality)


def fused_to_proto(fused: Fused) -> fusion_service_pb2.FusedEvidence:
    """A verdict for the wire."""
    shares = [
        hit_pb2.ModalityShare(modality=modality_to_proto(each.modality), share=each.share) for each in fused.shares
    ]
    return fusion_service_pb2.FusedEvidence(probability=fused.probability, shares=shares)


def fused_from_proto(fused: fusion_service_pb2.FusedEvidence) -> Fused:
    """A verdict of the wire; raises ValueError for a modality that has no meaning."""
    shares = tuple(ModalityShare(modality_from_proto(each.modality), each.share) for each in fused.shares)
    return Fused(fused.probability, shares)
