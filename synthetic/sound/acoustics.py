"""Where a voice is heard: reverberation of a room and the colour that microphone and distance give."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from synthetic.sound.beds import decibels
from synthetic.types import F32, Floats

_LEAD_S: Final = 0.002
_EARLY: Final = 8
_BANDS_HZ: Final = np.geomspace(90, 7500, 8)


@dataclass(frozen=True, slots=True)
class Place:
    """How a place sounds from where the microphone stands.

    `rt60_s`: seconds until the reverberation has sunk by 60 dB; `direct_db`: direct sound over reverberation;
    `colour_db`: spread of the microphone's frequency response; `dull_hz`: above this it sinks by 12 dB an octave.
    """

    rt60_s: float
    direct_db: float
    colour_db: float
    dull_hz: float = 20_000.0


def _colour_db(rng: np.random.Generator) -> float:
    return float(rng.uniform(1.2, 3.8))


def film_place(rng: np.random.Generator) -> Place:
    """Draw a place such as films are shot in: a furnished room mostly, a hall now and then, or the open air."""
    kind = float(rng.random())
    if kind < 0.2:
        return Place(float(rng.uniform(0.05, 0.12)), float(rng.uniform(8, 16)), _colour_db(rng))
    if kind < 0.85:
        return Place(float(rng.uniform(0.2, 0.55)), float(rng.uniform(1, 10)), _colour_db(rng))
    return Place(float(rng.uniform(0.6, 1.1)), float(rng.uniform(-1, 6)), _colour_db(rng))


def impulse(place: Place, rng: np.random.Generator, rate_hz: int) -> F32:
    """Draw the impulse response of a place: float32[K]; the direct sound comes `_LEAD_S` after the start.

    Early reflections, then a tail of noise that sinks exponentially, through a random smooth frequency response.
    """
    lead = round(_LEAD_S * rate_hz)
    count = lead + round((0.04 + place.rt60_s) * rate_hz)
    t = (np.arange(count) - lead) / rate_hz
    tail = rng.standard_normal(count) * np.exp(-6.91 * np.maximum(t, 0) / place.rt60_s) * (t > 0.004)
    # High tones sink first: walls and air swallow them.
    tail = 0.6 * tail + 0.4 * np.concatenate([[0.0], tail[:-1]])
    delays = lead + rng.uniform(0.003, 0.035, _EARLY) * rate_hz
    tail[delays.astype(int)] += rng.choice([-1.0, 1.0], _EARLY) * rng.uniform(1, 4, _EARLY)
    tail *= 10 ** (-place.direct_db / 20) / max(float(np.sqrt((tail**2).sum())), 1e-9)
    tail[lead] += 1.0
    size = next_fast_len(count, real=True)
    return np.asarray(irfft(rfft(tail, size) * _response(place, rng, size, rate_hz), size)[:count], dtype=np.float32)


def _response(place: Place, rng: np.random.Generator, size: int, rate_hz: int) -> Floats:
    """Gains float64[size // 2 + 1]: a smooth random curve, a cut of the lows, and the dulling of the highs."""
    hz = np.maximum(np.fft.rfftfreq(size, 1 / rate_hz), 1.0)
    curve_db = np.interp(np.log(hz), np.log(_BANDS_HZ), rng.normal(0, place.colour_db, len(_BANDS_HZ)))
    low_hz = float(rng.uniform(50, 180))
    curve_db = curve_db - 10 * np.log10(1 + (low_hz / hz) ** 4) - 10 * np.log10(1 + (hz / place.dull_hz) ** 4)
    return np.asarray(10 ** (curve_db / 20))


def reverberate(sound: F32, response: F32, rate_hz: int) -> F32:
    """Hear a sound in a place: float32[N + K], RMS over the first N as before, the tail after it."""
    lead = round(_LEAD_S * rate_hz)
    count = len(sound) + len(response)
    size = next_fast_len(count, real=True)
    wet = irfft(rfft(sound, size) * rfft(response, size), size)[lead:count]
    before = float(np.sqrt(np.mean(np.square(sound)))) if len(sound) else 0.0
    after = float(np.sqrt(np.mean(np.square(wet[: len(sound)])))) if len(sound) else 1.0
    return np.asarray(wet * (before / max(after, 1e-9)), dtype=np.float32)


def capture(
    rng: np.random.Generator, sound: F32, place: Place, rate_hz: int, *, far_db: float = 0.0, seen: bool = True
) -> F32:
    """Hear an utterance as the microphone of a film does: float32[N + K] with the tail of the reverberation.

    Args:
        rng: randomness of microphone and level.
        sound: the voice, dry.
        place: where.
        rate_hz: samples a second.
        far_db: level for the distance, 0 near; what is farther off has more reverberation too.
        seen: on screen; who is not sounds softer and duller.
    """
    there = replace(place, direct_db=place.direct_db + 0.8 * far_db, dull_hz=20_000.0 if seen else 3_200.0)
    heard = reverberate(sound, impulse(there, rng, rate_hz), rate_hz)
    level_db = far_db + float(rng.normal(-2, 1.5)) - (0.0 if seen else 3.0)
    return np.asarray(heard * decibels(level_db), dtype=np.float32)
