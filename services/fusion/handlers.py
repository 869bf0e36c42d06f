"""What the fusion service does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from packs.calibration import Calibration
from packs.spec import Modality
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

    async def fuse(self, candidates: Sequence[Candidate], aspect: Aspect = Aspect.SEEN) -> list[Fused]:
        """Give one verdict for each candidate, in their order."""
        return [self._fuser.fuse(candidate, aspect) for candidate in candidates]
