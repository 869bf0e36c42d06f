"""One pass over a file: packets of pictures come in order, packets of sound are kept for as long as a shot may ask."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import av

__all__ = ["PacketReader"]

# How far sound may lie behind its pictures in the file. Muxers keep them within a second.
INTERLEAVED_S = 4.0
# Packets that wait, of pictures or of sound, take at most so much; a minute of uncompressed stereo takes 12 MB.
MOST_BYTES = 64 << 20


class PacketReader:
    """Reads packets of one container, each once.

    Args:
        container: An open container.
        video: Its video stream.
        audio: Its audio stream, if there is one that is wanted.

    Attributes:
        cut_short: Whether the file ended in the middle of something.
        lost_sound: Packets of sound that were given up because too many waited.
    """

    def __init__(self, container: Any, video: Any, audio: Any | None) -> None:
        self.cut_short = False
        self.lost_sound = 0
        self._streams = (video,) if audio is None else (video, audio)
        self._audio = audio
        self._packets: Iterator[Any] = container.demux(*self._streams)
        self._container = container
        self._pictures: deque[Any] = deque()
        self._picture_bytes = 0
        self._sound: deque[Any] = deque()
        self._sound_bytes = 0
        self._seen_s = {stream.index: float("-inf") for stream in self._streams}
        self._over = False

    def pictures(self) -> Iterator[Any]:
        """The packets of the video stream that were not given yet; the last ones are empty and flush its decoder."""
        while self._pictures or self._read():
            if self._pictures:
                packet = self._pictures.popleft()
                self._picture_bytes -= packet.size
                yield packet

    def forget_pictures(self) -> None:
        """Let go of the pictures that wait: nobody will ask for them."""
        self._pictures.clear()
        self._picture_bytes = 0

    def sought(self) -> None:
        """Forget what was read: the container stands somewhere else now."""
        self._packets = self._container.demux(*self._streams)
        self._pictures.clear()
        self._sound.clear()
        self._picture_bytes = self._sound_bytes = 0
        self._seen_s = dict.fromkeys(self._seen_s, float("-inf"))
        self._over = False

    def sound(self, start_s: float, end_s: float) -> list[Any]:
        """Packets of sound that begin in [start_s, end_s), in the container's time; those before are forgotten.

        Pictures that lie between them in the file wait for their turn.
        """
        while self._may_come(end_s) and self._read():
            pass
        while self._sound and seconds_of(self._sound[0]) < start_s:
            self._sound_bytes -= self._sound.popleft().size
        return [packet for packet in self._sound if seconds_of(packet) < end_s]

    def _may_come(self, end_s: float) -> bool:
        """Whether sound before a time may still be ahead."""
        if self._audio is None or self._seen_s[self._audio.index] >= end_s:
            return False
        pictures_s = self._seen_s[self._streams[0].index]
        return pictures_s < end_s + INTERLEAVED_S and self._picture_bytes < MOST_BYTES

    def _read(self) -> bool:
        """Take one packet in; False at the end."""
        if self._over:
            return False
        try:
            packet = next(self._packets, None)
        except av.FFmpegError:
            self.cut_short = True
            packet = None
        if packet is None:
            self._over = True
            return False
        time_s = seconds_of(packet)
        index = packet.stream_index
        if time_s != float("-inf"):
            self._seen_s[index] = max(self._seen_s[index], time_s)
        if self._audio is not None and index == self._audio.index:
            self._keep(packet, time_s)
        else:
            self._pictures.append(packet)
            self._picture_bytes += packet.size
        return True

    def _keep(self, packet: Any, time_s: float) -> None:
        if time_s == float("-inf") or not packet.size:
            return
        self._sound.append(packet)
        self._sound_bytes += packet.size
        while self._sound_bytes > MOST_BYTES:
            self._sound_bytes -= self._sound.popleft().size
            self.lost_sound += 1


def seconds_of(packet: Any) -> float:
    """When a packet begins, in the container's time; minus infinity when it does not say."""
    ticks = packet.pts if packet.pts is not None else packet.dts
    return float("-inf") if ticks is None else float(ticks * packet.time_base)
