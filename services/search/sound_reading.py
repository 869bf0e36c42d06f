"""An encoded sound clip to samples: bounded in bytes, seconds, formats and codecs, off the event loop.

Nothing but the clip's own bytes is read: playlists, which name other files, are not among the formats, and no protocol
may be opened.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import math
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any

import av
import numpy as np

from packs.arrays import F32
from packs.sound import SAMPLE_RATE
from services.runtime.errors import UnreadableSoundError

# As FFmpeg names them: WAV (also with 64-bit sizes), FLAC, MP3, Ogg, AAC, MP4 with its kin.
CONTAINERS = "wav,w64,flac,mp3,ogg,aac,mov,mp4,m4a,3gp,3g2,mj2"
CODECS = frozenset({"flac", "mp3", "mp3float", "opus", "libopus", "vorbis", "libvorbis", "aac", "alac"})
PCM = "pcm_"
EXPECTED = "WAV, FLAC, MP3, Ogg (Opus or Vorbis), AAC or M4A"
# Slower "sound" would grow without bound when it is brought to 16 kHz; faster is nobody's.
RATES = (4_000, 192_000)
MAX_CHANNELS = 8


class SoundReader:
    """Reads sound clips.

    Args:
        executor: Threads that decode; their number bounds the memory that is in use at once.
        max_bytes: Largest encoded clip.
        max_s: Most seconds that come out.
        reach_s: How far into a clip its span may begin: all before it must be decoded.
    """

    def __init__(self, executor: Executor, *, max_bytes: int, max_s: float, reach_s: float) -> None:
        self._executor = executor
        self._max_bytes = max_bytes
        self._max_s = max_s
        self._reach_s = reach_s

    async def read(self, encoded: bytes, span: tuple[float, float] | None = None) -> F32:
        """The sound float32[N], N >= 1, mono, 16 kHz; of a longer clip, or span of it, the first `max_s` seconds.

        Args:
            encoded: The file.
            span: Only [start, end), in seconds from the clip's start.

        Raises:
            UnreadableSoundError: If it is of another format, damaged, over the limits, or has nothing in the span.
        """
        if len(encoded) > self._max_bytes:
            raise UnreadableSoundError(got=f"{len(encoded)} bytes", expected=f"at most {self._max_bytes} bytes")
        start_s, end_s = span or (0.0, math.inf)
        if start_s > self._reach_s:
            got, expected = f"a span from {start_s:.0f} s on", f"one within {self._reach_s:.0f} s: cut the clip"
            raise UnreadableSoundError(got=got, expected=expected)
        end_s = min(end_s, start_s + self._max_s)
        return await asyncio.get_running_loop().run_in_executor(self._executor, _decode, encoded, start_s, end_s)


def _decode(encoded: bytes, start_s: float, end_s: float) -> F32:
    first, last = round(start_s * SAMPLE_RATE), round(end_s * SAMPLE_RATE)
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": ""}
    taken: list[F32] = []
    place = 0
    try:
        with av.open(io.BytesIO(encoded), options=options, metadata_errors="replace") as container:
            for block in _blocks(container):
                taken.append(block[max(0, first - place) : max(0, last - place)])
                place += block.shape[0]
                if place >= last:
                    break
    except (av.FFmpegError, OSError, ValueError) as error:
        raise UnreadableSoundError(got=f"{type(error).__name__}: {error}"[:200], expected=EXPECTED) from error
    sound = np.concatenate([np.zeros(0, np.float32), *taken])
    if sound.shape[0] == 0:
        got = f"{place / SAMPLE_RATE:.2f} s of sound, none of it from {start_s:.2f} s on"
        raise UnreadableSoundError(got=got, expected="sound in the span that is asked for" if place else EXPECTED)
    # A file of floats may hold anything.
    bounded = np.clip(np.nan_to_num(sound, nan=0.0, posinf=0.0, neginf=0.0), -4.0, 4.0)
    return np.asarray(bounded, dtype=np.float32)


def _blocks(container: Any) -> Iterator[F32]:
    """The first sound track as blocks float32[n] of mono at 16 kHz."""
    if not container.streams.audio:
        raise UnreadableSoundError(got=f"a file ({container.format.name}) without sound", expected=EXPECTED)
    stream = container.streams.audio[0]
    _check(stream.codec_context)
    resampler = av.AudioResampler(format="fltp", rate=SAMPLE_RATE)
    for frame in itertools.chain(_frames(container, stream), [None]):
        for resampled in resampler.resample(frame):
            # The mean of the channels; FFmpeg's own mix would be louder the more channels there are.
            mixed: F32 = np.asarray(resampled.to_ndarray(), np.float32).mean(axis=0)
            yield mixed


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """Decoded frames; packets that are damaged are left out, as players do at the ragged ends of a cut file."""
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        for frame in frames:
            _check(frame)
            # The resampler refuses a frame whose time is not where the one before ended; places are counted here.
            frame.pts = None
            yield frame


def _check(source: Any) -> None:
    """Refuse codecs, rates and channels that no clip of a voice has; `source` is a codec context or a frame."""
    codec = getattr(source, "name", None)
    if codec is not None and codec not in CODECS and not codec.startswith(PCM):
        raise UnreadableSoundError(got=f"sound coded as {codec}", expected=EXPECTED)
    slowest, fastest = RATES
    # A codec may not know its rate before the first frame.
    if source.sample_rate and not slowest <= source.sample_rate <= fastest:
        expected = f"{slowest} to {fastest} samples a second"
        raise UnreadableSoundError(got=f"{source.sample_rate} samples a second", expected=expected)
    if source.layout.nb_channels > MAX_CHANNELS:
        got, expected = f"{source.layout.nb_channels} channels", f"at most {MAX_CHANNELS}"
        raise UnreadableSoundError(got=got, expected=expected)
