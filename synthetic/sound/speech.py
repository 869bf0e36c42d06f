"""Who speaks when in a film, and whose mouth moves to it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthetic.film.script import FPS, Script, Shot
from synthetic.sound.visemes import Mouth, closed_mouth, mouth_track
from synthetic.sound.voice import SAMPLE_RATE, Line, Spoken, draw_mood, speak, speaks
from synthetic.sound.words import make_text
from synthetic.types import generator

SAMPLES_PER_FRAME: Final = SAMPLE_RATE // FPS
_OFF_SCREEN: Final = 0.125
_DUBBED: Final = 0.04
_VOICE_OVER: Final = 0.4
_OVERLAP: Final = 0.03
_CANDIDATES: Final = 5
_MARGIN_S: Final = 0.10
_SILENT_SHOTS: Final = 0.12


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


def plan_speech(script: Script) -> list[Speech]:
    """Let people speak in turn, with lines that fit into their shots; in order of time, `snr_db` not yet measured."""
    turns: list[_Turn] = []
    lines: list[Line] = []
    for shot in script.shots:
        rng = generator(script.spec.cast_seed, script.spec.seed, 401, shot.number)
        for turn in _turns(rng, script, shot):
            turns.append(turn)
            lines.append(Line(script.cast[turn.person], make_text(rng), draw_mood(rng)))
    return _lay_out(script, turns, speak(lines))


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
    if not pair:
        return [_Turn(shot, int(rng.choice(absent)), None)] if rng.random() < _VOICE_OVER else []
    out: list[_Turn] = []
    for _ in range(_CANDIDATES):
        kind = float(rng.random())
        fresh = [k for k in pair if not out or k != out[-1].person] or pair
        if absent and kind < _OFF_SCREEN:
            out.append(_Turn(shot, int(rng.choice(absent)), None))
        elif kind > 1 - _DUBBED and absent and shot.people and not any(_is_dubbed(turn) for turn in out):
            out.append(_Turn(shot, int(rng.choice(absent)), int(rng.choice(shot.people))))
        else:
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
