"""The ports of a search within its own process: association, identities and fusion without a hop.

Whatever goes wrong in a mounted service costs what it adds, and never an answer: it is as if it could not be reached.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping, Sequence

from packs.arrays import F64, I64
from packs.fuser import FusionMethod
from packs.spec import Modality
from services.association.corrected import CorrectedAssociations
from services.association.identities.watching import IdentityWatch
from services.backends.associations.blocks import EdgeBlock
from services.backends.associations.roster import Roster
from services.backends.associations.views import EdgeView
from services.fusion import columns as fusing_columns
from services.fusion import embedded, fusing
from services.fusion.handlers import FusionHandlers
from services.runtime.errors import BackendUnavailableError
from services.search.answer import Share, Who
from services.search.ports import (
    AskedEmbedding,
    Candidate,
    Column,
    EmbeddedCandidate,
    FusedEvidence,
    PortUnavailableError,
)
from services.search.query import Task

__all__ = ["MountedAssociations", "MountedFusion", "MountedIdentities", "MountedView"]

# A track is of whoever is seen, and of speech with nobody on screen, which is nobody else's.
_ASPECTS = {
    Task.SEEN: fusing.Aspect.SEEN,
    Task.PRESENT: fusing.Aspect.SEEN,
    Task.HEARD: fusing.Aspect.HEARD,
    Task.SEEN_AND_HEARD: fusing.Aspect.SEEN_AND_HEARD,
}


class MountedAssociations:
    """`Associations` of this process."""

    def __init__(self, handlers: CorrectedAssociations, logger: logging.Logger) -> None:
        self._handlers = handlers
        self._logger = logger

    async def view(self, gallery: str, modalities: Sequence[Modality], min_probability: float) -> EdgeView:
        """Ask the handlers; whatever goes wrong there must not cost the direct matches."""
        try:
            return MountedView(await self._handlers.view(gallery, modalities, min_probability), self._logger)
        except Exception as error:
            raise _unavailable("association", error, self._logger) from error


class MountedView:
    """`EdgeView` of this process."""

    def __init__(self, view: EdgeView, logger: logging.Logger) -> None:
        self._view, self._logger = view, logger

    @property
    def roster(self) -> Roster:
        """That of the view."""
        return self._view.roster

    async def read(self, rows: I64) -> EdgeBlock:
        """Ask the view."""
        try:
            return await self._view.read(rows)
        except Exception as error:
            raise _unavailable("association", error, self._logger) from error


class MountedIdentities:
    """`Identities` of this process."""

    def __init__(self, watch: IdentityWatch) -> None:
        self._watch = watch

    async def labels(self, gallery: str, appearance_ids: Sequence[str]) -> Mapping[str, Who]:
        """What is known at once."""
        labels = await self._watch.labels(gallery, appearance_ids)
        return {one: Who(label.identity_id, label.name) for one, label in labels.items()}


class MountedFusion:
    """`Fusion` of this process."""

    def __init__(self, handlers: FusionHandlers, logger: logging.Logger) -> None:
        self._handlers = handlers
        self._logger = logger

    @property
    def by_network(self) -> bool:
        """Whether the handlers are set to a network."""
        return self._handlers.method is not FusionMethod.LATE

    async def fuse(self, candidates: Sequence[Candidate], task: Task) -> list[FusedEvidence]:
        """Ask the handlers."""
        return await self._asked(self._handlers.fuse([_candidate(one) for one in candidates], _ASPECTS[task]))

    async def fuse_embeddings(
        self, asked: Sequence[AskedEmbedding], candidates: Sequence[EmbeddedCandidate], task: Task
    ) -> list[FusedEvidence]:
        """Ask the handlers."""
        query = [embedded.Asked(one.modality, one.vector, one.quality, one.weight) for one in asked]
        return await self._asked(
            self._handlers.fuse_embeddings(query, [_embedded(one) for one in candidates], _ASPECTS[task])
        )

    async def _asked(self, answer: Awaitable[list[fusing.Fused]]) -> list[FusedEvidence]:
        try:
            fused = await answer
        except Exception as error:
            raise _unavailable("fusion", error, self._logger) from error
        return [
            FusedEvidence(verdict.probability, tuple(Share(one.modality, one.share) for one in verdict.shares))
            for verdict in fused
        ]

    async def seen(self, columns: Sequence[Column], links: F64) -> F64:
        """Ask the handlers."""
        said = [fusing_columns.Column(one.modality, one.weight, one.cosines, one.qualities) for one in columns]
        try:
            return await self._handlers.seen(said, links)
        except Exception as error:
            raise _unavailable("fusion", error, self._logger) from error


def _candidate(candidate: Candidate) -> fusing.Candidate:
    pieces = (fusing.Evidence(one.modality, one.cosine, one.weight, one.quality) for one in candidate.evidence)
    return fusing.Candidate(tuple(pieces), candidate.speaker)


def _embedded(candidate: EmbeddedCandidate) -> embedded.EmbeddedCandidate:
    held = (embedded.Held(one.modality, one.vector, one.quality, one.asked) for one in candidate.embeddings)
    return embedded.EmbeddedCandidate(tuple(held), candidate.speaker)


def _unavailable(what: str, error: Exception, logger: logging.Logger) -> PortUnavailableError:
    """What a port says of a mounted service's error; the log has its trace, unless it is one expected of a back end."""
    trace = None if isinstance(error, BackendUnavailableError) else error
    logger.warning("%s failed", what, extra={"error": str(error)}, exc_info=trace)
    return PortUnavailableError(f"{what}: {error}")
