"""The sound around a shot, from the packets that hold it: the same samples wherever an ingest began.

Each shot's sound is decoded by itself, by a decoder that remembers nothing of what came before. What goes in are the
packets of a stretch of time, so what comes out does not depend on whether the film was read from its start.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
from scipy.signal import resample_poly

from packs.arrays import F32
from packs.sound import SAMPLE_RATE
from services.ingest.pipeline.packets import seconds_of

__all__ = ["PRIMING_S", "SoundDecoder"]

# A decoder's first packets after a gap come out wrong or not at all: AAC's overlap is 43 ms, Opus wants 80 ms.
PRIMING_S = 0.15
# Times are rounded to a millisecond in some containers; what is nearer than this follows without a gap.
SEAMLESS_S = 0.005
MOST_HZ = 400_000
# The largest value of what is not floating point, by the sample format's name without its `p` for planar.
FULL_SCALE = {"u8": 128.0, "s16": 32768.0, "s32": 2147483648.0, "s64": 9223372036854775808.0}


class SoundDecoder:
    """Decodes packets of one audio stream to 16 kHz mono.

    Args:
        stream: The audio stream.

    Attributes:
        damaged_packets: How many could not be decoded so far.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._damaged_until_s = float("-inf")
        self.damaged_packets = 0

    def samples(self, packets: Sequence[Any], start_s: float, end_s: float) -> F32 | None:
        """The sound of a stretch of the container's time, or None where there is none.

        Returns:
            float32[round((end_s - start_s) * 16000)], about -1..1; silent where packets are missing.
        """
        rate = int(self._stream.codec_context.sample_rate or 0)
        if not packets or not 0 < rate <= MOST_HZ:
            return None
        heard: F32 = np.zeros(math.ceil((end_s - start_s) * rate), np.float32)
        follows = -1
        for time_s, frame in self._frames(packets):
            if frame.sample_rate != rate:
                continue
            at = round((time_s - start_s) * rate)
            if follows >= 0 and abs(at - follows) <= SEAMLESS_S * rate:
                at = follows
            mono = _mono(frame)
            follows = at + len(mono)
            low, high = max(at, 0), min(follows, len(heard))
            if low < high:
                heard[low:high] = mono[low - at : high - at]
        return _resampled(heard, rate, round((end_s - start_s) * SAMPLE_RATE))

    def _frames(self, packets: Sequence[Any]) -> list[tuple[float, Any]]:
        context = self._fresh()
        frames: list[tuple[float, Any]] = []
        for packet in packets:
            time_s = seconds_of(packet)
            try:
                decoded = context.decode(packet)
            except av.FFmpegError:
                self._note_damage(time_s)
                continue
            for frame in decoded:
                known = frame.pts is not None and frame.time_base
                frames.append((float(frame.pts * frame.time_base) if known else time_s, frame))
        return frames

    def _fresh(self) -> Any:
        """A decoder without memory. That of AAC keeps the state of its noise even when it is flushed: a new one."""
        context = self._stream.codec_context
        if context.name != "aac":
            context.flush_buffers()
            return context
        made = av.CodecContext.create(context.codec, "r")
        made.extradata = context.extradata
        made.sample_rate, made.layout = context.sample_rate, context.layout
        return made

    def _note_damage(self, time_s: float) -> None:
        # Two shots share the sound at their cut.
        if time_s > self._damaged_until_s:
            self._damaged_until_s = time_s
            self.damaged_packets += 1


def _mono(frame: Any) -> F32:
    """The mean of a frame's channels, float32[N]."""
    raw = frame.to_ndarray()
    planar = raw if frame.format.is_planar else raw.reshape(-1, frame.layout.nb_channels).T
    mixed = planar.astype(np.float64).mean(axis=0)
    name = frame.format.name.removesuffix("p")
    if name in FULL_SCALE:
        mixed = (mixed - (128.0 if name == "u8" else 0.0)) / FULL_SCALE[name]
    mono: F32 = np.nan_to_num(mixed, nan=0.0, posinf=0.0, neginf=0.0).clip(-8.0, 8.0).astype(np.float32)
    return mono


def _resampled(sound: F32, rate: int, count: int) -> F32:
    """float32[count] at 16 kHz."""
    ratio = Fraction(SAMPLE_RATE, rate)
    made = sound if ratio == 1 else resample_poly(sound, ratio.numerator, ratio.denominator)
    out: F32 = np.zeros(count, np.float32)
    out[: min(count, len(made))] = made[:count]
    return out
