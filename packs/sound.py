"""Sound to network inputs, the only implementation: training, export and serving all call it. numpy alone.

Sound is float32[N], mono, 16 kHz, about -1..1. What leaves here are windows of a log-magnitude spectrogram, a fixed
number of frames each, so that engines have static shapes. The spectrogram is that of the iQIYI-VID audio stream
(methods.md 5.1: 16 kHz, magnitude, no mel scale); its logarithm is taken, since voices differ by decibels, and what is
subtracted is left to the network, inside its graph.
"""

from __future__ import annotations

import numpy as np

from packs.arrays import F32
from packs.spec import SoundPreprocessing

SAMPLE_RATE = 16_000
WINDOW = 400  # samples of one frame: 25 ms
HOP = 160  # samples from one frame to the next: 10 ms
FFT = 512
BINS = FFT // 2 + 1
FLOOR = 1e-3  # added to the magnitude: about what the last bit of 16 makes
SILENCE = float(np.log(FLOOR))

# Frame t is centred on the 10 ms that it speaks of, samples [160 t, 160 t + 160): it reaches this far beyond both ends.
REACH = (WINDOW - HOP) // 2
# Frames that are transformed at once: bounds the memory of a long film.
CHUNK = 4096


def frame_count(samples: int) -> int:
    """Frames of so many samples: one for each 10 ms that was begun."""
    return -(-samples // HOP)


def magnitude(samples: F32) -> F32:
    """The log-magnitude spectrogram of a sound.

    Args:
        samples: float32[N], N >= 1, 16 kHz.

    Returns:
        float32[ceil(N / 160), 257], natural logarithm of (magnitude + 0.001): -6.9 in silence, at most about 5.4.
        Frame t is centred on sample 160 t + 80; beyond both ends the sound is silent.

    Raises:
        ValueError: If the sound is empty, not one-dimensional, or not finite.
    """
    return frames_of(reached(samples))


def reached(samples: F32) -> F32:
    """A sound with silence to the end of its last frame, and for the reach of the first and the last frame.

    Raises:
        ValueError: If the sound is empty, not one-dimensional, or not finite.
    """
    sound = checked(samples)
    if sound.shape[0] == 0:
        raise ValueError("a sound must have at least 1 sample, got none")
    padded = np.zeros(frame_count(sound.shape[0]) * HOP + 2 * REACH, np.float32)
    padded[REACH : REACH + sound.shape[0]] = sound
    return padded


def frames_of(padded: F32) -> F32:
    """Frames of sound that already has its 120 samples of reach at both ends: float32[(len - 240) / 160, 257]."""
    logarithm: F32 = np.log(magnitudes_of(padded) + np.float32(FLOOR))
    return logarithm


def magnitudes_of(padded: F32) -> F32:
    """Magnitudes, not negative, of sound that has its reach at both ends: float32[(len - 240) / 160, 257]."""
    views = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    window: F32 = np.hamming(WINDOW).astype(np.float32)
    parts = [_transformed(views[start : start + CHUNK] * window) for start in range(0, views.shape[0], CHUNK)]
    return np.concatenate(parts)


def voice_windows(samples: F32, how: SoundPreprocessing) -> F32:
    """Cut a clip of one voice into windows for its encoder.

    A clip shorter than a window is wrapped round. A longer one is cut every ``how.hop`` frames, and the last window is
    moved back so that it ends with the clip.

    Args:
        samples: float32[N], N >= 1, 16 kHz.
        how: The encoder's preprocessing, of kind ``wrapped``.

    Returns:
        float32[n, how.frames, 257], n >= 1; of a network that takes the sound itself float32[n, 160 how.frames].
    """
    if how.front_end == "waveform-1":
        return _sound_windows(samples, how)
    spectrogram = magnitude(samples)
    starts = window_starts(spectrogram.shape[0], how)
    return np.stack([spectrogram[_rows(start, spectrogram.shape[0], how.frames)] for start in starts])


def window_weights(activity: F32, how: SoundPreprocessing) -> F32:
    """How much speech each window of `voice_windows` holds.

    Args:
        activity: float32[T], probability of speech in each frame of the clip.
        how: The encoder's preprocessing.

    Returns:
        float32[n], mean probability of each window, at least 0.01 so that no clip weighs nothing.
    """
    frames = activity.shape[0]
    means = [activity[_rows(start, frames, how.frames)].mean() for start in window_starts(frames, how)]
    return np.maximum(np.array(means, np.float32), np.float32(0.01))


def window_starts(frames: int, how: SoundPreprocessing) -> list[int]:
    """First frame of each window over a clip of so many frames."""
    last = frames - how.frames
    if last <= 0:
        return [0]
    starts = list(range(0, last + 1, how.hop))
    # A rest of a few frames is in the window before it, but for those few.
    if last - starts[-1] >= how.hop // 4:
        starts.append(last)
    return starts


def activity_windows(samples: F32, how: SoundPreprocessing) -> F32:
    """Cut a whole sound into windows for voice activity, as `ActivityStream` cuts it in blocks.

    Returns:
        float32[n, how.frames, 257]; `stitched` joins the answers.
    """
    stream = ActivityStream(how)
    return np.concatenate([stream.push(samples), stream.finish()])


def stitched(probabilities: F32, how: SoundPreprocessing) -> F32:
    """Join the answers to consecutive windows: float32[n, how.frames] to float32[n * how.hop].

    Of each window the middle counts; at its margins the network sees too little of what comes before and after.
    """
    margin = (how.frames - how.hop) // 2
    middle: F32 = probabilities[:, margin : margin + how.hop].reshape(-1)
    return middle


class ActivityStream:
    """Cuts sound that comes in blocks of any size into the windows of the whole.

    Window k answers for frames [k * hop, (k + 1) * hop), so it is there as soon as ``hop + margin`` frames and 7.5 ms
    have come: with windows of 128 frames and a hop of 96, the answer for a moment comes at most 1.13 s after it.

    Args:
        how: The network's preprocessing, of kind ``overlapped``.
    """

    def __init__(self, how: SoundPreprocessing) -> None:
        if (how.frames - how.hop) % 2:
            raise ValueError(f"frames - hop must be even to leave equal margins, got {how.frames} and {how.hop}")
        self._how = how
        margin = (how.frames - how.hop) // 2
        # Silence before the beginning, as `magnitude` has it: the buffer begins with the next window's reach.
        self._buffer = np.zeros(margin * HOP + REACH, np.float32)
        self._received = 0
        self._windows = 0

    @property
    def frames(self) -> int:
        """Frames of the sound that has come so far."""
        return frame_count(self._received)

    @property
    def windows(self) -> int:
        """Windows that have been given out."""
        return self._windows

    def push(self, block: F32) -> F32:
        """Take the next block float32[N], N >= 0; give the windows that it completes, float32[n, frames, 257]."""
        sound = checked(block)
        self._received += sound.shape[0]
        self._buffer = np.concatenate([self._buffer, sound])
        return self._complete()

    def finish(self) -> F32:
        """Give the windows of the rest, as if silence followed."""
        missing = -(-self.frames // self._how.hop) - self._windows
        needed = missing * self._how.hop * HOP + (self._how.frames - self._how.hop) * HOP + 2 * REACH
        self._buffer = np.concatenate([self._buffer, np.zeros(max(0, needed - self._buffer.shape[0]), np.float32)])
        return self._complete(missing)

    def _complete(self, most: int | None = None) -> F32:
        span, step = self._how.frames * HOP + 2 * REACH, self._how.hop * HOP
        count = max(0, (self._buffer.shape[0] - span) // step + 1)
        count = count if most is None else min(count, most)
        windows = np.empty((count, self._how.frames, BINS), np.float32)
        for index in range(count):
            windows[index] = frames_of(self._buffer[index * step : index * step + span])
        self._buffer = self._buffer[count * step :]
        self._windows += count
        return windows


def checked(samples: F32) -> F32:
    """The sound as float32[N], or `ValueError`."""
    if samples.ndim != 1:
        raise ValueError(f"a sound must be mono, float32[N], got {samples.dtype}{list(samples.shape)}: mix it down")
    if samples.dtype != np.float32:
        raise ValueError(f"a sound must be float32 in -1..1, got {samples.dtype}: convert it")
    if not np.isfinite(samples).all():
        raise ValueError("a sound must be finite, got nan or infinity")
    return samples


def _sound_windows(samples: F32, how: SoundPreprocessing) -> F32:
    """The sound of the same windows; a clip that is shorter than one is wrapped round sample by sample."""
    sound = checked(samples)
    if sound.shape[0] == 0:
        raise ValueError("a sound must have at least 1 sample, got none")
    frames, length = frame_count(sound.shape[0]), how.frames * HOP
    if frames <= how.frames:
        return sound[None, np.arange(length) % sound.shape[0]]
    whole = np.pad(sound, (0, frames * HOP - sound.shape[0]))
    return np.stack([whole[start * HOP : start * HOP + length] for start in window_starts(frames, how)])


def _transformed(windowed: F32) -> F32:
    magnitudes: F32 = np.abs(np.fft.rfft(windowed, n=FFT, axis=1)).astype(np.float32)
    return magnitudes


def _rows(start: int, frames: int, length: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.arange(start, start + length) % frames
