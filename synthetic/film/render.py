"""Renders a whole film: shots in parallel, sound, portraits, one video file and one truth file."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np

from synthetic.film.portrait import write_portraits
from synthetic.film.script import FPS, FilmSpec, Script, write_script
from synthetic.film.shoot import read_notes, shoot, shot_files
from synthetic.film.sound import Speech, mix, schedule_speech
from synthetic.film.truth_file import build_truth, write_truth
from synthetic.film.voice import SAMPLE_RATE
from synthetic.lens import Lens
from synthetic.renderer import Renderer
from synthetic.types import F32, generator
from synthetic.workers import share

_PARTS: Final = ".parts"
_AUDIO_BLOCK: Final = 1024


def render_film(
    spec: FilmSpec,
    out: Path,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    portraits: int = 2,
) -> Path:
    """Render a film into `out` (film.mp4, truth.json, queries/); an unfinished run is resumed shot by shot.

    Args:
        spec: what to film.
        out: folder, made when missing.
        workers: processes that draw shots.
        progress: called with frames done and frames in all.
        portraits: query pictures of each person.

    Returns:
        The path of the truth file, which is written last.
    """
    script = write_script(spec)
    parts = out / _PARTS / f"{spec.cast_seed}-{spec.seed}-{spec.identities}-{spec.frames}"
    parts.mkdir(parents=True, exist_ok=True)
    speeches = schedule_speech(script)
    done = 0
    for number in _shoot_all(script, speeches, parts, workers):
        done += script.shots[number].end - script.shots[number].start
        if progress:
            progress(done, spec.frames)
    queries = write_portraits(script.cast, spec.seed, out / "queries", portraits)
    _join(script, parts, mix(script, speeches), out / "film.mp4")
    observed = {shot.number: read_notes(shot_files(parts, shot)[1]) for shot in script.shots}
    write_truth(build_truth(script, observed, speeches, queries), out / "truth.json")
    shutil.rmtree(out / _PARTS)
    return out / "truth.json"


def _shoot_all(script: Script, speeches: list[Speech], parts: Path, workers: int) -> Iterator[int]:
    missing = [shot.number for shot in script.shots if not shot_files(parts, shot)[1].exists()]
    yield from sorted({shot.number for shot in script.shots} - set(missing))
    yield from share(_ShotWork(script, speeches, parts), missing, workers)


@dataclass(frozen=True, slots=True)
class _ShotWork:
    script: Script
    speeches: list[Speech]
    parts: Path

    def __call__(self, numbers: list[int]) -> Iterator[int]:
        if not numbers:
            return
        cv2.setNumThreads(1)
        spec = self.script.spec
        lens = Lens(generator(spec.cast_seed, spec.seed, 502))
        with Renderer() as renderer:
            for number in numbers:
                shoot(renderer, lens, self.script, self.script.shots[number], self.speeches, self.parts)
                yield number


def _join(script: Script, parts: Path, sound: F32, film: Path) -> None:
    """Put the shots one after the other without coding them again, and add the sound."""
    draft = film.with_suffix(".part.mp4")
    with av.open(str(draft), "w", options={"movflags": "+faststart"}) as container:
        with av.open(str(shot_files(parts, script.shots[0])[0])) as first:
            video = container.add_stream_from_template(first.streams.video[0])
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono", options={"b": "64000"})
        position = 0
        for shot in script.shots:
            with av.open(str(shot_files(parts, shot)[0])) as source:
                stream = source.streams.video[0]
                shift = round(shot.start / FPS / (stream.time_base or Fraction(1, FPS)))
                for packet in source.demux(stream):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts += shift
                    packet.dts += shift
                    packet.stream = video
                    container.mux(packet)
            position = _add_sound(container, audio, sound, position, shot.end * SAMPLE_RATE // FPS)
        container.mux(audio.encode(None))
    draft.replace(film)


def _add_sound(container: av.container.OutputContainer, audio: av.AudioStream, sound: F32, start: int, end: int) -> int:
    """Code sound samples from `start` to about `end` in whole blocks; returns where the next block starts."""
    while start < min(end, len(sound)):
        block = sound[start : start + _AUDIO_BLOCK]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block[None], np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, start
        container.mux(audio.encode(frame))
        start += len(block)
    return start
