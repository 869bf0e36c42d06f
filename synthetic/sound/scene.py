"""The sound of a film: utterances heard in the rooms of their scenes, over noise, music, doors and steps."""

from dataclasses import replace
from typing import Final

import numpy as np

from synthetic.film.script import Scene, Script
from synthetic.identity import make_identity
from synthetic.sound.acoustics import capture, film_place
from synthetic.sound.beds import MUSIC_SHARE, draw_backdrop
from synthetic.sound.speech import SAMPLES_PER_FRAME, Speech, plan_speech, shot_mouth
from synthetic.sound.voice import SAMPLE_RATE, Line, draw_mood, speak
from synthetic.sound.words import make_text
from synthetic.types import F32, generator

__all__ = ["SAMPLES_PER_FRAME", "Speech", "has_music", "mix", "schedule_speech", "shot_mouth", "stranger_lines"]

STRANGERS: Final = 900_000_001
"""Cast seed of people who are only ever heard in the background, never in a film."""
FAR_DB: Final = {"talk": 0.0, "medium": -1.0, "behind": -1.5, "wide": -3.0, "crowd": -2.5, "small": -4.0}
"""The farther the camera, the softer and the more reverberant the voice: level by kind of shot."""
_FAR_OTHER: Final = -2.0


def schedule_speech(script: Script) -> list[Speech]:
    """Plan who says what when, and measure how each utterance stands out of the background; in order of time."""
    speeches = plan_speech(script)
    background = _background(script)
    out = []
    for voice, speech in zip(_voices(script, speeches), speeches, strict=True):
        power = float(np.mean(np.square(voice[: speech.end - speech.start])))
        noise = float(np.mean(np.square(background[speech.start : speech.end])))
        out.append(replace(speech, snr_db=round(10 * float(np.log10(max(power, 1e-12) / max(noise, 1e-12))), 1)))
    return out


def mix(script: Script, speeches: list[Speech]) -> F32:
    """Mix the film's sound: mono float32 at 48 kHz, within -1..1."""
    out = _background(script)
    for voice, speech in zip(_voices(script, speeches), speeches, strict=True):
        end = min(speech.start + len(voice), len(out))
        out[speech.start : end] += voice[: end - speech.start]
    return np.asarray(np.clip(out, -0.98, 0.98), dtype=np.float32)


def _voices(script: Script, speeches: list[Speech]) -> list[F32]:
    """Each utterance as the microphone of its scene hears it (with the tail of its reverberation)."""
    spec = script.spec
    places = [film_place(generator(spec.cast_seed, spec.seed, 404, scene.number)) for scene in script.scenes]
    out = []
    for k, speech in enumerate(speeches):
        rng = generator(spec.cast_seed, spec.seed, 405, k)
        shot = script.shots[speech.shot]
        far_db = FAR_DB.get(shot.kind, _FAR_OTHER)
        seen = speech.mover is not None
        out.append(capture(rng, speech.spoken.sound, places[shot.scene], SAMPLE_RATE, far_db=far_db, seen=seen))
    return out


def _background(script: Script) -> F32:
    """Noise, music and transients of all scenes: float32 at 48 kHz as long as the film."""
    out = np.zeros(script.spec.frames * SAMPLES_PER_FRAME, np.float32)
    strangers = [spoken.sound for spoken in speak(stranger_lines(16))]
    for scene in script.scenes:
        start, end = scene.start * SAMPLES_PER_FRAME, scene.end * SAMPLES_PER_FRAME
        out[start:end] += _scene_bed(script, scene, end - start, strangers)
    return out


def has_music(script: Script, scene: Scene) -> bool:
    """Whether music plays in a scene."""
    return bool(generator(script.spec.cast_seed, script.spec.seed, 407, scene.number).random() < MUSIC_SHARE)


def _scene_bed(script: Script, scene: Scene, count: int, strangers: list[F32]) -> F32:
    rng = generator(script.spec.cast_seed, script.spec.seed, 403, scene.number)
    return draw_backdrop(rng, count, SAMPLE_RATE, strangers, music_share=float(has_music(script, scene)))


def stranger_lines(count: int, first: int = 0) -> list[Line]:
    """Lines of people who belong to no cast, for murmur in the background."""
    rng = generator(STRANGERS, 406, first)
    return [Line(make_identity(STRANGERS, first + k), make_text(rng), draw_mood(rng)) for k in range(count)]
