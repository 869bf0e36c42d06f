"""What is heard besides voices: noise beds, music, doors and steps."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from scipy.signal import lfilter

from synthetic.types import F32, Floats

Bed = Callable[[np.random.Generator, int, int], F32]
BEDS: Final = ("room", "hum", "street", "wind", "babble")
MUSIC_SHARE: Final = 0.25
"""Share of scenes with music."""
_BED_ODDS: Final = (0.4, 0.15, 0.2, 0.1, 0.15)
# Decibels of full scale; a voice lies at about -23. Strangers stay clearly in the background.
_BED_LEVELS_DB: Final = {
    "room": (-58, -40),
    "hum": (-54, -38),
    "street": (-48, -34),
    "wind": (-48, -34),
    "babble": (-48, -38),
}
_MUSIC_LEVELS_DB: Final = (-35, -22)


def decibels(level_db: float) -> float:
    """Return the factor of an amplitude for a level in decibels."""
    return float(10 ** (level_db / 20))


def at_level(sound: Floats, level_db: float) -> F32:
    """Scale a sound so that its RMS lies at `level_db` of full scale; silence stays silent."""
    rms = float(np.sqrt(np.mean(np.square(sound)))) if len(sound) else 0.0
    return np.asarray(sound * (decibels(level_db) / max(rms, 1e-9)), dtype=np.float32)


def noise_bed(rng: np.random.Generator, kind: str, count: int, rate_hz: int, voices: Sequence[F32] = ()) -> F32:
    """Draw a bed of `count` samples at RMS 1.

    Args:
        rng: randomness.
        kind: one of `BEDS`.
        count: samples.
        rate_hz: samples a second.
        voices: lines of strangers for "babble"; without any it becomes "room".

    Raises:
        ValueError: no such kind.
    """
    if kind == "babble" and voices:
        return at_level(_babble(rng, count, voices), 0.0)
    makers: dict[str, Bed] = {"room": _room, "babble": _room, "hum": _hum, "street": _street, "wind": _wind}
    if kind not in makers:
        raise ValueError(f"got noise bed {kind!r}, expected one of {', '.join(BEDS)}")
    return at_level(makers[kind](rng, count, rate_hz), 0.0)


def draw_backdrop(
    rng: np.random.Generator, count: int, rate_hz: int, strangers: Sequence[F32], music_share: float = MUSIC_SHARE
) -> F32:
    """Draw all that is heard in a scene besides its people: float32[count], a bed, doors and steps, at times music."""
    kind = str(rng.choice(BEDS, p=_BED_ODDS))
    low, high = _BED_LEVELS_DB[kind]
    out = noise_bed(rng, kind, count, rate_hz, strangers) * decibels(float(rng.uniform(low, high)))
    if rng.random() < music_share:
        out = out + at_level(music(rng, count, rate_hz), float(rng.uniform(*_MUSIC_LEVELS_DB)))
    out = out + transients(rng, count, rate_hz) * decibels(float(rng.uniform(-40, -24)))
    return np.asarray(out, dtype=np.float32)


def _coloured(rng: np.random.Generator, count: int, pole: float) -> Floats:
    """Noise through one pole: the nearer to 1, the darker."""
    return np.asarray(lfilter([1 - pole], [1, -pole], rng.standard_normal(count)))


def _slow(rng: np.random.Generator, count: int, rate_hz: int, every_s: float, spread: float) -> Floats:
    """A slowly wandering positive factor around 1."""
    points = max(int(count / (every_s * rate_hz)) + 2, 2)
    knots = np.exp(rng.normal(0, spread, points))
    return np.asarray(np.interp(np.arange(count) / (every_s * rate_hz), np.arange(points), knots))


def _pole(cut_hz: float, rate_hz: int) -> float:
    return float(np.exp(-2 * np.pi * cut_hz / rate_hz))


def _room(rng: np.random.Generator, count: int, rate_hz: int) -> F32:
    noise = _coloured(rng, count, _pole(float(rng.uniform(120, 2500)), rate_hz))
    return np.asarray(noise, dtype=np.float32)


def _hum(rng: np.random.Generator, count: int, rate_hz: int) -> F32:
    t = np.arange(count) / rate_hz
    base = float(rng.choice([50, 60, 100, 120]))
    tone = sum(np.sin(2 * np.pi * base * k * t + rng.uniform(0, 6.3)) / k ** rng.uniform(0.6, 1.6) for k in range(1, 9))
    fan = at_level(_coloured(rng, count, _pole(float(rng.uniform(300, 1500)), rate_hz)), float(rng.uniform(-6, 6)))
    return np.asarray(tone + fan, dtype=np.float32)


def _street(rng: np.random.Generator, count: int, rate_hz: int) -> F32:
    far = at_level(_coloured(rng, count, _pole(400, rate_hz)) * _slow(rng, count, rate_hz, 1.5, 0.4), 0.0)
    out = far.astype(np.float64)
    t = np.arange(count) / rate_hz
    for _ in range(int(rng.poisson(count / rate_hz / 5))):
        middle, width = float(rng.uniform(0, t[-1])), float(rng.uniform(0.5, 1.6))
        near = at_level(_coloured(rng, count, _pole(float(rng.uniform(700, 2500)), rate_hz)), float(rng.uniform(0, 8)))
        out += near * np.exp(-0.5 * ((t - middle) / width) ** 2)
    return np.asarray(out, dtype=np.float32)


def _wind(rng: np.random.Generator, count: int, rate_hz: int) -> F32:
    low = at_level(_coloured(rng, count, _pole(120, rate_hz)), 0.0) * _slow(rng, count, rate_hz, 0.5, 0.7)
    hiss = at_level(_coloured(rng, count, _pole(900, rate_hz)), -9.0) * _slow(rng, count, rate_hz, 0.8, 0.6)
    return np.asarray(low + hiss, dtype=np.float32)


def _babble(rng: np.random.Generator, count: int, voices: Sequence[F32]) -> F32:
    """Several strangers talking at once, none of them near."""
    out = np.zeros(count, np.float32)
    for _ in range(int(rng.integers(5, 9))):
        at = -int(rng.integers(0, 8000))
        level = float(rng.uniform(0.5, 1.0))
        while at < count:
            voice = voices[int(rng.integers(len(voices)))]
            low, high = max(at, 0), min(at + len(voice), count)
            if high > low:
                out[low:high] += level * voice[low - at : high - at]
            at += len(voice) + int(rng.integers(0, len(voice) // 3 + 1))
    return out


def music(rng: np.random.Generator, count: int, rate_hz: int) -> F32:
    """Draw music of `count` samples at RMS 1: plucked tones over a bass, often a pad, now and then drums."""
    out = np.zeros(count, np.float64)
    beat = float(rng.uniform(0.24, 0.55))
    root = float(rng.uniform(98, 220))
    scale = [(0, 2, 4, 7, 9, 12), (0, 3, 5, 7, 10, 12)][int(rng.integers(2))]
    chords = [int(rng.choice(scale)) for _ in range(4)]
    pad, drums, bright = rng.random() < 0.6, rng.random() < 0.4, float(rng.uniform(0.3, 0.8))
    for k in range(int(count / rate_hz / beat) + 1):
        at = round(k * beat * rate_hz)
        chord = chords[(k // 8) % 4]
        if rng.random() < 0.8:
            step = int(rng.choice(scale)) + 12 * int(rng.random() < 0.3)
            _add(out, at, 0.8 * _tone(rng, root * 2 ** ((chord + step) / 12), 1.2, bright, 4.0, rate_hz))
        if k % 4 == 0:
            _add(out, at, 0.9 * _tone(rng, root / 2 * 2 ** (chord / 12), 4 * beat, 0.3, 1.5, rate_hz))
        if pad and k % 8 == 0:
            for step in (0, 4 if 4 in scale else 3, 7):
                tone = _tone(rng, root * 2 ** ((chord + step) / 12), 8 * beat, bright, 0.0, rate_hz)
                _add(out, at, 0.3 * tone * np.hanning(len(tone)))
        if drums:
            _add(out, at, (0.8 if k % 2 else 0.4) * _hit(rng, 0.08, 3000 if k % 2 else 200, rate_hz))
    return at_level(out, 0.0)


def transients(rng: np.random.Generator, count: int, rate_hz: int) -> F32:
    """Doors, steps and things put down: float32[count], single peaks of about 1, silence between."""
    out = np.zeros(count, np.float64)
    for _ in range(int(rng.poisson(count / rate_hz / 6))):
        at = int(rng.integers(0, max(count, 1)))
        kind = float(rng.random())
        if kind < 0.5:
            gap = float(rng.uniform(0.42, 0.6))
            for k in range(int(rng.integers(3, 8))):
                _add(out, at + round(k * gap * rate_hz), 0.4 * _hit(rng, 0.05, float(rng.uniform(150, 500)), rate_hz))
        elif kind < 0.8:
            _add(out, at, _hit(rng, 0.16, float(rng.uniform(120, 300)), rate_hz))
        else:
            _add(out, at, 0.4 * _tone(rng, float(rng.uniform(1800, 3600)), 0.4, 0.5, 14.0, rate_hz))
    return np.asarray(out, dtype=np.float32)


def _tone(rng: np.random.Generator, hz: float, length_s: float, bright: float, decay: float, rate_hz: int) -> Floats:
    """A tone with harmonics (`bright` ** k) that sinks with `decay` a second."""
    t = np.arange(round(length_s * rate_hz), dtype=np.float32) / np.float32(rate_hz)
    turn = np.exp(np.float32(2 * np.pi * hz) * 1j * t).astype(np.complex64)
    power = np.ones_like(turn)
    out = np.zeros_like(t)
    for k in range(1, 7):
        # One complex exponential and its powers: far cheaper than a sine for each harmonic.
        power *= turn
        if hz * k < 0.45 * rate_hz:
            weight = bright ** (k - 1) * np.exp(1j * float(rng.uniform(0, 6.3)))
            out += (power * np.complex64(weight)).real
    attack = np.minimum(t / np.float32(0.008), np.float32(1.0))
    return np.asarray(out * attack * np.exp(np.float32(-decay) * t))


def _hit(rng: np.random.Generator, length_s: float, cut_hz: float, rate_hz: int) -> Floats:
    t = np.arange(round(4 * length_s * rate_hz)) / rate_hz
    noise = _coloured(rng, len(t), _pole(cut_hz, rate_hz)) * np.exp(-t / length_s)
    return np.asarray(noise / max(float(np.abs(noise).max()), 1e-9))


def _add(out: Floats, at: int, sound: Floats) -> None:
    end = min(at + len(sound), len(out))
    if 0 <= at < end:
        out[at:end] += sound[: end - at]
