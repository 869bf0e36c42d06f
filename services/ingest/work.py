"""The worker: takes videos from the queue, one at a time, and sees each through."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from services.backends.ephemeral.protocol import EphemeralStore
from services.backends.index.protocol import IndexLoadingError, VectorIndex
from services.backends.schemas import Video, VideoState
from services.ingest.associations import AssociationsPort
from services.ingest.crashes import CrashedTooOftenError, CrashNotes
from services.ingest.deletion import Deletion
from services.ingest.gate import Gate, begun_by_this_pack
from services.ingest.identifiers import QUEUED_CHANNEL
from services.ingest.lease import LeaseLostError, StopRequestedError, VideoLease, owner_name
from services.ingest.pipeline.decode import UnreadableFileError
from services.ingest.pipeline.run import Pipeline
from services.ingest.progress import ProgressReporter
from services.ingest.settings import WorkerSettings
from services.ingest.wakeups import Wakeups, listening
from services.runtime.errors import BackendUnavailableError, DomainError, VideoNotFoundError

__all__ = ["Worker"]

# A video whose worker died is INGESTING with a free lease; one whose deletion was cut off is DELETING with one.
QUEUE = (VideoState.INGESTING, VideoState.QUEUED, VideoState.DELETING)
WHILE_SHUT = (VideoState.DELETING,)
PASSING_TROUBLE = (BackendUnavailableError, IndexLoadingError, ConnectionError, TimeoutError)


class Worker:
    """Ingests what is queued, and finishes what others left unfinished.

    Args:
        index: The record and the queue.
        ephemeral: Leases, wake-up calls and progress.
        pipeline: Does the work.
        associations: Is told of each finished video.
        deletion: Finishes deletions that were cut off.
        settings: Times.
        logger: Where it writes.
    """

    def __init__(
        self,
        *,
        index: VectorIndex,
        ephemeral: EphemeralStore,
        pipeline: Pipeline,
        associations: AssociationsPort,
        deletion: Deletion,
        settings: WorkerSettings,
        logger: logging.Logger,
    ) -> None:
        self._index, self._ephemeral = index, ephemeral
        self._pipeline, self._associations = pipeline, associations
        self._deletion = deletion
        self._settings = settings
        self._logger = logger
        self._owner = owner_name()
        self._troubles: Counter[str] = Counter()
        self._crashes = CrashNotes(ephemeral, settings.attempts)
        self._gate = Gate(index, ephemeral)

    async def run(self) -> None:
        """Work until cancelled; what is under way then is left at its checkpoint."""
        async with listening(self._ephemeral, QUEUED_CHANNEL) as wakeups:
            while True:
                try:
                    worked = await self.work_once()
                except PASSING_TROUBLE as error:
                    self._logger.warning("the queue cannot be read", extra={"error": str(error)})
                    worked = False
                if not worked:
                    await self._idle(wakeups)

    async def work_once(self) -> bool:
        """Work on the first video of the queue whose lease is free; say whether there was one."""
        videos = await self._index.list_videos(states=QUEUE if await self._gate.is_open() else WHILE_SHUT)
        for video in sorted(videos, key=lambda video: (QUEUE.index(video.state), video.created_at)):
            lease = VideoLease(
                self._ephemeral,
                video.video_id,
                self._owner,
                self._settings.lease,
                self._logger,
                heeds_stop=video.state is not VideoState.DELETING,
            )
            if await lease.take():
                if video.state in WHILE_SHUT or await self._gate.is_open():
                    return await self._work_on(video, lease)
                await lease.release()
        return False

    async def _idle(self, wakeups: Wakeups) -> None:
        await wakeups.wait(self._settings.rescan_s)

    async def _work_on(self, video: Video, lease: VideoLease) -> bool:
        """Work on a video whose lease was taken; False when there was nothing to do after all."""
        try:
            async with lease.kept():
                # The row may have changed between the look at the queue and the lease.
                present = await self._index.get_video(video.gallery, video.video_id)
                if present is None or present.state is not video.state:
                    return False
                if present.state is VideoState.DELETING:
                    await self._finish_deletion(present)
                else:
                    await lease.still_ours()
                    await self._ingest(present, lease.still_ours)
        except StopRequestedError:
            self._logger.info("ingest stopped on request", extra={"video_id": video.video_id})
            await self._reporter().tell(video)
            return False
        except LeaseLostError as error:
            self._logger.warning("ingest given up", extra={"video_id": video.video_id, "error": str(error)})
        return True

    async def _finish_deletion(self, video: Video) -> None:
        try:
            await self._deletion.erase(video.gallery, video.video_id)
        except (*PASSING_TROUBLE, VideoNotFoundError) as error:
            self._logger.warning("deletion not finished", extra={"video_id": video.video_id, "error": str(error)})
            await asyncio.sleep(self._settings.rescan_s)

    async def _ingest(self, video: Video, still_ours: Callable[[], Awaitable[None]]) -> None:
        reporter = self._reporter()
        try:
            async with self._crashes.noted(video):
                begun = await begun_by_this_pack(self._index, video)
                ready = await self._pipeline.run(
                    begun, _path_of(video.source_uri), still_ours=still_ours, observer=reporter
                )
        except (StopRequestedError, LeaseLostError):
            raise
        except PASSING_TROUBLE as error:
            await self._retry_later(video, error, reporter)
        except Exception as error:
            self._logger.exception("ingest failed", extra={"video_id": video.video_id})
            await self._fail(video, _reason(error), reporter)
        else:
            self._troubles.pop(video.video_id, None)
            self._log_ready(ready)
            await self._associate(ready)
            await reporter.tell(ready)

    async def _retry_later(self, video: Video, error: Exception, reporter: ProgressReporter) -> None:
        self._troubles[video.video_id] += 1
        tried = self._troubles[video.video_id]
        self._logger.warning(
            "ingest interrupted", extra={"video_id": video.video_id, "tried": tried, "error": str(error)}
        )
        if tried >= self._settings.attempts:
            del self._troubles[video.video_id]
            await self._fail(video, f"tried {tried} times; last: {error}", reporter)
            return
        await asyncio.sleep(self._settings.rescan_s * tried)

    async def _fail(self, video: Video, reason: str, reporter: ProgressReporter) -> None:
        present = await self._index.get_video(video.gallery, video.video_id)
        if present is None:
            return
        failed = present.with_changes(state=VideoState.FAILED, failure_reason=reason)
        await self._index.put_video(failed)
        await reporter.tell(failed)

    async def _associate(self, video: Video) -> None:
        """Have the edges computed while they are fresh; without that, the first search computes them."""
        try:
            count = await self._associations.associate_video(video.gallery, video.video_id)
            self._logger.info("video associated", extra={"video_id": video.video_id, "associations": count})
        except BackendUnavailableError as error:
            self._logger.warning("video not associated", extra={"video_id": video.video_id, "error": str(error)})

    def _log_ready(self, video: Video) -> None:
        facts = {"video_id": video.video_id, "appearances": video.appearance_count}
        if video.failure_reason:
            self._logger.warning(
                "video ready, but its file is damaged", extra={**facts, "damage": video.failure_reason}
            )
        else:
            self._logger.info("video ready", extra=facts)

    def _reporter(self) -> ProgressReporter:
        return ProgressReporter(self._ephemeral, self._settings.report_every_s, self._logger)


def _path_of(source_uri: str) -> Path:
    return Path(unquote(urlsplit(source_uri).path))


def _reason(error: Exception) -> str:
    if isinstance(error, (UnreadableFileError, CrashedTooOftenError, DomainError, OSError)):
        return str(error)
    return f"{type(error).__name__}: {error}"
