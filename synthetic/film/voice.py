"""Voices: every identity's own voice, and the lines they say, as 48 kHz sound."""

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import espeakng_loader
import numpy as np
from scipy.signal import resample_poly

from synthetic.identity import Identity
from synthetic.types import F32, generator

SAMPLE_RATE: Final = 48_000
_TIMEOUT_S: Final = 300.0
# Of the synthesiser's data only English is copied into the private folder.
_SHARED: Final = ("phontab", "phonindex", "phondata", "phondata-manifest", "intonations", "en_dict")

_SUBJECTS: Final = (
    "we",
    "they",
    "I",
    "you",
    "my sister",
    "the driver",
    "nobody",
    "everyone",
    "our neighbour",
    "the doctor",
    "that man",
    "the team",
)
_VERBS: Final = (
    "saw",
    "forgot",
    "wanted",
    "found",
    "left",
    "moved",
    "called about",
    "asked for",
    "paid for",
    "opened",
    "heard about",
    "liked",
)
_OBJECTS: Final = (
    "the blue car",
    "a window",
    "the old house",
    "some coffee",
    "the last train",
    "a letter",
    "their keys",
    "the garden",
    "every photo",
    "another chair",
    "the new office",
    "a long story",
    "the red bag",
    "two tickets",
    "the weather",
    "dinner",
)
_ENDS: Final = (
    "",
    "",
    " yesterday",
    " this morning",
    " again",
    " last week",
    " before lunch",
    " on the way home",
    " near the river",
    " for the children",
)
_SHORT: Final = (
    "yes, of course",
    "I do not think so",
    "really?",
    "wait a moment",
    "that is true",
    "good morning",
    "where is it?",
    "thank you so much",
    "no, never",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to say."""

    person: Identity
    text: str


def make_text(rng: np.random.Generator) -> str:
    """Invent something to say, about a second long, now and then longer."""
    if rng.random() < 0.3:
        return str(rng.choice(_SHORT))
    parts = [f"{rng.choice(_SUBJECTS)} {rng.choice(_VERBS)} {rng.choice(_OBJECTS)}{rng.choice(_ENDS)}"]
    if rng.random() < 0.2:
        parts.append(f"and {rng.choice(_SUBJECTS)} {rng.choice(_VERBS)} {rng.choice(_OBJECTS)}")
    return ", ".join(parts)


def speaks(person: Identity) -> bool:
    """Whether a person ever speaks: a quarter of the people never do."""
    return bool(generator(person.cast_seed, person.index, 9).random() >= 0.25)


def voice_variant(person: Identity) -> str:
    """Text of the synthesiser's voice file for a person: pitch, formants and texture of their own."""
    rng = generator(person.cast_seed, person.index, 8)
    voice = person.voice
    base = 62 + 1.35 * voice.pitch
    lines = ["language variant", "name person", f"pitch {base:.0f} {base * (1.25 + voice.pitch_range / 110):.0f}"]
    for number in range(9):
        frequency = 100 * voice.formant * float(np.clip(rng.normal(1, 0.05), 0.88, 1.12))
        height, width = (
            100 * float(np.clip(rng.normal(1, 0.12), 0.6, 1.4)),
            100 * float(np.clip(rng.normal(1, 0.12), 0.7, 1.4)),
        )
        lines.append(f"formant {number} {frequency:.0f} {height:.0f} {width:.0f}")
    lines.append(f"roughness {round(4 * voice.roughness)}")
    lines.append(f"voicing {rng.integers(80, 120)}")
    lines.append(f"consonants {rng.integers(70, 120)} {rng.integers(70, 120)}")
    return "\n".join(lines) + "\n"


def speak(lines: list[Line]) -> list[F32]:
    """Say all lines; returns mono float32 sound at 48 kHz, level about 0.1 RMS, silence trimmed from both ends.

    Raises:
        RuntimeError: the synthesiser failed; the message carries what it printed.
    """
    if not lines:
        return []
    with tempfile.TemporaryDirectory(prefix="synthcast-voice-") as name:
        folder = Path(name)
        data = _private_data(folder)
        jobs = [
            {
                "text": line.text,
                "variant": voice_variant(line.person),
                "rate": line.person.voice.rate_wpm,
                "pitch": 50,
                "range": line.person.voice.pitch_range,
                "out": str(folder / f"{k}.raw"),
            }
            for k, line in enumerate(lines)
        ]
        (folder / "jobs.json").write_text(
            json.dumps({"library": espeakng_loader.get_library_path(), "data": str(data), "lines": jobs})
        )
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
        rate = int(done.stdout.split()[-1])
        return [
            _clean(np.fromfile(str(job["out"]), np.int16), rate, line.text)
            for job, line in zip(jobs, lines, strict=True)
        ]


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


def _clean(samples: np.ndarray, rate: int, text: str) -> F32:
    if samples.size == 0:
        raise RuntimeError(
            f"the speech synthesiser returned no sound for {text!r}; check the voice data of espeakng-loader"
        )
    sound = resample_poly(samples.astype(np.float32) / 32768, SAMPLE_RATE, rate).astype(np.float32)
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    if loud.size:
        sound = sound[max(int(loud[0]) - 480, 0) : int(loud[-1]) + 960]
    level = float(np.sqrt(np.mean(sound**2)))
    return np.asarray(sound * (0.1 / max(level, 1e-4)), dtype=np.float32)
