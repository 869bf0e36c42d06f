"""Puts the shots of a film together: dissolves between them, one video file, the sound."""

from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np

from synthetic.film.script import FPS, Script, Shot
from synthetic.film.shoot import VideoWriter, shot_files, span_of, still_file
from synthetic.sound.voice import SAMPLE_RATE
from synthetic.types import F32, U8

_AUDIO_BLOCK: Final = 1024


def blend_dissolves(script: Script, parts: Path) -> None:
    """Write the video of each dissolve from the pictures that its two shots kept."""
    for before, after in zip(script.shots, script.shots[1:], strict=False):
        path = dissolve_file(parts, after)
        if after.transition_frames == 0 or path.exists():
            continue
        first = after.start - after.transition_frames // 2
        with VideoWriter(path) as writer:
            for k in range(after.transition_frames):
                share = (k + 0.5) / after.transition_frames
                old, new = (_still(parts, shot, first + k) for shot in (before, after))
                writer.add(np.asarray(cv2.addWeighted(old, 1 - share, new, share, 0), dtype=np.uint8))


def dissolve_file(parts: Path, shot: Shot) -> Path:
    """Return the video of the dissolve into a shot."""
    return parts / f"{shot.shot_id}-into.mp4"


def _still(parts: Path, shot: Shot, frame: int) -> U8:
    path = still_file(parts, shot, frame)
    picture = cv2.imread(str(path))
    if picture is None:
        raise FileNotFoundError(
            f"{path} is missing, expected the picture that shot {shot.shot_id} keeps for a dissolve"
        )
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def pieces(script: Script, parts: Path) -> list[tuple[Path, int, int]]:
    """Return the videos of a film in order, each with its first frame and the one after its last."""
    out = []
    for shot in script.shots:
        span = span_of(script, shot)
        if shot.transition_frames:
            out.append((dissolve_file(parts, shot), span.first, span.start))
        out.append((shot_files(parts, shot)[0], span.start, span.end))
    return out


def join(videos: list[tuple[Path, int, int]], sound: F32, film: Path) -> None:
    """Put videos one after the other without coding them again, and add the sound (float32 at 48 kHz)."""
    draft = film.with_suffix(".part.mp4")
    with av.open(str(draft), "w", options={"movflags": "+faststart"}) as container:
        with av.open(str(videos[0][0])) as first:
            video = container.add_stream_from_template(first.streams.video[0])
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono", options={"b": "64000"})
        position = 0
        for path, start, end in videos:
            _copy(container, video, path, start)
            position = _add_sound(container, audio, sound, position, end * SAMPLE_RATE // FPS)
        container.mux(audio.encode(None))
    draft.replace(film)


def _copy(container: av.container.OutputContainer, video: av.VideoStream, path: Path, start: int) -> None:
    with av.open(str(path)) as source:
        stream = source.streams.video[0]
        shift = round(start / FPS / (stream.time_base or Fraction(1, FPS)))
        for packet in source.demux(stream):
            if packet.dts is None or packet.pts is None:
                continue
            packet.pts += shift
            packet.dts += shift
            packet.stream = video
            container.mux(packet)


def _add_sound(container: av.container.OutputContainer, audio: av.AudioStream, sound: F32, start: int, end: int) -> int:
    """Code sound samples from `start` to about `end` in whole blocks; returns where the next block starts."""
    while start < min(end, len(sound)):
        block = sound[start : start + _AUDIO_BLOCK]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block[None], np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, start
        container.mux(audio.encode(frame))
        start += len(block)
    return start
