"""The ports over gRPC: association and fusion as processes of their own."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping, Sequence

import grpc
import numpy as np

from packs.arrays import F64
from packs.spec import Modality
from personsearch.v1 import (
    association_service_pb2,
    association_service_pb2_grpc,
    fusion_service_pb2,
    fusion_service_pb2_grpc,
    identity_service_pb2,
    identity_service_pb2_grpc,
    query_pb2,
)
from services.backends.associations.blocks import MODALITY_CODES, EdgeBlock
from services.backends.associations.views import BlockView, EdgeView
from services.runtime.chunks import chunks_of
from services.runtime.modalities import modality_from_proto, modality_to_proto
from services.search.answer import Share, Who
from services.search.ports import (
    AskedEmbedding,
    Candidate,
    Column,
    EmbeddedCandidate,
    Evidence,
    FusedEvidence,
    HeldEmbedding,
    PortUnavailableError,
    candidates_of,
)
from services.search.query import Task

_Fused = fusion_service_pb2.FuseEvidenceResponse | fusion_service_pb2.FuseEmbeddingsResponse

# The most that the protos allow in one request.
MAX_IDS = 1000
MAX_CANDIDATES = 10_000
# Embeddings of four modalities are 4 kB a candidate.
MAX_EMBEDDED = 4096
_ID_DIGITS = 32

# Our code of each number of the wire.
_CODES = np.zeros(256, dtype=np.uint8)
for _modality, _code in MODALITY_CODES.items():
    _CODES[modality_to_proto(_modality)] = _code

_TASKS = {
    Task.SEEN: query_pb2.TASK_SEEN,
    # A track is of whoever is seen, and of speech with nobody on screen, which is nobody else's.
    Task.PRESENT: query_pb2.TASK_SEEN,
    Task.HEARD: query_pb2.TASK_HEARD,
    Task.SEEN_AND_HEARD: query_pb2.TASK_SEEN_AND_HEARD,
}


class RemoteAssociations:
    """`Associations` of another process."""

    def __init__(self, channel: grpc.aio.Channel, deadline_s: float, logger: logging.Logger) -> None:
        self._stub = association_service_pb2_grpc.AssociationServiceStub(channel)
        self._deadline_s = deadline_s
        self._logger = logger

    async def view(self, gallery: str, modalities: Sequence[Modality], min_probability: float) -> EdgeView:
        """Read them by ids; nothing is asked yet."""
        return BlockView(self, gallery, modalities, min_probability)

    async def edge_block(
        self, gallery: str, appearance_ids: Sequence[str], modalities: Sequence[Modality], min_probability: float
    ) -> EdgeBlock:
        """Ask in requests of the size that the contract allows."""
        blocks: list[EdgeBlock] = []
        for part in chunks_of(appearance_ids, MAX_IDS):
            request = association_service_pb2.ListAssociationColumnsRequest(
                gallery=gallery,
                appearance_ids=part,
                modalities=[modality_to_proto(modality) for modality in modalities],
                min_probability=min_probability,
            )
            try:
                response = await self._stub.ListAssociationColumns(request, timeout=self._deadline_s)
            except grpc.aio.AioRpcError as error:
                raise _unavailable("association", error, self._logger) from error
            blocks.append(block_from_proto(response))
        return EdgeBlock.joined(blocks)


class RemoteIdentities:
    """`Identities` of another process."""

    def __init__(self, channel: grpc.aio.Channel, deadline_s: float, logger: logging.Logger) -> None:
        self._stub = identity_service_pb2_grpc.IdentityServiceStub(channel)
        self._deadline_s, self._logger = deadline_s, logger

    async def labels(self, gallery: str, appearance_ids: Sequence[str]) -> Mapping[str, Who]:
        """Ask in requests of the size that the contract allows; without an answer in time nobody is known."""
        found: dict[str, Who] = {}
        for part in chunks_of(appearance_ids, MAX_IDS):
            request = identity_service_pb2.ListMembershipsRequest(gallery=gallery, appearance_ids=part)
            try:
                response = await self._stub.ListMemberships(request, timeout=self._deadline_s)
            except grpc.aio.AioRpcError as error:
                said = f"{error.code().name}: {error.details()}"
                self._logger.warning("a service did not answer", extra={"service": "identities", "error": said})
                return found
            for one in response.memberships:
                found[one.appearance_id] = Who(one.identity.identity_id, one.identity.name)
        return found


class RemoteFusion:
    """`Fusion` of another process; which method it is set to, both are told."""

    def __init__(
        self, channel: grpc.aio.Channel, deadline_s: float, logger: logging.Logger, *, by_network: bool = False
    ) -> None:
        self._stub = fusion_service_pb2_grpc.FusionServiceStub(channel)
        self.by_network = by_network
        self._deadline_s = deadline_s
        self._logger = logger

    async def fuse(self, candidates: Sequence[Candidate], task: Task) -> list[FusedEvidence]:
        """Ask in requests of the size that the contract allows."""
        fused: list[FusedEvidence] = []
        for some in chunks_of(candidates, MAX_CANDIDATES):
            part = [candidate_to_proto(one) for one in some]
            request = fusion_service_pb2.FuseEvidenceRequest(candidates=part, task=_TASKS[task])
            fused += await self._verdicts(self._stub.FuseEvidence(request, timeout=self._deadline_s), len(part))
        return fused

    async def seen(self, columns: Sequence[Column], links: F64) -> F64:
        """Ask as of any candidates."""
        fused = await self.fuse(candidates_of(columns, links), Task.SEEN)
        return np.array([verdict.probability for verdict in fused], dtype=np.float64)

    async def fuse_embeddings(
        self, asked: Sequence[AskedEmbedding], candidates: Sequence[EmbeddedCandidate], task: Task
    ) -> list[FusedEvidence]:
        """Ask in requests of the size that the contract allows, by the method that the service is set to."""
        query, fused = [asked_to_proto(one) for one in asked], list[FusedEvidence]()
        for some in chunks_of(candidates, MAX_EMBEDDED):
            part = [embedded_to_proto(one) for one in some]
            request = fusion_service_pb2.FuseEmbeddingsRequest(asked=query, candidates=part, task=_TASKS[task])
            fused += await self._verdicts(self._stub.FuseEmbeddings(request, timeout=self._deadline_s), len(part))
        return fused

    async def _verdicts(self, call: Awaitable[_Fused], asked: int) -> list[FusedEvidence]:
        """One verdict on each candidate of a request."""
        try:
            response = await call
        except grpc.aio.AioRpcError as error:
            raise _unavailable("fusion", error, self._logger) from error
        if len(response.fused) != asked:
            raise PortUnavailableError(f"fusion gave {len(response.fused)} verdicts on {asked} candidates")
        return [fused_from_proto(verdict) for verdict in response.fused]


def block_from_proto(columns: association_service_pb2.ListAssociationColumnsResponse) -> EdgeBlock:
    """Edges of the wire."""
    written = columns.appearance_ids.hex()
    return EdgeBlock(
        [written[at : at + _ID_DIGITS] for at in range(0, len(written), _ID_DIGITS)],
        np.frombuffer(columns.ones, "<u4").astype(np.int64),
        np.frombuffer(columns.others, "<u4").astype(np.int64),
        _CODES[np.frombuffer(columns.modalities, np.uint8)],
        np.frombuffer(columns.probabilities, "<f4").astype(np.float64),
        np.frombuffer(columns.confirmed, np.uint8).astype(np.bool_),
    )


def candidate_to_proto(candidate: Candidate) -> fusion_service_pb2.Candidate:
    """The evidence of one candidate; from which part it is, fusion need not know."""
    return fusion_service_pb2.Candidate(
        evidence=[evidence_to_proto(piece) for piece in candidate.evidence], speaker_confidence=candidate.speaker
    )


def evidence_to_proto(piece: Evidence) -> fusion_service_pb2.Evidence:
    """One piece of evidence."""
    return fusion_service_pb2.Evidence(
        modality=modality_to_proto(piece.modality),
        cosine=piece.cosine,
        weight=piece.weight,
        quality=min(1.0, max(0.0, piece.quality)),
    )


def asked_to_proto(asked: AskedEmbedding) -> fusion_service_pb2.AskedEmbedding:
    """An embedding of the query."""
    return fusion_service_pb2.AskedEmbedding(
        modality=modality_to_proto(asked.modality),
        vector=asked.vector.tolist(),
        quality=min(1.0, max(0.0, asked.quality)),
        weight=asked.weight,
    )


def embedded_to_proto(candidate: EmbeddedCandidate) -> fusion_service_pb2.EmbeddedCandidate:
    """The embeddings of one candidate."""
    embeddings = [held_to_proto(held) for held in candidate.embeddings]
    return fusion_service_pb2.EmbeddedCandidate(embeddings=embeddings, speaker_confidence=candidate.speaker)


def held_to_proto(held: HeldEmbedding) -> fusion_service_pb2.HeldEmbedding:
    """One embedding of a candidate."""
    return fusion_service_pb2.HeldEmbedding(
        modality=modality_to_proto(held.modality),
        vector=held.vector.tolist(),
        quality=held.quality,
        asked=held.asked,
    )


def fused_from_proto(fused: fusion_service_pb2.FusedEvidence) -> FusedEvidence:
    """A verdict of the wire."""
    shares = tuple(Share(modality_from_proto(share.modality), share.share) for share in fused.shares)
    return FusedEvidence(fused.probability, shares)


def _unavailable(what: str, error: grpc.aio.AioRpcError, logger: logging.Logger) -> PortUnavailableError:
    said = f"{error.code().name}: {error.details()}"
    logger.warning("a service did not answer", extra={"service": what, "error": said})
    return PortUnavailableError(f"{what}: {said}")
