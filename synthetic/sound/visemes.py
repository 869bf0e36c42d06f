"""Mouths that move with the sound: phonemes become the opening, width and pressing of the lips, frame by frame."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthetic.sound.voice import Spoken
from synthetic.types import F32, Floats

Target = tuple[float, float, float]
"""Jaw (0 closed .. 1 open), width (-1 rounded .. 1 spread), press (0 .. 1 lips closed tight)."""

_REST: Final[Target] = (0.0, 0.0, 0.0)
_NEUTRAL: Final[Target] = (0.35, 0.05, 0.0)
_SUBFRAMES: Final = 5
_FADE_S: Final = 0.06
# A vowel that glides has two targets. The longest beginning of a phoneme's name that stands here counts.
_VISEMES: Final[dict[str, tuple[Target, ...]]] = {
    "m": ((0.0, 0.0, 1.0),),
    "b": ((0.0, 0.0, 1.0),),
    "p": ((0.0, 0.0, 1.0),),
    "f": ((0.10, 0.15, 0.45),),
    "v": ((0.10, 0.15, 0.45),),
    "w": ((0.16, -0.95, 0.0),),
    "r": ((0.22, -0.45, 0.0),),
    "S": ((0.18, -0.60, 0.0),),
    "Z": ((0.18, -0.60, 0.0),),
    "tS": ((0.16, -0.60, 0.0),),
    "dZ": ((0.16, -0.60, 0.0),),
    "s": ((0.10, 0.45, 0.0),),
    "z": ((0.10, 0.45, 0.0),),
    "T": ((0.20, 0.15, 0.0),),
    "D": ((0.20, 0.15, 0.0),),
    "t": ((0.18, 0.20, 0.0),),
    "d": ((0.20, 0.20, 0.0),),
    "n": ((0.22, 0.15, 0.0),),
    "l": ((0.30, 0.10, 0.0),),
    "k": ((0.28, 0.05, 0.0),),
    "g": ((0.28, 0.05, 0.0),),
    "N": ((0.28, 0.05, 0.0),),
    "h": ((0.40, 0.0, 0.0),),
    "j": ((0.20, 0.70, 0.0),),
    ";": ((0.20, 0.60, 0.0),),
    "i": ((0.26, 0.90, 0.0),),
    "I": ((0.34, 0.55, 0.0),),
    "E": ((0.55, 0.45, 0.0),),
    "e": ((0.50, 0.50, 0.0),),
    "eI": ((0.52, 0.50, 0.0), (0.28, 0.75, 0.0)),
    "e@": ((0.55, 0.45, 0.0), (0.40, 0.10, 0.0)),
    "a": ((0.85, 0.30, 0.0),),
    "aI": ((0.90, 0.20, 0.0), (0.32, 0.65, 0.0)),
    "aU": ((0.90, 0.10, 0.0), (0.30, -0.75, 0.0)),
    "A": ((1.00, 0.0, 0.0),),
    "A@": ((1.00, 0.0, 0.0), (0.45, -0.25, 0.0)),
    "V": ((0.65, 0.10, 0.0),),
    "@": ((0.38, 0.05, 0.0),),
    "3": ((0.36, -0.30, 0.0),),
    "0": ((0.85, -0.20, 0.0),),
    "O": ((0.75, -0.55, 0.0),),
    "OI": ((0.70, -0.60, 0.0), (0.32, 0.55, 0.0)),
    "oU": ((0.55, -0.60, 0.0), (0.28, -0.90, 0.0)),
    "o": ((0.60, -0.65, 0.0),),
    "u": ((0.26, -0.95, 0.0),),
    "U": ((0.35, -0.70, 0.0),),
    "_": (_REST,),
}


@dataclass(frozen=True, slots=True)
class Mouth:
    """A mouth over time, one value for each frame: jaw 0..1, wide -1..1, press 0..1 (float32[frames] each)."""

    jaw: F32
    wide: F32
    press: F32


def closed_mouth(frames: int) -> Mouth:
    """Return the mouth of somebody silent."""
    return Mouth(*(np.zeros(frames, np.float32) for _ in range(3)))


def viseme(phoneme: str) -> tuple[Target, ...]:
    """Return the targets of a phoneme (eSpeak NG's mnemonic): one, or two when it glides."""
    for length in range(len(phoneme), 0, -1):
        if phoneme[:length] in _VISEMES:
            return _VISEMES[phoneme[:length]]
    return (_NEUTRAL,)


def mouth_track(spoken: Spoken, frames: int, fps: int, offset_s: float = 0.0) -> Mouth:
    """Move a mouth to a spoken line; frames beyond it keep the mouth at rest.

    Args:
        spoken: the line with its phonemes.
        frames: number of frames to give.
        fps: frames a second.
        offset_s: when the line begins, in seconds from the start of frame 0 (may lie between two frames).
    """
    if frames <= 0 or not spoken.phonemes:
        return closed_mouth(max(frames, 0))
    fine = (np.arange(frames * _SUBFRAMES) + 0.5) / (_SUBFRAMES * fps) - offset_s
    times, targets = _path(spoken)
    jaw, wide = (np.interp(fine, times, targets[:, k]).reshape(frames, _SUBFRAMES) for k in range(2))
    # Closed lips last a frame or two: the most closed instant of a frame counts, else they would be missed.
    tight = np.interp(fine, *_closures(spoken)).reshape(frames, _SUBFRAMES).max(1)
    opening = jaw.mean(1) * (1 - tight) * _loudness(spoken, fine).reshape(frames, _SUBFRAMES).mean(1)
    return Mouth(_unit(opening, 0), _unit(wide.mean(1), -1), _unit(tight, 0))


def _path(spoken: Spoken) -> tuple[F32, F32]:
    """Times float32[M] in seconds, and jaw and width float32[M, 2] there: straight ways between the targets."""
    first, last = spoken.phonemes[0][0], spoken.phonemes[-1][1]
    points: list[tuple[float, Target]] = [(first - _FADE_S, _REST)]
    for start, end, name in spoken.phonemes:
        goals = viseme(name)
        points += [(start + (end - start) * (k + 0.5) / len(goals), goal) for k, goal in enumerate(goals)]
    points.append((last + _FADE_S, _REST))
    times = np.array([t for t, _ in points], np.float32)
    return times, np.array([goal[:2] for _, goal in points], np.float32)


def _closures(spoken: Spoken) -> tuple[F32, F32]:
    """Times float32[M] and how tightly lips are pressed: they close and open within half a phoneme."""
    points: list[tuple[float, float]] = []
    for start, end, name in spoken.phonemes:
        edge, tight = (end - start) / 4, viseme(name)[0][2]
        points += [(start + edge, tight), (end - edge, tight)]
    points = [(points[0][0] - _FADE_S, 0.0), *points, (points[-1][0] + _FADE_S, 0.0)]
    return np.array([t for t, _ in points], np.float32), np.array([p for _, p in points], np.float32)


def _loudness(spoken: Spoken, times_s: Floats) -> F32:
    """How far a mouth opens for the loudness at the times: 0.55..1."""
    step = spoken.rate_hz // 50
    count = max(len(spoken.sound) // step, 1)
    cut = np.resize(spoken.sound, count * step) if len(spoken.sound) < step else spoken.sound[: count * step]
    rms = np.sqrt((cut.reshape(count, step) ** 2).mean(1))
    relative = np.interp(times_s, (np.arange(count) + 0.5) / 50, rms / max(float(np.percentile(rms, 95)), 1e-6))
    return np.asarray(np.clip(0.55 + 0.6 * relative, 0, 1), dtype=np.float32)


def _unit(values: Floats, low: float) -> F32:
    return np.asarray(np.clip(values, low, 1), dtype=np.float32)
