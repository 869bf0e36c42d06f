"""What the fusion service does."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from packs.arrays import F64
from packs.calibration import Calibration
from packs.errors import PackError
from packs.fuser import FusionMethod
from packs.spec import Modality
from services.backends.fusers import Representer
from services.fusion.columns import Column, seen
from services.fusion.embedded import Asked, EmbeddedCandidate, pairs_of
from services.fusion.fusing import Aspect, Candidate, Fused, Fuser
from services.fusion.networks import NetworkFuser
from services.fusion.settings import FusionSettings
from services.runtime.errors import FieldViolation, InvalidFieldError

__all__ = ["FusionHandlers"]


class FusionHandlers:
    """Joins the evidence of candidates; it keeps nothing.

    Args:
        calibration: Of the active pack.
        settings: How evidence is weighed.
        representers: Networks that fuse what the pack embeds, by method.

    Raises:
        PackError: If the method of the settings has no network.
    """

    def __init__(
        self,
        calibration: Mapping[Modality, Calibration],
        settings: FusionSettings,
        representers: Mapping[FusionMethod, Representer] | None = None,
    ) -> None:
        known = {modality: line for modality, line in calibration.items() if modality not in settings.off}
        self._fuser = Fuser(known, settings)
        self._calibration, self._settings = known, settings
        self._method = settings.method
        self._networks = {
            method: NetworkFuser(method, representer, self._fuser, settings)
            for method, representer in (representers or {}).items()
        }
        if self._method is not FusionMethod.LATE and self._method not in self._networks:
            raise PackError(
                f"evidence is to be fused by the method {self._method}, but no network of it goes with the pack: set "
                "PERSONSEARCH_FUSERS to the folder of one, or PERSONSEARCH_EVIDENCE__METHOD to late"
            )

    @property
    def method(self) -> FusionMethod:
        """What the service is set to."""
        return self._method

    async def fuse(
        self,
        candidates: Sequence[Candidate],
        aspect: Aspect = Aspect.SEEN,
        off: Collection[Modality] = frozenset(),
    ) -> list[Fused]:
        """Give late fusion's verdict for each candidate, in their order; `off` has no weight."""
        if off:
            candidates = [_without(candidate, off) for candidate in candidates]
        return [self._fuser.fuse(candidate, aspect) for candidate in candidates]

    async def seen(self, columns: Sequence[Column], links: F64) -> F64:
        """Give the probabilities alone, float64[N], that very many candidates show the person, as `columns.seen`."""
        return seen(self._calibration, self._settings, columns, links)

    async def fuse_embeddings(
        self,
        asked: Sequence[Asked],
        candidates: Sequence[EmbeddedCandidate],
        aspect: Aspect = Aspect.SEEN,
        method: FusionMethod | None = None,
        off: Collection[Modality] = frozenset(),
    ) -> list[Fused]:
        """Give one verdict for each candidate, in their order.

        Args:
            asked: The person asked for.
            candidates: The appearances.
            aspect: What is asked of them; networks say who is seen, the rest late fusion judges.
            method: What judges; None takes what the service is set to.
            off: Modalities that have no weight, beside those of the settings.

        Raises:
            InvalidFieldError: The method has no network, or embeddings do not fit each other or the network.
            BackendUnavailableError: The network does not answer.
        """
        judge = self._network(method or self._method)
        pairs = [pairs_of(asked, one, off, f"candidates[{place}]") for place, one in enumerate(candidates)]
        if judge is None or aspect is not Aspect.SEEN:
            return [self._fuser.fuse(one.candidate, aspect) for one in pairs]
        try:
            return await judge.fuse(pairs)
        except ValueError as error:
            raise InvalidFieldError([FieldViolation("candidates", str(error))]) from error

    def _network(self, method: FusionMethod) -> NetworkFuser | None:
        if method is FusionMethod.LATE:
            return None
        if method not in self._networks:
            there = ", ".join([FusionMethod.LATE, *self._networks])
            raise InvalidFieldError([FieldViolation("method", f"{method} has no network here; there are {there}")])
        return self._networks[method]


def _without(candidate: Candidate, off: Collection[Modality]) -> Candidate:
    return replace(candidate, evidence=tuple(piece for piece in candidate.evidence if piece.modality not in off))
