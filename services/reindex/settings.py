"""Settings of `personsearch reindex` and `pack`, on top of what every process of the stack is told."""

from __future__ import annotations

from pydantic import PositiveFloat, PositiveInt

from services.runtime.settings import Section, StackSettings

__all__ = ["ReindexSettings", "ReindexStackSettings"]


class ReindexSettings(Section):
    """How a reindex works.

    Attributes:
        threads: CPU threads of one network; one leaves the rest to those who search meanwhile.
        lease_s: A killed reindex holds up the next one, and whoever deletes the video that it was at, for so long.
        sample: Appearances of each modality that are asked for in both packs to compare their rankings.
        deadline_s: Longest wait for one call of the index; a search waits far less, but nobody waits for a reindex.
    """

    threads: PositiveInt = 1
    lease_s: PositiveFloat = 10.0
    sample: PositiveInt = 50
    deadline_s: PositiveFloat = 120.0


class ReindexStackSettings(StackSettings):
    """Settings of a process that reindexes."""

    reindex: ReindexSettings = ReindexSettings()
