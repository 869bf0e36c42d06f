"""Training data for faces: one head a picture, of many more people than whole frames could show.

A frame of 1280x720 costs twenty times as much as a head of 112 pixels, and a face encoder is short of people, not of
backgrounds. A closeup is drawn large and then made as small, soft, noisy and compressed as a face in a film. Shards
have the columns of `frames` (no body or head crops: they are empty), so that training reads both alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from synthetic.body import Actor
from synthetic.camera import Camera
from synthetic.frames import degrade
from synthetic.identity import make_identity
from synthetic.lens import Lens
from synthetic.outfit import make_outfit
from synthetic.pose import Pose, head_height_m
from synthetic.renderer import Renderer
from synthetic.room import make_light, make_room
from synthetic.shards import Sighting, square_crop, write_index, write_shard
from synthetic.staging import DARK_SHARE, dim, random_mouth
from synthetic.truth import Box, Seen, observe
from synthetic.types import U8, generator
from synthetic.workers import share

SHARD_PEOPLE: Final = 250
CANVAS_PX: Final = 176
_FACE_WIDTH_M: Final = 0.15
_FACE_SHARE: Final = 0.52
_SMALLEST_PX, _LARGEST_PX = 15.0, 130.0
_OUTFITS: Final = 4


@dataclass(frozen=True, slots=True)
class CloseupsJob:
    """What to write: `views` pictures of each of the `identities` people of cast `seed`."""

    seed: int
    identities: int
    views: int
    out: Path

    def shards(self) -> int:
        """Return the number of shards; a shard holds all views of up to 250 people."""
        return -(-self.identities // SHARD_PEOPLE)


def closeup_shard(job: CloseupsJob, shard: int) -> Path:
    """Return the file of a shard."""
    return job.out / f"shard_{shard:04d}.npz"


def write_closeups(job: CloseupsJob, workers: int) -> Iterator[int]:
    """Write the missing shards with `workers` processes; yields the number of each shard as it is done."""
    job.out.mkdir(parents=True, exist_ok=True)
    missing = [k for k in range(job.shards()) if not closeup_shard(job, k).exists()]
    yield from sorted(set(range(job.shards())) - set(missing))
    yield from share(_CloseupWork(job), missing, workers)
    names = [closeup_shard(job, k).name for k in range(job.shards())]
    write_index(job.out, job.seed, job.identities, job.identities * job.views, names)


@dataclass(frozen=True, slots=True)
class _CloseupWork:
    job: CloseupsJob

    def __call__(self, shards: list[int]) -> Iterator[int]:
        if not shards:
            return
        cv2.setNumThreads(1)
        with Renderer(width=CANVAS_PX, height=CANVAS_PX, keep=8) as renderer:
            for shard in shards:
                yield _write_shard(renderer, self.job, shard)


def _write_shard(renderer: Renderer, job: CloseupsJob, shard: int) -> int:
    lens = Lens(generator(job.seed, 112))
    rows: list[Sighting] = []
    for who in range(shard * SHARD_PEOPLE, min((shard + 1) * SHARD_PEOPLE, job.identities)):
        for view in range(job.views):
            sighting = draw_closeup(renderer, lens, job.seed, who, view, number=who * job.views + view)
            if sighting is not None:
                rows.append(sighting)
    write_shard(closeup_shard(job, shard), rows)
    return shard


def draw_closeup(renderer: Renderer, lens: Lens, seed: int, who: int, view: int, *, number: int) -> Sighting | None:
    """Draw view `view` of person `who` of cast `seed`; None when the face is not seen in it."""
    rng = generator(seed, 113, who, view)
    person = make_identity(seed, who)
    outfit = int(rng.integers(0, _OUTFITS))
    pose = _pose(rng)
    distance = float(np.exp(rng.uniform(np.log(0.9), np.log(7.0))))
    height = head_height_m(person)
    eye = (0.0, height + float(rng.normal(0.0, 0.12)) * distance, distance)
    camera = Camera(eye, (0.0, height, 0.0), CANVAS_PX * _FACE_SHARE * distance / _FACE_WIDTH_M, CANVAS_PX, CANVAS_PX)
    room = make_room(rng, 3.0, distance + 1.5)
    actor = Actor(person, make_outfit(person, 0, outfit), pose)
    light = make_light(rng)
    light = dim(light, rng) if rng.random() < DARK_SHARE else light
    drawn = renderer.draw(camera, room, light, [actor], vignette=float(rng.uniform(0, 0.3)))
    (seen,) = observe(camera, drawn)
    if seen.face is None or seen.face_visibility < 0.3:
        return None
    picture, seen = _as_in_a_film(drawn.image, seen, lens, rng)
    nothing = np.zeros((0, 0, 3), np.uint8)
    return Sighting(number, number, who, outfit, seen, square_crop(picture, seen.face), nothing, nothing)


def _as_in_a_film(picture: U8, seen: Seen, lens: Lens, rng: np.random.Generator) -> tuple[U8, Seen]:
    """Shrink the picture to what a film's camera would have resolved, then blur, grain and compress it."""
    assert seen.face is not None
    width = float(np.exp(rng.uniform(np.log(_SMALLEST_PX), np.log(_LARGEST_PX))))
    factor = min(width / (seen.face[2] - seen.face[0]), 1.0)
    size = max(16, round(CANVAS_PX * factor))
    small = np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    person, head, face = (_scaled(box, size / CANVAS_PX) for box in (seen.person, seen.head, seen.face))
    return degrade(small, lens, rng), replace(seen, person=person, head=head, face=face)


def _scaled(box: Box | None, factor: float) -> Box | None:
    return None if box is None else (box[0] * factor, box[1] * factor, box[2] * factor, box[3] * factor)


def _pose(rng: np.random.Generator) -> Pose:
    """Mostly toward the camera, up to profile; expressions and gaze as people have them."""
    jaw, wide, press = random_mouth(rng)
    return Pose(
        x=0.0,
        z=0.0,
        heading=float(rng.normal(0, 0.35)),
        head_yaw=float(np.clip(rng.normal(0, 0.45), -1.0, 1.0)),
        head_pitch=float(np.clip(rng.normal(0.02, 0.16), -0.5, 0.6)),
        head_roll=float(rng.normal(0, 0.08)),
        mouth_open=jaw,
        mouth_wide=wide,
        mouth_press=press,
        blink=float(rng.random() < 0.06) * float(rng.uniform(0.5, 1)),
        smile=float(rng.normal(0.1, 0.45)),
        gaze_x=float(np.clip(rng.normal(0, 0.4), -1, 1)),
        gaze_y=float(np.clip(rng.normal(0, 0.3), -1, 1)),
    )
