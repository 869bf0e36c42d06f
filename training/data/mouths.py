"""Faces at the rate of the film with the sound beside them, as `tools.cut_mouths` writes them.

One npz a film. Of N faces `patches` uint8[N, 56, 40], `times_s`, `speaking` int8 (1 speaks, 0 does not, -1 unknown),
`person` and `shot`; of S shots `sound_first` (into `sound`, int16 at 16 kHz) and `sound_start_s`; of C candidates, the
people in the picture while a line is said, `line`, `line_person`, `line_right`, `line_dubbed`, `line_span_s` [C, 2],
`line_evidence` [C, 4], `line_face_px` and `line_motion`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from packs.speaking import PICTURES_PER_S, heard_in, looks_of, starts_of
from packs.spectra import cepstra
from training.data.shards import DataError

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

FULL = 32767.0


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """One film's file, and the cepstra of its shots, float32[T, 13] each."""

    columns: dict[str, NDArray[Any]]
    sounds: Sequence[F32]

    def rows_of(self, person: int) -> I64:
        """Rows of the faces of a person, in order of time."""
        first, end = np.searchsorted(self.columns["person"], [person, person + 1])
        return np.arange(first, end, dtype=np.int64)

    def shot_of(self, person: int) -> int:
        """The shot that a person is in; each person is of one."""
        return int(self.columns["shot"][np.searchsorted(self.columns["person"], person)])


@dataclass(frozen=True, slots=True)
class Window:
    """So many frames of a person: the film's number, the person's, and the time at which it begins."""

    film: int
    person: int
    start_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A window as the network takes it.

    Attributes:
        faces: uint8[T, 56, 40].
        cepstra: float32[4 T, 13].
        speaking: int64[T].
        counts: float32[T], 0 where the face is not seen, or nobody could say whether it speaks.
    """

    faces: U8
    cepstra: F32
    speaking: I64
    counts: F32


def open_mouths(directory: Path, names: Sequence[str]) -> list[Film]:
    """Read films by name.

    Raises:
        DataError: If one is not there.
    """
    films = []
    for name in names:
        path = directory / f"{name}.npz"
        if not path.exists():
            raise DataError(f"no {path}: cut it with `python -m tools.cut_mouths --films DIR --out {directory}`")
        with np.load(path) as stored:
            columns = {key: stored[key] for key in stored.files}
        sound = columns.pop("sound")
        ends = [*columns["sound_first"][1:].tolist(), len(sound)]
        parts = [sound[first:end] for first, end in zip(columns["sound_first"].tolist(), ends, strict=True)]
        films.append(Film(columns, [cepstra(part.astype(np.float32) / np.float32(FULL)) for part in parts]))
    return films


def windows_of(films: Sequence[Film], frames: int) -> list[Window]:
    """All windows, half overlapping, in which a person's face is known for at least half of the time."""
    found = []
    for number, film in enumerate(films):
        for person in np.unique(film.columns["person"]).tolist():
            rows = film.rows_of(person)
            times, known = film.columns["times_s"][rows], film.columns["speaking"][rows] >= 0
            for start_s in starts_of(float(times[0]), float(times[-1]), frames):
                inside = (times >= start_s) & (times < start_s + frames / PICTURES_PER_S)
                if (inside & known).sum() >= frames // 2:
                    found.append(Window(number, person, start_s))
    return found


def cut_window(film: Film, person: int, start_s: float, frames: int) -> Seen:
    """Cut a window; what is not seen repeats the nearest face, and does not count."""
    rows = film.rows_of(person)
    nearest, near = looks_of(film.columns["times_s"][rows], start_s, frames)
    speaking = film.columns["speaking"][rows][nearest]
    heard = cut_sound(film, film.shot_of(person), start_s, frames)
    counts = (near & (speaking >= 0)).astype(np.float32)
    return Seen(film.columns["patches"][rows][nearest], heard, np.maximum(speaking, 0).astype(np.int64), counts)


def cut_sound(film: Film, shot: int, start_s: float, frames: int) -> F32:
    """The cepstra of a window of a shot, float32[4 frames, 13]."""
    return heard_in(film.sounds[shot], float(film.columns["sound_start_s"][shot]), start_s, frames)
