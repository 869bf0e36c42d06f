"""Who speaks when, and the sound track: voices, room tone and background noise."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.signal import lfilter

from synthetic.film.script import FPS, Script, Shot
from synthetic.film.voice import SAMPLE_RATE, Line, make_text, speak, speaks
from synthetic.types import F32, Floats, generator

_LINES_PER_SHOT: Final = 5
_LATEST_END_S: Final = 0.2
_OFF_SCREEN: Final = 0.12


@dataclass(frozen=True, slots=True)
class Speech:
    """One utterance: cast number, shot, start and end in samples of the film, whether the speaker is in the shot."""

    person: int
    shot: int
    start: int
    end: int
    on_screen: bool
    sound: F32

    @property
    def start_s(self) -> float:
        """Start in seconds of the film."""
        return round(self.start / SAMPLE_RATE, 3)

    @property
    def end_s(self) -> float:
        """End in seconds of the film."""
        return round(self.end / SAMPLE_RATE, 3)


def schedule_speech(script: Script) -> list[Speech]:
    """Let people speak in turn: in each shot those who ever speak, and now and then somebody off screen."""
    wanted: list[tuple[Shot, int, bool]] = []
    lines: list[Line] = []
    for shot in script.shots:
        rng = generator(script.spec.cast_seed, script.spec.seed, 401, shot.number)
        for person, on_screen in _speakers(rng, script, shot):
            wanted.append((shot, person, on_screen))
            lines.append(Line(script.cast[person], make_text(rng)))
    sounds = speak(lines)
    return _lay_out(script, wanted, sounds)


def _speakers(rng: np.random.Generator, script: Script, shot: Shot) -> list[tuple[int, bool]]:
    """Candidates for a shot in order of their turns."""
    talkers = [k for k in shot.people if speaks(script.cast[k])]
    others = [k for k in script.scenes[shot.scene].outfits if k not in shot.people and speaks(script.cast[k])]
    share = {"talk": 1.0, "medium": 0.9, "wide": 0.5, "behind": 0.6}[shot.kind]
    if rng.random() > share:
        return []
    out: list[tuple[int, bool]] = []
    for _ in range(_LINES_PER_SHOT):
        if others and rng.random() < _OFF_SCREEN:
            out.append((int(rng.choice(others)), False))
        elif talkers:
            fresh = [k for k in talkers if not out or k != out[-1][0]] or talkers
            out.append((int(rng.choice(fresh)), True))
    return out


def _lay_out(script: Script, wanted: list[tuple[Shot, int, bool]], sounds: list[F32]) -> list[Speech]:
    """Put the lines one after the other as long as they fit into their shot."""
    speeches: list[Speech] = []
    clock: dict[int, int] = {}
    for (shot, person, on_screen), sound in zip(wanted, sounds, strict=True):
        rng = generator(script.spec.cast_seed, script.spec.seed, 402, shot.number, clock.get(shot.number, 0))
        start = clock.get(shot.number, shot.start * SAMPLE_RATE // FPS) + int(rng.uniform(0.2, 0.7) * SAMPLE_RATE)
        end = start + len(sound)
        if end > shot.end * SAMPLE_RATE // FPS - int(_LATEST_END_S * SAMPLE_RATE):
            continue
        speeches.append(Speech(person, shot.number, start, end, on_screen, sound))
        clock[shot.number] = end
    return speeches


def frame_envelopes(speeches: list[Speech], shot: Shot, person: int) -> F32:
    """RMS float32[frames of the shot] of what a person says on screen in a shot, one value per frame."""
    count = shot.end - shot.start
    step = SAMPLE_RATE // FPS
    track = np.zeros(count * step, np.float32)
    for speech in speeches:
        if speech.shot == shot.number and speech.person == person and speech.on_screen:
            at = speech.start - shot.start * step
            track[at : at + len(speech.sound)] += speech.sound
    return np.asarray(np.sqrt((track.reshape(count, step) ** 2).mean(1)), dtype=np.float32)


def mix(script: Script, speeches: list[Speech]) -> F32:
    """Mix the film's sound: mono float32 at 48 kHz, within -1..1."""
    total = script.spec.frames * SAMPLE_RATE // FPS
    out = np.zeros(total, np.float32)
    for scene in script.scenes:
        start, end = scene.start * SAMPLE_RATE // FPS, scene.end * SAMPLE_RATE // FPS
        out[start:end] += _room_tone(generator(script.spec.cast_seed, script.spec.seed, 403, scene.number), end - start)
    for speech in speeches:
        gain = 1.0 if speech.on_screen else 0.7
        out[speech.start : speech.end] += gain * speech.sound
    return np.asarray(np.clip(out, -0.98, 0.98), dtype=np.float32)


def _room_tone(rng: np.random.Generator, count: int) -> F32:
    """Background of a scene: filtered noise, a hum, and sometimes soft music."""
    colour = float(rng.uniform(0.9, 0.995))
    noise = lfilter([1 - colour], [1, -colour], rng.standard_normal(count).astype(np.float32))
    noise *= 10 ** (rng.uniform(-52, -34) / 20) / max(float(np.sqrt(np.mean(noise**2))), 1e-9)
    t = np.arange(count, dtype=np.float32) / SAMPLE_RATE
    tone = 0.0015 * np.sin(2 * np.pi * float(rng.choice([50, 60, 100])) * t)
    if rng.random() < 0.25:
        tone = tone + _music(rng, t)
    return np.asarray(noise + tone, dtype=np.float32)


def _music(rng: np.random.Generator, t: Floats) -> Floats:
    """A slow figure of plucked tones at about -35 dB."""
    out = np.zeros_like(t)
    root = float(rng.uniform(110, 220))
    scale = (0, 3, 5, 7, 10, 12)
    beat = float(rng.uniform(0.3, 0.6))
    for k in range(int(t[-1] / beat) + 1 if t.size else 0):
        since = t - np.float32(k * beat)
        lo, hi = int(k * beat * SAMPLE_RATE), int((k * beat + 1.5) * SAMPLE_RATE)
        pitch = root * 2 ** (int(rng.choice(scale)) / 12)
        part = since[lo:hi]
        out[lo:hi] += 0.02 * np.exp(-3 * part) * np.sin(2 * np.pi * pitch * part)
    return out
