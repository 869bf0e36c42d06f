"""Following an ingest as it goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from services.backends.ephemeral.protocol import EphemeralStore
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import Video, VideoState
from services.ingest.identifiers import changed_channel
from services.ingest.progress import Progress, read_progress
from services.ingest.wakeups import listening
from services.runtime.errors import VideoNotFoundError

__all__ = ["IngestMoment", "IngestWatcher"]

LAST_STATES = (VideoState.READY, VideoState.FAILED)


@dataclass(frozen=True, slots=True)
class IngestMoment:
    """A video as it stands, up to where it is analysed, and how fast (seconds of video a second)."""

    video: Video
    analysed_s: float
    speed: float | None


class IngestWatcher:
    """Watches ingests.

    Args:
        index: Has the rows.
        ephemeral: Carries the news.
        refresh_s: Without news it looks at the row again after so long.
    """

    def __init__(self, index: VectorIndex, ephemeral: EphemeralStore, refresh_s: float) -> None:
        self._index = index
        self._ephemeral = ephemeral
        self._refresh_s = refresh_s

    async def watch(self, gallery: str, video_id: str) -> AsyncIterator[IngestMoment]:
        """Yield the present state, then each change, until the video is ready or has failed.

        Raises:
            VideoNotFoundError: If there is no such video, or not any more.
        """
        async with listening(self._ephemeral, changed_channel(video_id)) as wakeups:
            last: IngestMoment | None = None
            video = await self._row(gallery, video_id)
            while True:
                progress = await read_progress(self._ephemeral, video_id)
                if progress is not None and progress.state is not video.state:
                    video = await self._row(gallery, video_id)
                moment = _moment(video, progress)
                if moment != last:
                    yield moment
                last = moment
                if video.state in LAST_STATES:
                    return
                if not await wakeups.wait(self._refresh_s):
                    video = await self._row(gallery, video_id)

    async def _row(self, gallery: str, video_id: str) -> Video:
        video = await self._index.get_video(gallery, video_id)
        if video is None or video.state is VideoState.DELETING:
            raise VideoNotFoundError(gallery, video_id)
        return video


def _moment(video: Video, progress: Progress | None) -> IngestMoment:
    """The row, with what is newer in the news of the same run."""
    if video.state is VideoState.READY:
        return IngestMoment(video, max(video.committed_s, video.duration_s), progress.speed if progress else None)
    if progress is None or progress.state is not video.state:
        return IngestMoment(video, video.committed_s, None)
    if progress.committed_s > video.committed_s:
        video = video.with_changes(committed_s=progress.committed_s, appearance_count=progress.appearance_count)
    return IngestMoment(video, max(progress.analysed_s, video.committed_s), progress.speed)
