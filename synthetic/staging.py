"""Where people stand: random independent frames for training, from close-ups to wide shots."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from synthetic.body import Actor
from synthetic.camera import Camera
from synthetic.identity import Identity
from synthetic.outfit import make_outfit
from synthetic.pose import Pose, head_height_m
from synthetic.room import Light, Room, make_light, make_room

FACE_WIDTH_M: Final = 0.15
# (probability, smallest and largest face width in pixels of the nearest person)
SHOT_SIZES: Final = ((0.42, 80.0, 220.0), (0.38, 45.0, 110.0), (0.20, 26.0, 56.0))


@dataclass(frozen=True, slots=True)
class Stage:
    """All that is needed to draw one frame."""

    camera: Camera
    room: Room
    light: Light
    actors: list[Actor]
    vignette: float


def random_stage(rng: np.random.Generator, people: list[Identity], outfits: list[int]) -> Stage:
    """Put the people into a random room before a random camera; outfit numbers are 0..3."""
    focal = float(np.exp(rng.uniform(np.log(700), np.log(1900))))
    size = rng.choice(len(SHOT_SIZES), p=[s[0] for s in SHOT_SIZES])
    widest = float(np.exp(rng.uniform(*np.log(SHOT_SIZES[size][1:]))))
    near = max(focal * FACE_WIDTH_M / widest, 0.55)
    spots = _spots(rng, len(people), near, focal)
    camera, spots_world = _aim(rng, people, near, focal, spots, close=size == 0)
    actors = [
        Actor(person, make_outfit(person, 0, number), _random_pose(rng, person, x, z, camera))
        for person, number, (x, z) in zip(people, outfits, spots_world, strict=True)
    ]
    reach = max(max(abs(x) for x, _ in spots_world), 1.0) + rng.uniform(0.8, 3.0)
    far = max(-z for _, z in spots_world) + rng.uniform(0.6, 4.0)
    room = make_room(rng, float(reach + 0.8), float(max(far, camera.eye[2] + 0.8, 2.5)))
    return Stage(camera, room, make_light(rng), actors, float(rng.uniform(0.0, 0.9)))


def _spots(rng: np.random.Generator, count: int, near: float, focal: float) -> list[tuple[float, float]]:
    """Lateral place (share of the half frame) and distance in metres of each person; spread so that few are hidden."""
    slots = (np.arange(count) + rng.uniform(0.25, 0.75, count)) / count * 1.84 - 0.92
    rng.shuffle(slots)
    depths = near * np.exp(rng.uniform(0, np.log(2.0), count))
    depths[0] = near
    # Two bodies cannot stand in one place: push later ones back where they would touch.
    for k in range(1, count):
        for j in range(k):
            gap = abs(slots[k] - slots[j]) * 640 / focal * depths[k]
            if gap < 0.45 and abs(depths[k] - depths[j]) < 0.35:
                depths[k] = depths[j] + 0.45
    return [(float(s), float(d)) for s, d in zip(slots, depths, strict=True)]


def _aim(
    rng: np.random.Generator,
    people: list[Identity],
    near: float,
    focal: float,
    spots: list[tuple[float, float]],
    *,
    close: bool,
) -> tuple[Camera, list[tuple[float, float]]]:
    heads = [head_height_m(p) for p in people]
    middle = float(np.mean(heads))
    eye_y = middle + rng.uniform(-0.15, 0.2) if close else rng.uniform(1.1, 2.5)
    eye_z = near * 0.5
    half_view = near * 360 / focal
    # Close: heads in the upper half of the frame. Wide: whole bodies, so aim lower.
    drop = rng.uniform(0.0, 0.5) * half_view if half_view < 0.9 else rng.uniform(0.2, 0.75)
    mean_depth = float(np.mean([d for _, d in spots]))
    target = (0.0, middle - drop, eye_z - mean_depth if not close else eye_z - near)
    camera = Camera((0.0, float(eye_y), float(eye_z)), target, focal)
    world = [(fraction * 640 / focal * depth, eye_z - depth) for fraction, depth in spots]
    return camera, world


def _random_pose(rng: np.random.Generator, person: Identity, x: float, z: float, camera: Camera) -> Pose:
    toward = float(np.arctan2(camera.eye[0] - x, camera.eye[2] - z))
    if rng.random() < 0.78:
        heading, head_yaw = toward + rng.normal(0, 0.65), rng.normal(0, 0.35)
    else:
        heading, head_yaw = rng.uniform(-np.pi, np.pi), rng.normal(0, 0.3)
    walking = rng.random() < 0.4
    arms = rng.uniform(0, 1.1, 2) * (rng.random(2) < 0.3)
    return Pose(
        x=x,
        z=z,
        heading=float(heading),
        head_yaw=float(np.clip(head_yaw, -1.1, 1.1)),
        head_pitch=float(np.clip(rng.normal(0.02, 0.16), -0.5, 0.6)),
        head_roll=float(rng.normal(0, 0.08)),
        phase=float(rng.uniform(0, 6.28)),
        stride=float(rng.uniform(0.4, 0.9)) if walking else 0.0,
        lean=float(rng.normal(0.03, 0.04)),
        sit=0.0 if walking or rng.random() < 0.93 else 1.0,
        arm_left=float(arms[0]),
        arm_right=float(arms[1]),
        elbow_left=float(rng.uniform(0.1, 1.5)),
        elbow_right=float(rng.uniform(0.1, 1.5)),
        mouth_open=float(max(0, rng.normal(0.1, 0.3))) if rng.random() < 0.5 else 0.0,
        blink=float(rng.random() < 0.06) * float(rng.uniform(0.5, 1)),
        smile=float(rng.normal(0.1, 0.45)),
        gaze_x=float(np.clip(rng.normal(0, 0.4), -1, 1)),
        gaze_y=float(np.clip(rng.normal(0, 0.3), -1, 1)),
    )
