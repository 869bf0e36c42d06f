"""Frames of a file, streamed: each is decoded once, and any checkpoint is found again exactly.

Only local files in known containers are opened: play lists and the like could make the library read elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from av.stream import Disposition

from packs.arrays import U8
from services.ingest.pipeline.listen import PRIMING_S, SoundDecoder
from services.ingest.pipeline.packets import PacketReader
from services.ingest.pipeline.values import Position, Sound

__all__ = ["DecodedFrame", "UnreadableFileError", "VideoFile", "VideoFormat"]

# Names of FFmpeg's demuxers. Those that open other files (concat, hls, dash, image2) are left out on purpose.
CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,mxf,h264,hevc,ivf"
# These keep no presentation times, so their frames are counted, and a checkpoint is reached from the start.
COUNTED_CONTAINERS = ("avi", "h264", "hevc")
# Decoding starts so much before a checkpoint that frames which lean on an earlier key frame come out whole.
PREROLL_S = 2.0
# Sound is heard so much longer than a shot at both ends, and from a whole multiple of 10 ms on.
AROUND_S = 0.5
GRID_HZ = 100
# Pixel formats whose first plane is the brightness, one byte each, and the longest side up to which it is not copied.
BRIGHT_FIRST = frozenset(
    {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "nv21", "gray", "yuva420p"}
)
GLIMPSE_PX = 1280
# A film whose pictures end so much before its stated duration is not whole; sound often lasts a little longer.
MISSING_S = 1.0
# Times read back from a store may have lost some digits; half of a frame at 250/s is more than that.
TIME_SLACK_S = 0.002


class UnreadableFileError(ValueError):
    """The file is no video that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """What is known of a video before it is decoded; sizes are those of the upright picture."""

    duration_s: float
    width_px: int
    height_px: int
    frames_per_second: float


@dataclass(frozen=True, slots=True, eq=False)
class DecodedFrame:
    """A frame as the library holds it, and how it turns into pictures."""

    position: Position
    picture: Any  # av.VideoFrame
    quarter_turns: int

    def rgb(self, longest_side_px: int) -> U8:
        """The upright picture, uint8[H, W, 3], shrunk to a longest side."""
        width, height = _fitted(self.picture.width, self.picture.height, longest_side_px)
        pixels: U8 = self.picture.reformat(width=width, height=height, format="rgb24").to_ndarray()
        return np.ascontiguousarray(np.rot90(pixels, self.quarter_turns)) if self.quarter_turns else pixels

    def thumbnail(self, width_px: int = 256) -> U8:
        """A small picture, uint8[h, w, 3], BGR, perhaps lying on its side."""
        width, height = _fitted(self.picture.width, self.picture.height, width_px)
        small = self.picture.reformat(width=width, height=height, format="bgr24", interpolation="FAST_BILINEAR")
        pixels: U8 = small.to_ndarray()
        return pixels

    def luma(self) -> U8:
        """The brightness of the upright picture, uint8[h, w], at most 1280 long; without a copy where that can be."""
        picture = self.picture
        width, height = _fitted(picture.width, picture.height, GLIMPSE_PX)
        if picture.format.name in BRIGHT_FIRST and width == picture.width:
            plane = picture.planes[0]
            rows: U8 = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        else:
            rows = picture.reformat(width=width, height=height, format="gray").to_ndarray()
        return np.rot90(rows, self.quarter_turns) if self.quarter_turns else rows


class VideoFile:
    """An open file. Not for several threads at once; `close` it.

    Args:
        path: The file.
        threads: Of the video decoder; 0 lets it decide.
        with_sound: Whether its sound will be asked for.

    Attributes:
        format: What is known of it.
        damaged_packets: How many packets of pictures could not be decoded so far.
        cut_short: Whether the file ended in the middle of something.
    """

    def __init__(self, path: Path, threads: int = 2, *, with_sound: bool = False) -> None:
        self._path = path
        self._threads = threads
        self._with_sound = with_sound
        self.damaged_packets = 0
        self.cut_short = False
        self._ended_s = float("inf")  # until the end was reached
        self._open()
        try:
            self._first = next(self._pictures(), None)
            if self._first is None:
                raise UnreadableFileError(f"{path.name}: no frame of its video could be decoded")
            self._quarter_turns = round(float(getattr(self._first, "rotation", 0)) / 90.0) % 4
            self._counted = self._container.format.name in COUNTED_CONTAINERS or self._first.pts is None
            self.format = self._format()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    @property
    def damage(self) -> str:
        """What of the file could not be read so far, for people; empty when all could."""
        said = []
        if self.damaged_packets:
            said.append(f"{self.damaged_packets} damaged pieces were left out")
        silent = self._reader.lost_sound + (self._ear.damaged_packets if self._ear is not None else 0)
        if silent:
            said.append(f"{silent} pieces of its sound could not be heard")
        missing_s = self.format.duration_s - self._ended_s
        if self.cut_short or missing_s > MISSING_S:
            said.append(f"the file ends in the middle, at {self._ended_s:.1f} of {self.format.duration_s:.1f} s")
        return "; ".join(said)

    @property
    def frame_s(self) -> float:
        """Nominal time from one frame to the next, in seconds."""
        return 1.0 / self.format.frames_per_second

    def frames(self, start: Position | None = None) -> Iterator[DecodedFrame]:
        """All frames from a position on (that of a checkpoint), in order of time; asked once of an open file."""
        wanted = start or Position(0, 0.0)
        if wanted.frame == 0:
            yield from self._from(wanted, self._with_first())
            return
        frames = self._from(wanted, self._after_seek(wanted.time_s))
        first = next(frames, None)
        if first is not None and first.position.time_s > wanted.time_s + 0.75 * self.frame_s:
            # The index of the file misleads: the slow way is always right.
            self._reopen()
            frames = self._from(wanted, self._pictures())
            first = next(frames, None)
        if first is not None:
            yield first
            yield from frames

    def sound(self, start: Position, end: Position) -> Sound | None:
        """What is heard from a position to another and half a second around; None where nothing was recorded.

        To be asked for shots in their order, each before the frames after it. The same samples come whether the file
        was read from its start or from a checkpoint.
        """
        if self._ear is None:
            return None
        start_s = math.floor((start.time_s - AROUND_S) * GRID_HZ) / GRID_HZ
        end_s = math.ceil((end.time_s + AROUND_S) * GRID_HZ) / GRID_HZ
        # Where frames are counted, their own times are not to be trusted; those of sound are, and begin at 0.
        origin = 0.0 if self._counted else self._origin_s()
        packets = self._reader.sound(start_s + origin - PRIMING_S, end_s + origin)
        samples = self._ear.samples(packets, start_s + origin, end_s + origin)
        return None if samples is None else Sound(start_s, samples)

    def forget_pictures(self) -> None:
        """Let go of the pictures that were read on the way to sound; for those who ask for sound alone."""
        self._reader.forget_pictures()

    def _open(self) -> None:
        options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
        try:
            container = av.open(f"file:{self._path}", options=options, metadata_errors="replace")
        except (av.FFmpegError, OSError, ValueError) as error:
            raise UnreadableFileError(f"{self._path.name}: {_said(error)}") from error
        if not container.streams.video:
            container.close()
            raise UnreadableFileError(f"{self._path.name} has no video stream; give a file with pictures")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = self._threads
        audio = _default_track(container) if self._with_sound else None
        self._container: Any = container
        self._stream: Any = stream
        self._reader = PacketReader(container, stream, audio)
        self._ear = None if audio is None else SoundDecoder(audio)

    def _reopen(self) -> None:
        self._container.close()
        self._open()

    def _format(self) -> VideoFormat:
        stream, first = self._stream, self._first
        assert first is not None
        rate = float(stream.average_rate or stream.guessed_rate or stream.base_rate or 25)
        duration = 0.0
        if stream.duration is not None:
            duration = float(stream.duration * stream.time_base)
        elif self._container.duration is not None:
            duration = self._container.duration / av.time_base
        width, height = first.width, first.height
        if self._quarter_turns % 2:
            width, height = height, width
        return VideoFormat(max(duration, 0.0), width, height, rate if rate > 0.0 else 25.0)

    def _pictures(self) -> Iterator[Any]:
        reader = self._reader
        for packet in reader.pictures():
            try:
                pictures = packet.decode()
            except av.FFmpegError:
                self.damaged_packets += 1
                continue
            yield from pictures
        self.cut_short = self.cut_short or reader.cut_short

    def _with_first(self) -> Iterator[Any]:
        # The decoder has already given its first frame; it goes on after it.
        yield self._first
        yield from self._pictures()

    def _after_seek(self, time_s: float) -> Iterator[Any]:
        target_s = max(0.0, time_s - PREROLL_S) + self._origin_s()
        if self._counted:
            self._reopen()
            return self._pictures()
        try:
            self._container.seek(int(target_s / self._stream.time_base), stream=self._stream, backward=True)
            self._reader.sought()
        except av.FFmpegError:
            self._reopen()
        return self._pictures()

    def _origin_s(self) -> float:
        first = self._first
        return 0.0 if first is None or first.pts is None else float(first.pts * self._stream.time_base)

    def _from(self, start: Position, pictures: Iterator[Any]) -> Iterator[DecodedFrame]:
        origin, time_base = self._origin_s(), self._stream.time_base
        number, last_s = start.frame, -1.0
        counted_s = -self.frame_s
        for picture in pictures:
            if picture.is_corrupt:
                self.damaged_packets += 1
            counted_s += self.frame_s
            known = not self._counted and picture.pts is not None
            time_s = float(picture.pts * time_base) - origin if known else counted_s
            if time_s <= last_s:
                continue
            last_s = time_s
            if time_s < start.time_s - TIME_SLACK_S:
                continue
            yield DecodedFrame(Position(number, time_s), picture, self._quarter_turns)
            number += 1
        self._ended_s = max(last_s, 0.0)


def _default_track(container: Any) -> Any | None:
    """The audio stream that a player would choose: that marked as default, else the first that can be decoded."""
    known = [stream for stream in container.streams.audio if stream.codec_context is not None]
    marked = [stream for stream in known if stream.disposition & Disposition.default]
    return next(iter(marked + known), None)


def _fitted(width: int, height: int, longest_px: int) -> tuple[int, int]:
    scale = min(1.0, longest_px / max(width, height))
    return max(2, round(width * scale)), max(2, round(height * scale))


def _said(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
