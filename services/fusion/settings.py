"""Numbers of the fusion. Each may be set by the environment: PERSONSEARCH_EVIDENCE__PRIOR_LOG_ODDS=-4."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat

from services.runtime.settings import Section, StackSettings

__all__ = ["FusionProcessSettings", "FusionSettings"]


class FusionSettings(Section):
    """How evidence is weighed.

    Attributes:
        prior_log_odds: Natural-log odds that a candidate is the person asked for, before its vectors are looked at. A
            pack's calibration speaks for even odds; of what is retrieved from a gallery about one in twenty is.
        limit_log_odds: Most nats that one modality may add or take: beyond what a calibration has seen, its line goes
            on without reason.
    """

    prior_log_odds: Annotated[float, Field(allow_inf_nan=False)] = -3.0
    limit_log_odds: PositiveFloat = 12.0


class FusionProcessSettings(StackSettings):
    """What the fusion process reads: the stack's settings and its own."""

    evidence: FusionSettings = FusionSettings()
