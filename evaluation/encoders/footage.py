"""Reads films straight from their files: chosen frames, and the sound."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import av
import numpy as np

from packs.arrays import F32, U8

__all__ = ["SAMPLE_RATE", "chosen_frames", "sound_of"]

SAMPLE_RATE = 16_000


def chosen_frames(path: Path, frames: Collection[int]) -> Iterator[tuple[int, U8]]:
    """Decode a film once and yield the chosen frames with their numbers, in order; uint8[H, W, 3], RGB.

    Raises ValueError when the film ends before the last of them.
    """
    wanted = set(frames)
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in wanted:
                wanted.discard(number)
                yield number, np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
            if not wanted:
                return
    if wanted:
        raise ValueError(f"{path} ends before frame {max(wanted)}: it is not the film of this truth; render it again")


def sound_of(path: Path) -> F32:
    """Decode the sound of a film: float32[N], mono, 16 kHz, from the start of the film; empty when it has none."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return np.zeros(0, dtype=np.float32)
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        blocks: list[F32] = []
        start_s: float | None = None
        for frame in container.decode(audio=0):
            start_s = frame.time if start_s is None else start_s
            blocks += [_samples(block) for block in resampler.resample(frame)]
        blocks += [_samples(block) for block in resampler.resample(None)]
    return _from_zero(np.concatenate([np.zeros(0, dtype=np.float32), *blocks]), start_s or 0.0)


def _samples(block: av.AudioFrame) -> F32:
    return np.asarray(block.to_ndarray(), dtype=np.float32).reshape(-1)


def _from_zero(samples: F32, start_s: float) -> F32:
    """Shift sound that begins at `start_s` so that its first sample is that of time 0."""
    shift = round(start_s * SAMPLE_RATE)
    return samples[-shift:] if shift <= 0 else np.concatenate([np.zeros(shift, dtype=np.float32), samples])
