"""Whose mouth moves when in a shot, and how."""

from dataclasses import dataclass

import numpy as np

from synthetic.film.acting import CLOSED, MouthShape
from synthetic.film.script import FPS, Shot
from synthetic.sound.scene import Speech, shot_mouth
from synthetic.sound.visemes import Mouth
from synthetic.sound.voice import SAMPLE_RATE
from synthetic.types import F32


@dataclass(frozen=True, slots=True)
class Talking:
    """The mouths of a shot: tracks by cast number, and loudness float32[frames] in 0..1; nobody else's mouth moves."""

    mouths: dict[int, Mouth]
    loudness: dict[int, F32]

    def shape(self, person: int, frame: int) -> MouthShape:
        """Return a mouth at a frame of the shot; closed before the first frame and after the last."""
        mouth = self.mouths.get(person)
        if mouth is None or not 0 <= frame < len(mouth.jaw):
            return CLOSED
        loud = float(self.loudness[person][frame])
        return MouthShape(float(mouth.jaw[frame]), float(mouth.wide[frame]), float(mouth.press[frame]), loud)


def movers(speeches: list[Speech], shot: Shot) -> frozenset[int]:
    """Return the cast numbers of those whose mouths move with speech in a shot."""
    return frozenset(s.mover for s in speeches if s.shot == shot.number and s.mover is not None)


def talking(speeches: list[Speech], shot: Shot) -> Talking:
    """Work out the mouths of a shot."""
    who = sorted(movers(speeches, shot))
    return Talking(
        {person: shot_mouth(speeches, shot, person) for person in who},
        {person: _loudness(speeches, shot, person) for person in who},
    )


def _loudness(speeches: list[Speech], shot: Shot, person: int) -> F32:
    """How loudly a person speaks, smoothed over half a second: float32[frames] in 0..1."""
    count, step = shot.end - shot.start, SAMPLE_RATE // FPS
    track = np.zeros(count * step, np.float32)
    for speech in speeches:
        if speech.shot == shot.number and speech.mover == person:
            at = speech.start - shot.start * step
            sound = speech.spoken.sound[: max(len(track) - at, 0)]
            track[at : at + len(sound)] += sound
    level = np.sqrt((track.reshape(count, step) ** 2).mean(1))
    smooth = np.convolve(level, np.ones(13) / 13, mode="same")
    return np.asarray(np.clip(smooth / max(float(smooth.max()), 1e-6), 0, 1), dtype=np.float32)
