"""Windows of spectrogram that teach the sound networks: drawn from clips, and changed as rooms and microphones do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from packs.sound import BINS, FLOOR, HOP, REACH, frame_count, frames_of
from training.data.voices import VoiceSet
from training.recipe import SoundAugment

F32 = NDArray[np.float32]

# Of so many places of a clip, the one with most speech is taken.
TRIES = 3
# Bends of the curve that stands for a room and a microphone.
CURVE_POINTS = 7


def voice_window(voices: VoiceSet, row: int, frames: int, augment: SoundAugment, rng: np.random.Generator) -> F32:
    """Draw a window out of a clip of somebody's voice: float32[frames, 257]; a short clip is wrapped round."""
    length = frame_count(int(voices.offsets[row + 1] - voices.offsets[row]))
    taken = min(length, frames)
    start = _busiest(voices.activity(row), length - taken, taken, rng)
    sound = voices.part(row, start * HOP - REACH, (start + taken) * HOP + REACH)
    if rng.random() < augment.noise and voices.wordless.size:
        sound = _noisy(sound, _bed(voices, sound.shape[0], rng), augment.least_snr_db, rng)
    spectrogram = frames_of(sound * _gain(augment, rng))
    first = int(rng.integers(0, taken)) if taken < frames else 0
    wrapped = spectrogram[(first + np.arange(frames)) % taken]
    return masked(coloured(wrapped, augment, rng), augment, rng)


def activity_window(
    voices: VoiceSet, row: int, frames: int, augment: SoundAugment, rng: np.random.Generator
) -> tuple[F32, F32]:
    """Draw a window that begins somewhere in a clip and runs on into others, as films do.

    Returns:
        float32[frames, 257], and whether somebody speaks in each of its frames, float32[frames].
    """
    needed = frames + 2
    sounds: list[F32] = []
    labels: list[NDArray[np.uint8]] = []
    while sum(len(part) for part in labels) < needed:
        speech = voices.activity(row)
        start = int(rng.integers(0, len(speech)))
        end = min(len(speech), start + needed)
        gain = _gain(augment, rng)
        sounds.append(voices.part(row, start * HOP, end * HOP) * gain)
        labels.append(speech[start:end])
        row = int(rng.integers(0, len(voices)))
    sound = np.concatenate(sounds)[HOP - REACH : (frames + 1) * HOP + REACH]
    window = coloured(frames_of(np.ascontiguousarray(sound)), augment, rng)
    return window, np.concatenate(labels)[1 : frames + 1].astype(np.float32)


def coloured(spectrogram: F32, augment: SoundAugment, rng: np.random.Generator) -> F32:
    """Filter a spectrogram float32[T, 257] by a smooth random curve; silence stays silence."""
    if augment.colour_db == 0.0:
        return spectrogram
    bends = rng.normal(0.0, augment.colour_db / 2.0, CURVE_POINTS) * (np.log(10.0) / 20.0)
    curve = np.interp(np.linspace(0.0, 1.0, BINS), np.linspace(0.0, 1.0, CURVE_POINTS), bends).astype(np.float32)
    magnitudes = np.exp(spectrogram) - np.float32(FLOOR)
    filtered: F32 = np.log(np.maximum(magnitudes * np.exp(curve), 0.0) + np.float32(FLOOR))
    return filtered


def masked(spectrogram: F32, augment: SoundAugment, rng: np.random.Generator) -> F32:
    """Hide a stretch of frames and a band of frequencies behind the window's mean.

    Source: Park et al., "SpecAugment", arXiv:1904.08779v3, section 2, without the time warp.
    """
    result = spectrogram.copy()
    mean = result.mean()
    frames = int(rng.integers(0, augment.time_mask + 1))
    bins = int(rng.integers(0, augment.frequency_mask + 1))
    start = int(rng.integers(0, max(1, result.shape[0] - frames)))
    result[start : start + frames] = mean
    low = int(rng.integers(0, max(1, BINS - bins)))
    result[:, low : low + bins] = mean
    return result


def _busiest(speech: NDArray[np.uint8], last: int, length: int, rng: np.random.Generator) -> int:
    starts = rng.integers(0, last + 1, size=TRIES)
    return int(max(starts, key=lambda start: int(speech[start : start + length].sum())))


def _bed(voices: VoiceSet, samples: int, rng: np.random.Generator) -> F32:
    clip = voices.clip(int(rng.choice(voices.wordless)))
    first = int(rng.integers(0, clip.shape[0]))
    bed: F32 = clip[(first + np.arange(samples)) % clip.shape[0]]
    return bed


def _noisy(sound: F32, bed: F32, least_snr_db: float, rng: np.random.Generator) -> F32:
    power, noise = float(np.mean(np.square(sound))), float(np.mean(np.square(bed)))
    snr_db = rng.uniform(least_snr_db, least_snr_db + 20.0)
    factor = np.sqrt(power / max(noise, 1e-10) / 10.0 ** (snr_db / 10.0))
    return sound + bed * np.float32(min(factor, 30.0))


def _gain(augment: SoundAugment, rng: np.random.Generator) -> np.float32:
    return np.float32(10.0 ** (rng.uniform(-augment.gain_db, augment.gain_db) / 20.0))
