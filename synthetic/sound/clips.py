"""One clip of sound as a film would hold it, with the truth about where somebody speaks in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from synthetic.sound.acoustics import capture, film_place
from synthetic.sound.beds import MUSIC_SHARE, draw_backdrop
from synthetic.sound.voice import Spoken
from synthetic.types import F32, U8

RATE: Final = 16_000
STEP: Final = 160
"""Samples of one value of the truth about speech: 10 ms."""
MIN_S: Final = 0.7
MAX_S: Final = 4.0
_OFF_SCREEN: Final = 0.12
_FAR_DB: Final = (0.0, 0.0, -1.0, -1.5, -3.0, -4.0)
_BRIDGE_S: Final = 0.12


class ClipKind(IntEnum):
    """What a clip holds besides its voice; the wordless ones hold no voice."""

    SPEECH_OVER_NOISE = 0
    SPEECH_OVER_MUSIC = 1
    WORDLESS_NOISE = 2
    WORDLESS_MUSIC = 3


@dataclass(frozen=True, slots=True)
class Clip:
    """Sound float32[N] at 16 kHz, 0.7 to 4 s; speech uint8[ceil(N / 160)], 1 where somebody speaks; SNR in decibels.

    A wordless clip has no speech and `snr_db` NaN.
    """

    sound: F32
    speech: U8
    snr_db: float
    kind: ClipKind


def speech_clip(rng: np.random.Generator, lines: Sequence[Spoken], strangers: Sequence[F32]) -> Clip:
    """Hear one person's lines (at 16 kHz, one after the other) in a place drawn at random."""
    dry, spans = _in_a_row(rng, lines)
    voice = np.zeros(max(len(dry), round(MIN_S * RATE)), np.float32)
    wet = capture(
        rng,
        dry,
        film_place(rng),
        RATE,
        far_db=float(rng.choice(_FAR_DB)),
        seen=bool(rng.random() >= _OFF_SCREEN),
    )
    count = min(len(voice), len(wet))
    voice[:count] = wet[:count]
    voice = voice[: round(MAX_S * RATE)]
    has_music = bool(rng.random() < MUSIC_SHARE)
    bed = draw_backdrop(rng, len(voice), RATE, strangers, music_share=float(has_music))
    speech = _mask(spans, len(voice))
    kind = ClipKind.SPEECH_OVER_MUSIC if has_music else ClipKind.SPEECH_OVER_NOISE
    return Clip(_limit(voice + bed), speech, _snr_db(voice, bed, speech), kind)


def wordless_clip(rng: np.random.Generator, strangers: Sequence[F32]) -> Clip:
    """Hear a place where nobody near speaks: noise, or music in every second clip."""
    count = round(float(rng.uniform(MIN_S, MAX_S)) * RATE)
    has_music = bool(rng.random() < 0.5)
    bed = draw_backdrop(rng, count, RATE, strangers, music_share=float(has_music))
    kind = ClipKind.WORDLESS_MUSIC if has_music else ClipKind.WORDLESS_NOISE
    return Clip(_limit(bed), np.zeros(-(-count // STEP), np.uint8), float("nan"), kind)


def _in_a_row(rng: np.random.Generator, lines: Sequence[Spoken]) -> tuple[F32, list[tuple[float, float]]]:
    """Lay lines one after the other with pauses before, between and after; returns the sound and where speech is."""
    pieces: list[F32] = []
    spans: list[tuple[float, float]] = []
    length = 0
    for line in lines:
        gap = round(float(rng.uniform(0, 0.3)) * RATE)
        at_s = (length + gap) / RATE
        spans += [(at_s + start, at_s + end) for start, end, name in line.phonemes if not name.startswith("_")]
        pieces += [np.zeros(gap, np.float32), line.sound]
        length += gap + len(line.sound)
    pieces.append(np.zeros(round(float(rng.uniform(0, 0.3)) * RATE), np.float32))
    return np.concatenate(pieces), spans


def _mask(spans: list[tuple[float, float]], count: int) -> U8:
    """Mark speech each 10 ms; pauses within a line that are too short to notice count as speech."""
    out = np.zeros(-(-count // STEP), np.uint8)
    last = -1.0
    for start, end in spans:
        low = last if 0 <= start - last < _BRIDGE_S else start
        out[round(low * RATE / STEP) : round(end * RATE / STEP)] = 1
        last = end
    return out


def _snr_db(voice: F32, bed: F32, speech: U8) -> float:
    """Power of voice over bed, in decibels, where somebody speaks."""
    where = np.repeat(speech.astype(bool), STEP)[: len(voice)]
    if not where.any():
        where = np.ones(len(voice), bool)
    power, noise = float(np.mean(np.square(voice[where]))), float(np.mean(np.square(bed[where])))
    return round(10 * float(np.log10(max(power, 1e-12) / max(noise, 1e-12))), 1)


def _limit(sound: F32) -> F32:
    return np.asarray(np.clip(sound, -0.98, 0.98), dtype=np.float32)
