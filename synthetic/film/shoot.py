"""Draws one shot of a film to a video file and writes down what is seen in it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, cast

import av
import cv2
import numpy as np

from synthetic.balance import apply_gains
from synthetic.blur import motion_blur
from synthetic.body import Actor
from synthetic.film.acting import pose_at
from synthetic.film.blocking import Take, block_shot
from synthetic.film.roles import Role
from synthetic.film.script import FPS, Script, Shot
from synthetic.film.speaking import Talking, movers, talking
from synthetic.lens import Lens
from synthetic.renderer import Renderer
from synthetic.sound.scene import Speech
from synthetic.truth import Box, Seen, observe
from synthetic.types import FRAME_HEIGHT, FRAME_WIDTH, U8, generator

_KEYFRAME_EVERY: Final = 2 * FPS
VIDEO_OPTIONS: Final = {"crf": "24", "preset": "veryfast", "x264-params": "threads=1:scenecut=0"}
_STILL_QUALITY: Final = 96


@dataclass(frozen=True, slots=True)
class Observed:
    """One person in one frame of a shot: cast number, frame of the film, what is seen."""

    person: int
    frame: int
    seen: Seen


@dataclass(frozen=True, slots=True)
class Span:
    """Frames of the film in a shot: [`first`, `last`) are drawn, [`start`, `end`) go straight into its video.

    What is drawn but not in the video is half of a dissolve.
    """

    first: int
    start: int
    end: int
    last: int


@dataclass(frozen=True, slots=True)
class Scenery:
    """What a take is drawn with."""

    renderer: Renderer
    lens: Lens
    script: Script
    take: Take


def span_of(script: Script, shot: Shot) -> Span:
    """Return which frames of a shot are drawn, and which of them are blended with its neighbours."""
    lead = shot.transition_frames // 2
    after = script.shots[shot.number + 1 : shot.number + 2]
    tail = after[0].transition_frames // 2 if after else 0
    return Span(shot.start - lead, shot.start + lead, shot.end - tail, shot.end + tail)


def shot_files(folder: Path, shot: Shot) -> tuple[Path, Path]:
    """Return the video and the notes of a shot."""
    return folder / f"{shot.shot_id}.mp4", folder / f"{shot.shot_id}.json"


def still_file(folder: Path, shot: Shot, frame: int) -> Path:
    """Return the picture of a frame of the film as a shot has it, kept for a dissolve."""
    return folder / f"{shot.shot_id}-{frame:06d}.jpg"


class VideoWriter:
    """Codes pictures of 1280x720 as H.264; the file appears whole on leaving."""

    def __init__(self, path: Path) -> None:
        """Open a file beside `path`."""
        self._path, self._part = path, path.with_suffix(".part.mp4")
        self._container = av.open(str(self._part), "w")
        stream = self._container.add_stream("libx264", rate=FPS, options=dict(VIDEO_OPTIONS))
        stream.width, stream.height, stream.pix_fmt = FRAME_WIDTH, FRAME_HEIGHT, "yuv420p"
        stream.gop_size = _KEYFRAME_EVERY
        self._stream = stream

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def add(self, picture: U8) -> None:
        """Append uint8[720, 1280, 3] RGB."""
        planes = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420), dtype=np.uint8)
        self._container.mux(self._stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))

    def __exit__(self, kind: object, *_: object) -> None:
        """Close the file; after an error it stays a part."""
        if kind is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()
        if kind is None:
            self._part.replace(self._path)


def shoot(renderer: Renderer, lens: Lens, script: Script, shot: Shot, speeches: list[Speech], folder: Path) -> None:
    """Draw a shot into `folder`; the notes appear last, so a shot with notes is whole."""
    take = block_shot(script, shot, movers(speeches, shot))
    rng = generator(script.spec.cast_seed, script.spec.seed, 501, shot.number)
    shoot_span(Scenery(renderer, lens, script, take), talking(speeches, shot), span_of(script, shot), rng, folder)


def shoot_span(
    scenery: Scenery, mouths: Talking, span: Span, rng: np.random.Generator, folder: Path, name: str | None = None
) -> None:
    """Draw a span of frames of a take to the files of its shot, or to those called `name`."""
    take, shot = scenery.take, scenery.take.shot
    video, notes = shot_files(folder, shot) if name is None else (folder / f"{name}.mp4", folder / f"{name}.json")
    rows: list[Observed] = []
    with VideoWriter(video) as writer:
        for frame in range(span.first, span.last):
            picture, seen = draw_frame(scenery.renderer, scenery.script, take, mouths, frame - shot.start)
            picture = motion_blur(apply_gains(picture, take.gains), *take.smear_at(frame - shot.start))
            picture = scenery.lens.expose(picture, rng, blur_px=take.blur_px, noise=take.noise)
            if span.start <= frame < span.end:
                writer.add(picture)
            else:
                _keep(picture, still_file(folder, shot, frame))
            if shot.start <= frame < shot.end:
                rows += [Observed(role.person, frame, s) for role, s in seen]
    write_notes(rows, notes)


def _keep(picture: U8, path: Path) -> None:
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(path), bgr, [cv2.IMWRITE_JPEG_QUALITY, _STILL_QUALITY])


def draw_frame(
    renderer: Renderer, script: Script, take: Take, mouths: Talking, frame: int
) -> tuple[U8, list[tuple[Role, Seen]]]:
    """Draw frame `frame` (0-based) of a take: uint8[720, 1280, 3] and what is seen of each role that is present."""
    outfits = script.scenes[take.shot.scene].outfits
    seconds, t = (take.shot.end - take.shot.start) / FPS, frame / FPS
    roles = [role for role in take.roles if role.present[0] <= t < role.present[1]]
    actors = []
    for role in roles:
        person = script.cast[role.person]
        pose = pose_at(role, person, t, seconds, mouths.shape(role.person, frame))
        actors.append(Actor(person, outfits[role.person], pose, chair=role.sit > 0))
    camera = take.camera_at(frame)
    drawn = renderer.draw(camera, take.room, take.light, actors, vignette=take.vignette, still=take.still)
    return drawn.image, list(zip(roles, observe(camera, drawn), strict=True))


def write_notes(rows: list[Observed], notes: Path) -> None:
    """Write what was seen; the file appears whole."""
    draft = notes.with_suffix(".part")
    draft.write_text(json.dumps([_row(row) for row in rows]))
    draft.replace(notes)


def _row(row: Observed) -> list[object]:
    s = row.seen
    return [row.person, row.frame, s.person, s.head, s.face, s.visibility, s.face_visibility, s.yaw_deg, s.in_frame]


def read_notes(notes: Path) -> list[Observed]:
    """Read back the notes of a shot."""
    rows = []
    for person, frame, body, head, face, visibility, face_visibility, yaw, inside in json.loads(notes.read_text()):
        seen = Seen(_box(body), _box(head), _box(face), visibility, face_visibility, yaw, inside)
        rows.append(Observed(person, frame, seen))
    return rows


def _box(value: list[float] | None) -> Box | None:
    return None if value is None else cast(Box, tuple(value))
