"""Draws one shot of a film to a video file and writes down what is seen in it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import av
import cv2
import numpy as np

from synthetic.body import Actor
from synthetic.film.acting import jaw_track, pose_at
from synthetic.film.blocking import Take, block_shot
from synthetic.film.script import FPS, Script, Shot
from synthetic.film.sound import Speech, frame_envelopes
from synthetic.lens import Lens
from synthetic.renderer import Renderer
from synthetic.truth import Box, Seen, observe
from synthetic.types import F32, FRAME_HEIGHT, FRAME_WIDTH, U8, generator

_KEYFRAME_EVERY: Final = 2 * FPS
VIDEO_OPTIONS: Final = {"crf": "24", "preset": "veryfast", "x264-params": "threads=1:scenecut=0"}


@dataclass(frozen=True, slots=True)
class Observed:
    """One person in one frame of a shot: cast number, frame of the film, what is seen."""

    person: int
    frame: int
    seen: Seen


def shot_files(folder: Path, shot: Shot) -> tuple[Path, Path]:
    """Return the video and the notes of a shot."""
    return folder / f"{shot.shot_id}.mp4", folder / f"{shot.shot_id}.json"


def shoot(renderer: Renderer, lens: Lens, script: Script, shot: Shot, speeches: list[Speech], folder: Path) -> None:
    """Draw a shot into `folder`; the notes appear last, so a shot with notes is whole."""
    video, notes = shot_files(folder, shot)
    take = block_shot(script, shot)
    jaws = {role.person: _jaws(speeches, shot, role.person) for role in take.roles}
    rng = generator(script.spec.cast_seed, script.spec.seed, 501, shot.number)
    rows: list[Observed] = []
    part = video.with_suffix(".part.mp4")
    with av.open(str(part), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=dict(VIDEO_OPTIONS))
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = (
            FRAME_WIDTH,
            FRAME_HEIGHT,
            "yuv420p",
            _KEYFRAME_EVERY,
        )
        for frame in range(shot.end - shot.start):
            picture, seen = draw_frame(renderer, script, take, jaws, frame)
            rows += [Observed(role.person, shot.start + frame, s) for role, s in zip(take.roles, seen, strict=True)]
            picture = lens.expose(picture, rng, blur_px=take.blur_px, noise=take.noise)
            container.mux(stream.encode(_yuv(picture)))
        container.mux(stream.encode(None))
    part.replace(video)
    draft = notes.with_suffix(".part")
    draft.write_text(json.dumps([_row(row) for row in rows]))
    draft.replace(notes)


def draw_frame(
    renderer: Renderer, script: Script, take: Take, jaws: dict[int, tuple[F32, F32]], frame: int
) -> tuple[U8, list[Seen]]:
    """Draw frame `frame` (0-based) of a take: uint8[720, 1280, 3] and what is seen of each role."""
    outfits = script.scenes[take.shot.scene].outfits
    actors = []
    for role in take.roles:
        mouth, loud = jaws[role.person]
        pose = pose_at(role, script.cast[role.person], frame / FPS, float(mouth[frame]), float(loud[frame]))
        actors.append(Actor(script.cast[role.person], outfits[role.person], pose, chair=role.sit > 0))
    camera = take.camera_at(frame)
    drawn = renderer.draw(camera, take.room, take.light, actors, vignette=take.vignette, still=take.still)
    return drawn.image, observe(camera, drawn)


def _jaws(speeches: list[Speech], shot: Shot, person: int) -> tuple[F32, F32]:
    envelope = frame_envelopes(speeches, shot, person)
    jaw = jaw_track(envelope)
    smooth = np.convolve(jaw, np.ones(15, np.float32) / 15, mode="same")
    return jaw, np.asarray(np.clip(2 * smooth, 0, 1), dtype=np.float32)


def _yuv(picture: U8) -> av.VideoFrame:
    planes = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420), dtype=np.uint8)
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


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
