"""The wire's messages to plain values and back; nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from packs.arrays import F32
from packs.fuser import FusionMethod
from packs.spec import Modality
from personsearch.v1 import fusion_service_pb2, hit_pb2, modality_pb2, query_pb2
from services.fusion.embedded import Asked, EmbeddedCandidate, Held
from services.fusion.fusing import Aspect, Candidate, Evidence, Fused, ModalityShare
from services.runtime.errors import FieldViolation, InvalidFieldError
from services.runtime.modalities import modality_from_proto, modality_to_proto

__all__ = [
    "asked_from_proto",
    "asked_to_proto",
    "aspect_from_proto",
    "aspect_to_proto",
    "candidate_from_proto",
    "candidate_to_proto",
    "embedded_from_proto",
    "embedded_to_proto",
    "evidence_from_proto",
    "evidence_to_proto",
    "fused_from_proto",
    "fused_to_proto",
    "held_from_proto",
    "held_to_proto",
    "method_from_proto",
    "method_to_proto",
    "modalities_from_proto",
]

_TASKS: Mapping[Aspect, query_pb2.Task.ValueType] = {
    Aspect.SEEN: query_pb2.TASK_SEEN,
    Aspect.HEARD: query_pb2.TASK_HEARD,
    Aspect.SEEN_AND_HEARD: query_pb2.TASK_SEEN_AND_HEARD,
}
_ASPECTS = {task: aspect for aspect, task in _TASKS.items()}
_METHODS: Mapping[FusionMethod, fusion_service_pb2.FusionMethod.ValueType] = {
    FusionMethod.LATE: fusion_service_pb2.FUSION_METHOD_LATE,
    FusionMethod.ASSOCIATIVE: fusion_service_pb2.FUSION_METHOD_ASSOCIATIVE,
    FusionMethod.ATTENTION: fusion_service_pb2.FUSION_METHOD_ATTENTION,
}
_METHODS_BACK = {number: method for method, number in _METHODS.items()}


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
    return fusion_service_pb2.FusedEvidence(
        probability=fused.probability, shares=shares, method=method_to_proto(fused.method)
    )


def fused_from_proto(fused: fusion_service_pb2.FusedEvidence) -> Fused:
    """A verdict of the wire; raises ValueError for a modality that has no meaning."""
    shares = tuple(ModalityShare(modality_from_proto(each.modality), each.share) for each in fused.shares)
    return Fused(fused.probability, shares, method_from_proto(fused.method) or FusionMethod.LATE)


def method_to_proto(method: FusionMethod) -> fusion_service_pb2.FusionMethod.ValueType:
    """A method for the wire."""
    return _METHODS[method]


def method_from_proto(number: fusion_service_pb2.FusionMethod.ValueType) -> FusionMethod | None:
    """A method of the wire; None where the service's own is meant."""
    return _METHODS_BACK.get(number)


def modalities_from_proto(numbers: Iterable[modality_pb2.Modality.ValueType]) -> frozenset[Modality]:
    """Modalities of the wire; raises ValueError for one that has no meaning."""
    return frozenset(map(modality_from_proto, numbers))


def asked_to_proto(asked: Asked) -> fusion_service_pb2.AskedEmbedding:
    """An embedding that is asked for, for the wire."""
    return fusion_service_pb2.AskedEmbedding(
        modality=modality_to_proto(asked.modality),
        vector=asked.vector.tolist(),
        quality=asked.quality,
        weight=asked.weight,
    )


def asked_from_proto(asked: fusion_service_pb2.AskedEmbedding) -> Asked:
    """An embedding that is asked for, of the wire; raises ValueError for what has no meaning."""
    return Asked(modality_from_proto(asked.modality), _vector(asked.vector), asked.quality, asked.weight)


def held_to_proto(held: Held) -> fusion_service_pb2.HeldEmbedding:
    """An embedding of a candidate for the wire."""
    return fusion_service_pb2.HeldEmbedding(
        modality=modality_to_proto(held.modality),
        vector=held.vector.tolist(),
        quality=held.quality,
        asked=held.asked,
    )


def held_from_proto(held: fusion_service_pb2.HeldEmbedding) -> Held:
    """An embedding of a candidate of the wire; raises ValueError for what has no meaning."""
    return Held(modality_from_proto(held.modality), _vector(held.vector), held.quality, tuple(held.asked))


def embedded_to_proto(candidate: EmbeddedCandidate) -> fusion_service_pb2.EmbeddedCandidate:
    """A candidate by its embeddings, for the wire."""
    embeddings = [held_to_proto(one) for one in candidate.embeddings]
    return fusion_service_pb2.EmbeddedCandidate(embeddings=embeddings, speaker_confidence=candidate.speaker)


def embedded_from_proto(candidate: fusion_service_pb2.EmbeddedCandidate) -> EmbeddedCandidate:
    """A candidate by its embeddings, of the wire; raises ValueError for what has no meaning."""
    speaker = candidate.speaker_confidence if candidate.HasField("speaker_confidence") else 1.0
    return EmbeddedCandidate(tuple(map(held_from_proto, candidate.embeddings)), speaker)


def _vector(numbers: Iterable[float]) -> F32:
    """float32[D] of length 1. Raises InvalidFieldError for a vector without length, or of what is no number."""
    vector = np.fromiter(numbers, np.float32)
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if not np.isfinite(length) or length <= 0.0:
        raise InvalidFieldError([FieldViolation("vector", f"has the length {length}, expected an embedding")])
    return np.asarray(vector / np.float32(length), dtype=np.float32)
