"""Numbers of the fusion. Each may be set by the environment: PERSONSEARCH_EVIDENCE__PRIOR_LOG_ODDS=-4."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat

from packs.fuser import FusionMethod
from packs.spec import Modality
from services.runtime.settings import Section, StackSettings

__all__ = ["FusionProcessSettings", "FusionSettings"]


class FusionSettings(Section):
    """How evidence is weighed.

    Attributes:
        method: What weighs modalities where two or more can be compared: `late`, the sum of their calibrated log-odds,
            which measured best; `associative` or `attention`, a network that goes with the pack.
        off: Modalities that are switched off: they have exactly no weight, whatever is known of them.
        prior_log_odds: Natural-log odds that a candidate is the person asked for, before its vectors are looked at. A
            pack's calibration speaks for even odds; of what is retrieved from a gallery about one in twenty is.
        limit_log_odds: Most nats that one modality may add or take: beyond what a calibration has seen, its line goes
            on without reason. A network may take as much as one modality.
        network_deadline_s: Longest wait for a network; then late fusion answers.
    """

    method: FusionMethod = FusionMethod.LATE
    off: frozenset[Modality] = frozenset()
    prior_log_odds: Annotated[float, Field(allow_inf_nan=False)] = -3.0
    limit_log_odds: PositiveFloat = 12.0
    network_deadline_s: PositiveFloat = 1.0


class FusionProcessSettings(StackSettings):
    """What the fusion process reads: the stack's settings and its own."""

    evidence: FusionSettings = FusionSettings()
