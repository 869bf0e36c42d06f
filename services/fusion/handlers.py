"""What the fusion service does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from packs.arrays import F64
from packs.calibration import Calibration
from packs.spec import Modality
from services.fusion.columns import Column, seen
from services.fusion.fusing import Aspect, Candidate, Fused, Fuser
from services.fusion.settings import FusionSettings

__all__ = ["FusionHandlers"]


class FusionHandlers:
    """Joins the evidence of candidates; it keeps nothing and waits for nothing.

    Args:
        calibration: Of the active pack.
        settings: How evidence is weighed.
    """

    def __init__(self, calibration: Mapping[Modality, Calibration], settings: FusionSettings) -> None:
        self._fuser = Fuser(calibration, settings)
        self._calibration, self._settings = calibration, settings

    async def fuse(self, candidates: Sequence[Candidate], aspect: Aspect = Aspect.SEEN) -> list[Fused]:
        """Give one verdict for each candidate, in their order."""
        return [self._fuser.fuse(candidate, aspect) for candidate in candidates]

    async def seen(self, columns: Sequence[Column], links: F64) -> F64:
        """Give the probabilities alone, float64[N], that very many candidates show the person, as `columns.seen`."""
        return seen(self._calibration, self._settings, columns, links)
