"""How the ingest processes behave; addresses and back ends are `services.runtime.settings.StackSettings`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from services.ingest.pipeline.settings import PipelineSettings

__all__ = ["ApiSettings", "LeaseSettings", "WorkerSettings"]


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """Who may work on a video.

    Attributes:
        ttl_s: A lease that is not renewed so long is free again: how long a killed worker blocks its video.
    """

    ttl_s: float = 10.0

    @property
    def renewal_s(self) -> float:
        """Time between two renewals."""
        return self.ttl_s / 3.0


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """The API process.

    Attributes:
        roots: Only files below these folders are read; every readable file when empty.
        lease: Who may work on a video.
        stop_wait_s: How long a deletion waits for a worker to let go; more than the lease's time to live.
        watch_refresh_s: A watcher looks again after so long without news.
    """

    roots: tuple[Path, ...] = ()
    lease: LeaseSettings = field(default_factory=LeaseSettings)
    stop_wait_s: float = 20.0
    watch_refresh_s: float = 2.0


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """The worker process.

    Attributes:
        pipeline: How videos are analysed.
        lease: Who may work on a video.
        rescan_s: Pause before an idle worker looks at the queue again without having been called.
        attempts: So often a video is tried again when a back end does not answer.
        report_every_s: Least time between two reports of progress.
    """

    pipeline: PipelineSettings = field(default_factory=PipelineSettings)
    lease: LeaseSettings = field(default_factory=LeaseSettings)
    rescan_s: float = 2.0
    attempts: int = 5
    report_every_s: float = 0.4
