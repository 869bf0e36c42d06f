"""The sound of a film: who speaks when, whose mouth moves to it, and the mix with rooms, noise and music."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from synthetic.film.script import FPS, Scene, Script, Shot
from synthetic.identity import make_identity
from synthetic.sound.acoustics import Place, film_place, impulse, reverberate
from synthetic.sound.beds import BEDS, at_level, decibels, music, noise_bed, transients
from synthetic.sound.visemes import Mouth, closed_mouth, mouth_track
from synthetic.sound.voice import SAMPLE_RATE, Line, Spoken, draw_mood, speak, speaks
from synthetic.sound.words import make_text
from synthetic.types import F32, generator

STRANGERS: Final = 900_000_001
"""Cast seed of people who are only ever heard in the background, never in a film."""
SAMPLES_PER_FRAME: Final = SAMPLE_RATE // FPS
_OFF_SCREEN: Final = 0.125
_DUBBED: Final = 0.045
_OVERLAP: Final = 0.03
_CANDIDATES: Final = 5
_MARGIN_S: Final = 0.10
_SILENT_SHOTS: Final = 0.12
_MUSIC: Final = 0.25
_BED_ODDS: Final = (0.4, 0.15, 0.2, 0.1, 0.15)
# The farther the camera, the softer and the more reverberant the voice (decibels).
_FAR: Final = {"talk": 0.0, "medium": -1.0, "behind": -1.5, "wide": -3.0, "crowd": -2.5, "small": -4.0}
_FAR_OTHER: Final = -2.0


@dataclass(frozen=True, slots=True)
class Speech:
    """One utterance of a film.

    `person`: cast number of the owner of the voice; `mover`: cast number of who moves the mouth to it on screen, None
    when nobody does; `dubbed`: the mover is not the owner; `start`, `end`: samples of the film at 48 kHz;
    `snr_db`: voice over everything else within the span, as `mix` makes it.
    """

    person: int
    shot: int
    start: int
    end: int
    on_screen: bool
    mover: int | None
    dubbed: bool
    spoken: Spoken
    snr_db: float

    @property
    def start_s(self) -> float:
        """Start in seconds of the film, to the millisecond."""
        return round(self.start / SAMPLE_RATE, 3)

    @property
    def end_s(self) -> float:
        """End in seconds of the film, to the millisecond."""
        return round(self.end / SAMPLE_RATE, 3)


@dataclass(frozen=True, slots=True)
class _Turn:
    """Somebody's wish to say something in a shot."""

    shot: Shot
    person: int
    mover: int | None


def schedule_speech(script: Script) -> list[Speech]:
    """Let people speak in turn, with lines that fit into their shots; in order of time."""
    turns: list[_Turn] = []
    lines: list[Line] = []
    for shot in script.shots:
        rng = generator(script.spec.cast_seed, script.spec.seed, 401, shot.number)
        for turn in _turns(rng, script, shot):
            turns.append(turn)
            lines.append(Line(script.cast[turn.person], make_text(rng), draw_mood(rng)))
    speeches = _lay_out(script, turns, speak(lines))
    snrs = _measure(script, speeches)
    return [replace(speech, snr_db=snr) for speech, snr in zip(speeches, snrs, strict=True)]


def _turns(rng: np.random.Generator, script: Script, shot: Shot) -> list[_Turn]:
    """Who would like to speak in a shot, in order: more turns than can fit, so that a short one may stand in."""
    talkers = [k for k in shot.people if speaks(script.cast[k])]
    near = [k for k in sorted(script.scenes[shot.scene].outfits) if k not in shot.people]
    absent = [k for k in near if speaks(script.cast[k])]
    absent = absent or [k for k, p in enumerate(script.cast) if k not in shot.people and speaks(p)]
    if rng.random() < _SILENT_SHOTS or not (talkers or absent):
        return []
    # Two of the talkers hold the conversation of a shot.
    pair = [int(k) for k in rng.permutation(talkers)[:2]]
    out: list[_Turn] = []
    for _ in range(_CANDIDATES):
        kind = float(rng.random())
        fresh = [k for k in pair if not out or k != out[-1].person] or pair
        if absent and (kind < _OFF_SCREEN or not pair):
            out.append(_Turn(shot, int(rng.choice(absent)), None))
        elif kind > 1 - _DUBBED and absent and shot.people and not any(_is_dubbed(turn) for turn in out):
            out.append(_Turn(shot, int(rng.choice(absent)), int(rng.choice(shot.people))))
        elif fresh:
            person = int(rng.choice(fresh))
            out.append(_Turn(shot, person, person))
    return out


def _is_dubbed(turn: _Turn) -> bool:
    return turn.mover is not None and turn.mover != turn.person


def _lay_out(script: Script, turns: list[_Turn], spoken: list[Spoken]) -> list[Speech]:
    """Put the lines one after the other as long as they fit into their shot."""
    speeches: list[Speech] = []
    clock: dict[int, int] = {}
    for k, (turn, line) in enumerate(zip(turns, spoken, strict=True)):
        rng = generator(script.spec.cast_seed, script.spec.seed, 402, turn.shot.number, k)
        first = turn.shot.number not in clock
        gap_s = float(rng.uniform(0.1, 0.45)) if first else float(rng.uniform(0.15, 0.5))
        if not first and rng.random() < _OVERLAP:
            gap_s = -float(rng.uniform(0.1, 0.25))
        start = clock.get(turn.shot.number, turn.shot.start * SAMPLES_PER_FRAME) + round(gap_s * SAMPLE_RATE)
        end = start + len(line.sound)
        if end > turn.shot.end * SAMPLES_PER_FRAME - round(_MARGIN_S * SAMPLE_RATE):
            continue
        on_screen = turn.mover == turn.person
        speeches.append(
            Speech(turn.person, turn.shot.number, start, end, on_screen, turn.mover, _is_dubbed(turn), line, 0.0)
        )
        clock[turn.shot.number] = end
    return speeches


def shot_mouth(speeches: list[Speech], shot: Shot, person: int) -> Mouth:
    """Return how a person's mouth moves to speech in a shot, their own or dubbed, one value for each frame."""
    frames = shot.end - shot.start
    out = closed_mouth(frames)
    for speech in speeches:
        if speech.shot == shot.number and speech.mover == person:
            offset_s = (speech.start - shot.start * SAMPLES_PER_FRAME) / SAMPLE_RATE
            track = mouth_track(speech.spoken, frames, FPS, offset_s)
            moves = track.jaw + track.press > out.jaw + out.press
            out = Mouth(
                *(
                    np.asarray(np.where(moves, new, old), dtype=np.float32)
                    for new, old in ((track.jaw, out.jaw), (track.wide, out.wide), (track.press, out.press))
                )
            )
    return out


def mix(script: Script, speeches: list[Speech]) -> F32:
    """Mix the film's sound: mono float32 at 48 kHz, within -1..1."""
    out = _background(script)
    for voice, speech in zip(_voices(script, speeches), speeches, strict=True):
        end = min(speech.start + len(voice), len(out))
        out[speech.start : end] += voice[: end - speech.start]
    return np.asarray(np.clip(out, -0.98, 0.98), dtype=np.float32)


def _measure(script: Script, speeches: list[Speech]) -> list[float]:
    """Voice over background within each span, in decibels to a tenth."""
    background = _background(script)
    out = []
    for voice, speech in zip(_voices(script, speeches), speeches, strict=True):
        power = float(np.mean(np.square(voice[: speech.end - speech.start])))
        noise = float(np.mean(np.square(background[speech.start : speech.end])))
        out.append(round(10 * float(np.log10(max(power, 1e-12) / max(noise, 1e-12))), 1))
    return out


def _voices(script: Script, speeches: list[Speech]) -> list[F32]:
    """Each utterance as the microphone of its scene hears it (with the tail of its reverberation)."""
    spec = script.spec
    places = [film_place(generator(spec.cast_seed, spec.seed, 404, scene.number)) for scene in script.scenes]
    out = []
    for k, speech in enumerate(speeches):
        rng = generator(spec.cast_seed, spec.seed, 405, k)
        shot = script.shots[speech.shot]
        far_db = _FAR.get(shot.kind, _FAR_OTHER)
        place = _seen_from(places[shot.scene], far_db, on_screen=speech.mover is not None)
        heard = reverberate(speech.spoken.sound, impulse(place, rng, SAMPLE_RATE), SAMPLE_RATE)
        level_db = far_db + float(rng.normal(-3, 1.5)) - (0.0 if speech.mover is not None else 3.0)
        out.append(np.asarray(heard * decibels(level_db), dtype=np.float32))
    return out


def _seen_from(place: Place, far_db: float, *, on_screen: bool) -> Place:
    """The same place from farther away; who is not on screen sounds duller."""
    dull_hz = 20_000.0 if on_screen else 3_200.0
    return replace(place, direct_db=place.direct_db + 0.8 * far_db, dull_hz=dull_hz)


def _background(script: Script) -> F32:
    """Noise, music and transients of all scenes: float32 at 48 kHz as long as the film."""
    out = np.zeros(script.spec.frames * SAMPLES_PER_FRAME, np.float32)
    strangers = [spoken.sound for spoken in speak(stranger_lines(16))]
    for scene in script.scenes:
        start, end = scene.start * SAMPLES_PER_FRAME, scene.end * SAMPLES_PER_FRAME
        out[start:end] += _bed(script, scene, end - start, strangers)
    return out


def _bed(script: Script, scene: Scene, count: int, strangers: list[F32]) -> F32:
    rng = generator(script.spec.cast_seed, script.spec.seed, 403, scene.number)
    kind = str(rng.choice(BEDS, p=_BED_ODDS))
    out = noise_bed(rng, kind, count, SAMPLE_RATE, strangers) * decibels(bed_level_db(rng, kind))
    if rng.random() < _MUSIC:
        out = out + at_level(music(rng, count, SAMPLE_RATE), float(rng.uniform(-35, -22)))
    out = out + transients(rng, count, SAMPLE_RATE) * decibels(float(rng.uniform(-40, -24)))
    return np.asarray(out, dtype=np.float32)


def bed_level_db(rng: np.random.Generator, kind: str) -> float:
    """Draw the level of a noise bed in decibels of full scale; strangers stay clearly in the background."""
    low, high = {"room": (-58, -38), "hum": (-52, -36), "babble": (-48, -38)}.get(kind, (-46, -32))
    return float(rng.uniform(low, high))


def stranger_lines(count: int, first: int = 0) -> list[Line]:
    """Lines of people who belong to no cast, for murmur in the background."""
    rng = generator(STRANGERS, 406, first)
    return [Line(make_identity(STRANGERS, first + k), make_text(rng), draw_mood(rng)) for k in range(count)]
