"""Voices: every identity's own voice, and the lines they say, as sound with the times of its phonemes."""

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import espeakng_loader
import numpy as np
from scipy.signal import resample_poly

from synthetic.identity import Identity
from synthetic.types import F32, AnyArray, generator

SAMPLE_RATE: Final = 48_000
SPEECH_RMS: Final = 0.1
"""Level of every line as it leaves the synthesiser's room."""
_TIMEOUT_S: Final = 600.0
# Of the synthesiser's data only English is copied into the private folder.
_SHARED: Final = ("phontab", "phonindex", "phondata", "phondata-manifest", "intonations", "en_dict")
_BREATHY: Final = 0.35
_SILENCE: Final = 0.006
_STRESS_MARKS: Final = "',%="


@dataclass(frozen=True, slots=True)
class Mood:
    """How a line is said: shift of the pitch (synthesiser's units), factors of rate and of the range of the pitch."""

    pitch: float = 0.0
    rate: float = 1.0
    range: float = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to say."""

    person: Identity
    text: str
    mood: Mood = Mood()


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line as it sounds: mono float32[N] within -1..1, and its phonemes as (start_s, end_s, name) in order.

    Names are eSpeak NG's mnemonics without marks of stress; a name that begins with "_" is a pause.
    """

    sound: F32
    text: str
    phonemes: tuple[tuple[float, float, str], ...]
    rate_hz: int = SAMPLE_RATE

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.sound) / self.rate_hz


def speaks(person: Identity) -> bool:
    """Whether a person ever speaks in a film: of each four people of a cast one never does."""
    block, place = divmod(person.index, 4)
    return place != int(generator(person.cast_seed, block, 9).integers(4))


def draw_mood(rng: np.random.Generator) -> Mood:
    """Draw how a line is said: nobody says two lines alike."""
    return Mood(
        pitch=float(np.clip(rng.normal(0, 5), -12, 14)),
        rate=float(np.clip(rng.normal(1.06, 0.1), 0.8, 1.35)),
        range=float(np.clip(rng.normal(1, 0.25), 0.4, 1.7)),
    )


def voice_variant(person: Identity, mood: Mood | None = None) -> str:
    """Text of the synthesiser's voice file for a person: pitch, formants and texture of their own."""
    rng = generator(person.cast_seed, person.index, 8)
    voice, mood = person.voice, mood or Mood()
    base = 62 + 1.35 * (voice.pitch + mood.pitch)
    top = base * (1.25 + voice.pitch_range * mood.range / 110)
    lines = ["language variant", "name person", f"pitch {base:.0f} {top:.0f}"]
    for number in range(9):
        frequency = 100 * voice.formant * _near_one(rng, 0.065, 0.16)
        height, width = 100 * _near_one(rng, 0.22, 0.55), 100 * _near_one(rng, 0.2, 0.45)
        lines.append(f"formant {number} {frequency:.0f} {height:.0f} {width:.0f}")
    # How the strength of the voice sinks towards high tones: pairs of a frequency and an amplitude.
    tilt = [round(float(np.clip(rng.normal(level, 30), 30, 255))) for level in (180, 150, 125, 105)]
    lines.append("tone " + " ".join(f"{hz} {level}" for hz, level in zip((500, 1200, 2200, 3600), tilt, strict=True)))
    lines.append(f"roughness {round(4 * voice.roughness)}")
    lines.append(f"flutter {rng.integers(1, 5)}")
    lines.append(f"voicing {rng.integers(75, 125)}")
    lines.append(f"consonants {rng.integers(60, 130)} {rng.integers(60, 130)}")
    if rng.random() < _BREATHY:
        strength = rng.integers(2, 12, 3)
        lines.append(f"breath 0 {strength[0]} {strength[1]} {strength[2]} 0 0 0 0")
        lines.append("breathw 150 250 300 350 400 400 400 400")
    return "\n".join(lines) + "\n"


def _near_one(rng: np.random.Generator, spread: float, most: float) -> float:
    return float(np.clip(rng.normal(1, spread), 1 - most, 1 + most))


def speak(lines: list[Line], rate_hz: int = SAMPLE_RATE) -> list[Spoken]:
    """Say all lines, silence trimmed from both ends, each at the level `SPEECH_RMS`.

    The same lines in the same order give the same samples.

    Raises:
        RuntimeError: the synthesiser failed; the message carries what it printed.
    """
    if not lines:
        return []
    with tempfile.TemporaryDirectory(prefix="synthcast-voice-") as name:
        folder = Path(name)
        sound, marks = _run_worker(folder, [_job(line) for line in lines])
    ends = np.cumsum([int(mark["samples"]) for mark in marks["lines"]])
    rate = int(marks["rate"])
    return [
        _clean(sound[end - int(mark["samples"]) : end], mark["phonemes"], line.text, rate, rate_hz)
        for end, mark, line in zip(ends, marks["lines"], lines, strict=True)
    ]


def _job(line: Line) -> dict[str, object]:
    voice, mood = line.person.voice, line.mood
    return {
        "text": line.text,
        "variant": voice_variant(line.person, mood),
        "rate": round(float(np.clip(voice.rate_wpm * mood.rate, 100, 300))),
        "pitch": 50,
        "range": round(float(np.clip(voice.pitch_range * mood.range, 5, 99))),
        "seed": 1 + (line.person.cast_seed * 1009 + line.person.index) % (2**31 - 2),
    }


def _run_worker(folder: Path, jobs: list[dict[str, object]]) -> tuple[AnyArray, Any]:
    """Let the worker speak; returns all samples int16[N] at its own rate, and its marks."""
    task = {
        "library": espeakng_loader.get_library_path(),
        "data": str(_private_data(folder)),
        "sound": str(folder / "sound.raw"),
        "marks": str(folder / "marks.json"),
        "lines": jobs,
    }
    (folder / "jobs.json").write_text(json.dumps(task))
    worker = Path(__file__).with_name("espeak_worker.py")
    done = subprocess.run(
        [sys.executable, str(worker), str(folder / "jobs.json")],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(
            f"the speech synthesiser ended with status {done.returncode}, expected 0; "
            f"it said: {done.stderr.strip() or 'nothing'}"
        )
    return np.fromfile(folder / "sound.raw", np.int16), json.loads((folder / "marks.json").read_text())


def _private_data(folder: Path) -> Path:
    source = Path(espeakng_loader.get_data_path())
    data = folder / "espeak-ng-data"
    (data / "voices" / "!v").mkdir(parents=True)
    (data / "lang" / "gmw").mkdir(parents=True)
    for name in _SHARED:
        if (source / name).exists():
            shutil.copy(source / name, data / name)
    for path in (source / "lang" / "gmw").glob("en*"):
        shutil.copy(path, data / "lang" / "gmw" / path.name)
    return data


def _clean(samples: AnyArray, starts: list[tuple[int, str]], text: str, rate: int, rate_hz: int) -> Spoken:
    """Trim the silence of a line, resample it to `rate_hz`, set its level, and move its phonemes along."""
    sound = samples.astype(np.float32) / 32768
    loud = np.flatnonzero(np.abs(sound) > _SILENCE)
    if loud.size == 0:
        raise RuntimeError(f"the speech synthesiser returned no sound for {text!r}; check text and espeakng-loader")
    first, last = max(int(loud[0]) - rate // 100, 0), min(int(loud[-1]) + rate // 50, len(sound))
    sound = sound[first:last]
    scale = int(np.gcd(rate_hz, rate))
    out = resample_poly(sound, rate_hz // scale, rate // scale).astype(np.float32)
    level = float(np.sqrt(np.mean(out**2)))
    out = np.clip(out * (SPEECH_RMS / max(level, 1e-4)), -0.98, 0.98)
    return Spoken(np.asarray(out, dtype=np.float32), text, _phonemes(starts, first, last, rate), rate_hz)


def _phonemes(starts: list[tuple[int, str]], first: int, last: int, rate: int) -> tuple[tuple[float, float, str], ...]:
    ends = [start for start, _ in starts[1:]] + [last]
    spans = []
    for (start, name), end in zip(starts, ends, strict=True):
        low, high = max(start, first), min(end, last)
        if high > low:
            spans.append((round((low - first) / rate, 4), round((high - first) / rate, 4), name.strip(_STRESS_MARKS)))
    return tuple(spans)
