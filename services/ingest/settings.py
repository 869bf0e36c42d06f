"""How the ingest processes behave, on top of what every process of the stack is told.

Each may be set by the environment: PERSONSEARCH_SOURCES__ROOTS='["/srv/video"]', PERSONSEARCH_ANALYSIS__RATE_HZ=8.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from services.ingest.pipeline.settings import DecodeSettings, PipelineSettings
from services.runtime.settings import Section, StackSettings

__all__ = ["AnalysisSettings", "ApiSettings", "IngestSettings", "LeaseSettings", "SourceSettings", "WorkerSettings"]


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
        attempts: So often a video is tried when a back end does not answer, or the worker dies of it.
        report_every_s: Least time between two reports of progress.
    """

    pipeline: PipelineSettings = field(default_factory=PipelineSettings)
    lease: LeaseSettings = field(default_factory=LeaseSettings)
    rescan_s: float = 2.0
    attempts: int = 5
    report_every_s: float = 0.4


class SourceSettings(Section):
    """Which files may be read: those below `roots`, or all that the service can read when there are none."""

    roots: tuple[Path, ...] = ()


class AnalysisSettings(Section):
    """How films are analysed.

    Attributes:
        rate_hz: Frames a second that are analysed. Below 12.5 people who cross are mixed up more often.
        longest_side_px: Frames are shrunk to this.
        decoder_threads: Threads of the video decoder; 0 lets it decide.
        checkpoint_s: Seconds of video between two commits.
        lease_s: A killed worker blocks its video for so long.
    """

    rate_hz: PositiveFloat = 12.5
    longest_side_px: PositiveInt = 1920
    decoder_threads: NonNegativeInt = 2
    checkpoint_s: PositiveFloat = 10.0
    lease_s: PositiveFloat = 10.0


class IngestSettings(StackSettings):
    """Settings of the ingest API and of the worker."""

    sources: SourceSettings = SourceSettings()
    analysis: AnalysisSettings = AnalysisSettings()

    @property
    def api(self) -> ApiSettings:
        """What the API's parts want to know."""
        lease = LeaseSettings(self.analysis.lease_s)
        return ApiSettings(roots=self.sources.roots, lease=lease, stop_wait_s=2.0 * lease.ttl_s)

    @property
    def worker(self) -> WorkerSettings:
        """What the worker's parts want to know."""
        decode = DecodeSettings(
            analysis_rate_hz=self.analysis.rate_hz,
            longest_side_px=self.analysis.longest_side_px,
            threads=self.analysis.decoder_threads,
        )
        pipeline = PipelineSettings(decode=decode, checkpoint_s=self.analysis.checkpoint_s)
        return WorkerSettings(pipeline=pipeline, lease=LeaseSettings(self.analysis.lease_s))
