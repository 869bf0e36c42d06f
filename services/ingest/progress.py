"""How an ingest goes, told to whoever watches. It may be lost without harm: the video's row has what counts."""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass

from services.backends.ephemeral.protocol import EphemeralStore
from services.backends.schemas import Video, VideoState
from services.ingest.identifiers import changed_channel, progress_key
from services.ingest.pipeline.run import Observer
from services.runtime.errors import BackendUnavailableError

__all__ = ["Progress", "ProgressReporter", "read_progress"]

KEPT_S = 24 * 3600.0
# Speed is that of the last while.
SPEED_WINDOW_S = 15.0


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of an ingest; times in seconds of video, `speed` in seconds of video a second of work."""

    state: VideoState
    analysed_s: float
    committed_s: float
    appearance_count: int
    speed: float | None = None

    def to_json(self) -> bytes:
        """As it is kept."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Progress:
        """As it was kept."""
        fields = json.loads(content)
        return cls(**{**fields, "state": VideoState(fields["state"])})


async def read_progress(ephemeral: EphemeralStore, video_id: str) -> Progress | None:
    """The last that was told of a video; None when nothing is known, or the store does not answer."""
    try:
        content = await ephemeral.get(progress_key(video_id))
    except BackendUnavailableError:
        return None
    return None if content is None else Progress.from_json(content)


class ProgressReporter(Observer):
    """Tells how one ingest goes.

    Args:
        ephemeral: Where it is told.
        every_s: Least time between two reports of analysed frames; changes of state are told at once.
        logger: Where trouble is written.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        ephemeral: EphemeralStore,
        every_s: float,
        logger: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ephemeral = ephemeral
        self._every_s = every_s
        self._logger = logger
        self._clock = clock
        self._told_s = float("-inf")
        self._analysed_s = 0.0
        self._marks: deque[tuple[float, float]] = deque()

    async def started(self, video: Video) -> None:
        """The file is open."""
        self._analysed_s = video.committed_s
        self._marks.append((self._clock(), self._analysed_s))
        await self.tell(video)

    async def analysed(self, video: Video, time_s: float) -> None:
        """Frames before a time have been analysed."""
        now = self._clock()
        self._analysed_s = max(self._analysed_s, time_s)
        self._marks.append((now, self._analysed_s))
        while len(self._marks) > 2 and now - self._marks[0][0] > SPEED_WINDOW_S:
            self._marks.popleft()
        if now - self._told_s >= self._every_s:
            await self.tell(video)

    async def committed(self, video: Video) -> None:
        """The checkpoint moved."""
        self._analysed_s = max(self._analysed_s, video.committed_s)
        await self.tell(video)

    async def tell(self, video: Video) -> None:
        """Tell the present state at once."""
        self._told_s = self._clock()
        progress = Progress(video.state, self._analysed_s, video.committed_s, video.appearance_count, self._speed())
        try:
            await self._ephemeral.put(progress_key(video.video_id), progress.to_json(), KEPT_S)
            await self._ephemeral.publish(changed_channel(video.video_id), progress.to_json())
        except BackendUnavailableError as error:
            self._logger.warning("progress not told", extra={"video_id": video.video_id, "error": str(error)})

    def _speed(self) -> float | None:
        if len(self._marks) < 2:
            return None
        (then, from_s), (now, to_s) = self._marks[0], self._marks[-1]
        return (to_s - from_s) / (now - then) if now > then else None
