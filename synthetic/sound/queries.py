"""Sound to search with: clips of a person's voice that are not cut from a film, and descriptions read aloud."""

from typing import Final

import numpy as np

from synthetic.identity import Identity, make_identity
from synthetic.sound.acoustics import Place, impulse, reverberate
from synthetic.sound.beds import decibels, noise_bed
from synthetic.sound.voice import Line, draw_mood, speak
from synthetic.sound.words import make_long_text
from synthetic.types import F32, generator

QUERY_RATE: Final = 16_000
NARRATORS: Final = 900_000_002
"""Cast seed of those who read descriptions aloud; nobody of it plays in a film."""
_QUERY_S: Final = (2.2, 3.8)
_PEAK: Final = 0.9


def voice_query(person: Identity, n: int, seed: int) -> F32:
    """Record a person outside any film: float32[N] mono, 16 kHz, about 3 s (2.2 to 3.8), within -1..1.

    Other words than in a film, a small room of its own, another microphone and level, a little noise.

    Args:
        person: who speaks (also somebody who never speaks in films).
        n: number of the clip.
        seed: seed of the film that the clip belongs to.
    """
    rng = generator(person.cast_seed, person.index, seed, 421, n)
    lines = [Line(person, make_long_text(rng), draw_mood(rng)) for _ in range(3)]
    sounds = [spoken.sound for spoken in speak(lines, QUERY_RATE)]
    low, high = (round(s * QUERY_RATE) for s in _QUERY_S)
    fitting = [sound for sound in sounds if low <= len(sound) <= high]
    sound = fitting[0] if fitting else max(sounds, key=len)[:high]
    place = Place(float(rng.uniform(0.1, 0.35)), float(rng.uniform(4, 14)), float(rng.uniform(1.5, 3.5)))
    return _record(rng, sound, place, (16, 34), (-8, 2))


def narrate(text: str, seed: int) -> F32:
    """Let a narrator read a description: float32[N] mono, 16 kHz, within -1..1; the seed chooses narrator and room."""
    rng = generator(NARRATORS, seed, 422)
    narrator = make_identity(NARRATORS, int(rng.integers(40)))
    sound = speak([Line(narrator, text, draw_mood(rng))], QUERY_RATE)[0].sound
    place = Place(float(rng.uniform(0.08, 0.25)), float(rng.uniform(8, 16)), float(rng.uniform(1, 2.5)))
    return _record(rng, sound, place, (22, 38), (-5, 3))


def _record(
    rng: np.random.Generator, sound: F32, place: Place, snr_db: tuple[float, float], gain_db: tuple[float, float]
) -> F32:
    """Hear a sound in a place with a little noise; lead-in and lead-out of a quarter of a second."""
    wet = reverberate(sound, impulse(place, rng, QUERY_RATE), QUERY_RATE)
    pad = QUERY_RATE // 4
    out = np.zeros(pad + len(wet) + pad, np.float32)
    out[pad : pad + len(wet)] = wet
    out = out[: len(sound) + 2 * pad]
    level = float(np.sqrt(np.mean(np.square(sound))))
    noise = noise_bed(rng, str(rng.choice(("room", "hum"))), len(out), QUERY_RATE)
    mixed = (out + noise * level * decibels(-float(rng.uniform(*snr_db)))) * decibels(float(rng.uniform(*gain_db)))
    peak = float(np.abs(mixed).max())
    return np.asarray(mixed * min(1.0, _PEAK / max(peak, 1e-9)), dtype=np.float32)
