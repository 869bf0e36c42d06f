"""The wire's messages to plain values and back; nothing is decided here."""

from __future__ import annotations

from collections.abc import Mapping

from personsearch.v1 import fusion_service_pb2, hit_pb2, query_pb2
from services.fusion.fusing import Aspect, Candidate, Evidence, Fused, ModalityShare
from services.runtime.modalities import modality_from_proto, modality_to_proto

__all__ = [
    "aspect_from_proto",
    "aspect_to_proto",
    "candidate_from_proto",
    "candidate_to_proto",
    "evidence_from_proto",
    "evidence_to_proto",
    "fused_from_proto",
    "fused_to_proto",
]

_TASKS: Mapping[Aspect, query_pb2.Task.ValueType] = {
    Aspect.SEEN: query_pb2.TASK_SEEN,
    Aspect.HEARD: query_pb2.TASK_HEARD,
    Aspect.SEEN_AND_HEARD: query_pb2.TASK_SEEN_AND_HEARD,
}
_ASPECTS = {task: aspect for aspect, task in _TASKS.items()}


def aspect_to_proto(aspect: Aspect) -> query_pb2.Task.ValueType:
    """What is asked, for the wire."""
    return _TASKS[aspect]


def aspect_from_proto(task: query_pb2.Task.ValueType) -> Aspect:
    """What is asked; where nothing is said, who is seen."""
    return _ASPECTS.get(task, Aspect.SEEN)


def candidate_to_proto(candidate: Candidate) -> fusion_service_pb2.Candidate:
    """A candidate for the wire."""
    evidence = [evidence_to_proto(piece) for piece in candidate.evidence]
    return fusion_service_pb2.Candidate(evidence=evidence, speaker_confidence=candidate.speaker)


def candidate_from_proto(candidate: fusion_service_pb2.Candidate) -> Candidate:
    """A candidate of the wire; raises ValueError for a modality that has no meaning."""
    speaker = candidate.speaker_confidence if candidate.HasField("speaker_confidence") else 1.0
    return Candidate(tuple(map(evidence_from_proto, candidate.evidence)), speaker)


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
