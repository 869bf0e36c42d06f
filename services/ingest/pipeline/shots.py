"""Shots: where the picture changes as a whole, at one frame or in a dissolve; nothing has to be taken back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from scenedetect import FrameTimecode
from scenedetect.detector import FlashFilter
from scenedetect.detectors import ContentDetector

from packs.arrays import U8
from services.ingest.pipeline.decode import DecodedFrame
from services.ingest.pipeline.dissolves import softened, with_dissolves
from services.ingest.pipeline.settings import DecodeSettings
from services.ingest.pipeline.values import Chunk, Frame, Glimpse, Position, Sound

__all__ = ["CutDetector", "read_chunks"]

# A cut changes the picture at least so many times more than the frames before it did on average.
LEAP = 4.0
MEMORY_FRAMES = 6
# And what is large in the picture changes by this share of its contrast, as root mean square. Where a codec begins a
# new group of pictures the colours of a dark scene leap: by 0.03 of the contrast, where cuts have 0.4 and more.
LEAST_CHANGE = 0.15

Listen = Callable[[Position, Position], Sound | None]


class CutDetector:
    """Says of each frame whether a new shot begins with it. Every frame of the film is shown to it, in order.

    Its state is made anew at each cut, so an ingest that begins again at a checkpoint sees what the first run saw.
    """

    def __init__(self, threshold: float, shortest_frames: int) -> None:
        self._threshold = threshold
        self._shortest_frames = shortest_frames
        self._last: U8 | None = None
        self._changes: deque[float] = deque(maxlen=MEMORY_FRAMES)
        self._restart()

    def begins(self, picture: U8) -> bool:
        """Whether a shot begins with this small BGR picture, uint8[h, w, 3]; the first one never does."""
        cuts = bool(self._detector.process_frame(FrameTimecode(self._seen, fps=25.0), picture))
        self._seen += 1
        last, leaps = self._last, self._leaps(picture)
        begins = cuts and leaps and last is not None and _shows_another(last, picture)
        if begins:
            self.restart_with(picture)
        return begins

    def _leaps(self, picture: U8) -> bool:
        """Whether the picture changed far more than in the frames before: a pan changes every one, a cut only one.

        This lets the threshold be low enough for cuts inside one room.
        """
        if self._last is None:
            self._last = picture
            return False
        change = float(cv2.absdiff(picture, self._last).mean())
        usual = sum(self._changes) / len(self._changes) if self._changes else 0.0
        self._changes.append(change)
        self._last = picture
        return change >= LEAP * usual

    def restart_with(self, picture: U8) -> None:
        """Let a shot begin with this picture, whatever it looks like."""
        self._restart()
        self._detector.process_frame(FrameTimecode(0, fps=25.0), picture)
        self._seen = 1
        self._last = picture

    def _restart(self) -> None:
        # SUPPRESS decides at once; MERGE would move a cut after later frames were seen.
        self._detector = ContentDetector(
            threshold=self._threshold, min_scene_len=self._shortest_frames, filter_mode=FlashFilter.Mode.SUPPRESS
        )
        self._seen = 0
        self._last = None
        self._changes.clear()


def _shows_another(last: U8, picture: U8) -> bool:
    """Whether two pictures differ in what is large in them, not only in noise."""
    before, after = softened(last), softened(picture)
    contrast = float(np.sqrt((before.var() + after.var()) / 2.0))
    return float(np.sqrt(np.square(after - before).mean())) >= LEAST_CHANGE * max(contrast, 1.0)


def read_chunks(
    frames: Iterator[DecodedFrame], frame_s: float, settings: DecodeSettings, listen: Listen | None = None
) -> Iterator[Chunk]:
    """Group frames into chunks of one shot each; only analysed frames are turned into pictures.

    Args:
        frames: Every frame, from the start of a shot on.
        frame_s: Nominal time from one frame to the next.
        settings: Rates and thresholds.
        listen: Gives the sound around a shot; without it there are neither sound nor glimpses.
    """
    stride = max(1, round(1.0 / (frame_s * settings.analysis_rate_hz)))
    glimpse_stride = max(1, round(1.0 / (frame_s * settings.glimpse_rate_hz)))
    cuts = CutDetector(settings.cut_threshold, settings.shortest_shot_frames)
    start: Position | None = None
    pending: list[Frame] = []
    glimpses: list[Glimpse] = []

    def ended(start: Position, end: Position, film_ends: bool = False) -> Chunk:
        sound = None if listen is None else listen(start, end)
        return Chunk(start, tuple(pending), end, film_ends, tuple(glimpses), sound)

    last = Position(-1, 0.0)
    for decoded, small, dissolves in with_dissolves(frames):
        position = decoded.position
        begins = cuts.begins(small)
        if start is None:
            start = position
        elif begins or dissolves or position.time_s - start.time_s >= settings.longest_segment_s:
            if not begins:
                cuts.restart_with(small)
            yield ended(start, position)
            start, pending, glimpses = position, [], []
        since = position.frame - start.frame
        if listen is not None and since % glimpse_stride == 0:
            glimpses.append(Glimpse(position, decoded.luma()))
        if since % stride == 0:
            pending.append(Frame(position, decoded.rgb(settings.longest_side_px)))
        if len(pending) == settings.batch:
            yield Chunk(start, tuple(pending), glimpses=tuple(glimpses))
            pending, glimpses = [], []
        last = position
    if start is not None:
        yield ended(start, Position(last.frame + 1, last.time_s + frame_s), film_ends=True)
