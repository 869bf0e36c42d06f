"""Where people stand: frames of one scene from many cameras, from close-ups to crowds far away."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from synthetic.body import Actor
from synthetic.camera import Camera
from synthetic.identity import Identity
from synthetic.outfit import Outfit
from synthetic.pose import Pose, head_height_m
from synthetic.room import Light, Room, make_light, make_room
from synthetic.types import F64

FACE_WIDTH_M: Final = 0.15
DARK_SHARE: Final = 0.14
"""Share of scenes that are dark."""

# (kind, smallest and largest face width in pixels of the nearest person)
CLOSE: Final = ("close", 80.0, 220.0)
MEDIUM: Final = ("medium", 42.0, 105.0)
WIDE: Final = ("wide", 24.0, 54.0)
FAR: Final = ("far", 13.0, 26.0)
Shot = tuple[str, float, float]

_HALF_VIEW: Final = 640.0
_FEWEST_FOCAL, _MOST_FOCAL = 620.0, 1900.0
_WALL_M: Final = 0.45
_APART_M: Final = 0.45


@dataclass(frozen=True, slots=True)
class Set:
    """What the frames of one scene share: room, light, how dark the corners are."""

    room: Room
    light: Light
    vignette: float


@dataclass(frozen=True, slots=True)
class Stage:
    """All that is needed to draw one frame."""

    camera: Camera
    room: Room
    light: Light
    actors: list[Actor]
    vignette: float


def make_set(rng: np.random.Generator, *, dark: bool) -> Set:
    """Draw the room and the light of a scene; rooms reach from 7 by 9 metres to halls of 18 by 24."""
    size = float(rng.choice([3.5, 5.5, 9.0], p=[0.4, 0.4, 0.2])) * float(rng.uniform(0.9, 1.15))
    room = make_room(rng, size, size * float(rng.uniform(1.1, 1.4)))
    light = make_light(rng)
    return Set(room, dim(light, rng) if dark else light, float(rng.uniform(0.0, 0.9)))


def dim(light: Light, rng: np.random.Generator) -> Light:
    """Take most of the light of a scene away."""
    return replace(light, exposure=float(rng.uniform(0.2, 0.42)))


def stage_frame(
    rng: np.random.Generator, place: Set, people: Sequence[tuple[Identity, Outfit]], *, room_for_all: bool = False
) -> Stage:
    """Put dressed people into the set before a random camera.

    Args:
        rng: source of chance.
        place: where.
        people: who, and what each wears.
        room_for_all: never come so close that most of them would be hidden or cut off (for crowds).
    """
    shot = _choose_shot(rng, len(people), room_for_all)
    depth_m = 2 * place.room.half_depth - 2 * _WALL_M
    focal, near = _distance(rng, shot, depth_m)
    spots = _spots(rng, len(people), near, focal, depth_m)
    camera, spots = _aim(rng, [person for person, _ in people], near, focal, spots, close=shot is CLOSE)
    camera, spots = _turn(rng, place.room, camera, spots)
    actors = [
        Actor(person, outfit, random_pose(rng, float(x), float(z), camera))
        for (person, outfit), (x, z) in zip(people, spots, strict=True)
    ]
    return Stage(camera, place.room, place.light, actors, place.vignette)


def _choose_shot(rng: np.random.Generator, count: int, crowd: bool) -> Shot:
    if crowd or count > 6:
        shots, p = (MEDIUM, WIDE, FAR), (0.25, 0.55, 0.20)
    elif count <= 3:
        shots, p = (CLOSE, MEDIUM, WIDE), (0.55, 0.33, 0.12)
    else:
        shots, p = (CLOSE, MEDIUM, WIDE, FAR), (0.24, 0.40, 0.26, 0.10)  # type: ignore[assignment]
    return shots[int(rng.choice(len(shots), p=p))]


def _distance(rng: np.random.Generator, shot: Shot, depth_m: float) -> tuple[float, float]:
    """Choose focal length (pixels) and distance of the nearest person (metres) that fit the room."""
    _, least, most = shot
    widest = float(np.exp(rng.uniform(np.log(least), np.log(most))))
    focal = float(np.exp(rng.uniform(np.log(_FEWEST_FOCAL), np.log(_MOST_FOCAL))))
    near = max(focal * FACE_WIDTH_M / widest, 0.55)
    farthest = 0.6 * depth_m
    if near > farthest:
        near, focal = farthest, max(farthest * widest / FACE_WIDTH_M, _FEWEST_FOCAL)
    return focal, near


def _spots(rng: np.random.Generator, count: int, near: float, focal: float, depth_m: float) -> F64:
    """Places float64[count, 2] before a camera at the origin: metres to the right, metres away."""
    slots = (np.arange(count) + rng.uniform(0.25, 0.75, count)) / count * 1.84 - 0.92
    rng.shuffle(slots)
    farthest = min(near * 2.2 + 1.0, depth_m - 0.2)
    depths = near * np.exp(rng.uniform(0, np.log(max(farthest / near, 1.01)), count))
    depths[0] = near
    # Two bodies cannot stand in one place: push later ones back where they would touch.
    for k in range(1, count):
        for j in range(k):
            gap = abs(slots[k] - slots[j]) * _HALF_VIEW / focal * depths[k]
            if gap < _APART_M and abs(depths[k] - depths[j]) < 0.35:
                depths[k] = depths[j] + _APART_M
    return np.stack([slots * _HALF_VIEW / focal * depths, depths], 1)


def _aim(
    rng: np.random.Generator, people: list[Identity], near: float, focal: float, spots: F64, *, close: bool
) -> tuple[Camera, F64]:
    """Place the camera at the origin, looking towards -z; returns it and world places float64[N, 2] (x, z)."""
    middle = float(np.mean([head_height_m(p) for p in people]))
    eye_y = middle + rng.uniform(-0.15, 0.2) if close else rng.uniform(1.1, 2.6)
    half_view = near * 360 / focal
    # Close: heads in the upper half of the frame. Wide: whole bodies, so aim lower.
    drop = rng.uniform(0.0, 0.5) * half_view if half_view < 0.9 else rng.uniform(0.2, 0.75)
    away = near if close else float(spots[:, 1].mean())
    camera = Camera((0.0, float(eye_y), 0.0), (0.0, float(middle - drop), -away), focal)
    return camera, spots * np.array([1.0, -1.0])


def _turn(rng: np.random.Generator, room: Room, camera: Camera, spots: F64) -> tuple[Camera, F64]:
    """Turn and shift camera and people together, to anywhere in the room where all of them fit."""
    points = np.concatenate([[[0.0, 0.0]], spots, [[camera.target[0], camera.target[2]]]])
    half = np.array([room.half_width, room.half_depth]) - _WALL_M
    turned = points
    for angle in [*rng.normal(0, 0.9, 6), 0.0]:
        c, s = np.cos(angle), np.sin(angle)
        turned = points @ np.array([[c, -s], [s, c]])
        low, high = turned[:-1].min(0), turned[:-1].max(0)
        if (high - low <= 2 * half).all():
            turned = turned + rng.uniform(-half - low, half - high)
            break
    else:
        # Nothing fits: stand in the middle of the room, those at the edges a little closer together.
        turned = np.clip(points - (points[:-1].min(0) + points[:-1].max(0)) / 2, -half, half)
    eye, target = turned[0], turned[-1]
    moved = replace(
        camera,
        eye=(float(eye[0]), camera.eye[1], float(eye[1])),
        target=(float(target[0]), camera.target[1], float(target[1])),
    )
    return moved, turned[1:-1]


def random_pose(rng: np.random.Generator, x: float, z: float, camera: Camera) -> Pose:
    """Draw a pose at a place: mostly turned towards the camera, walking, standing or seated, talking or not."""
    toward = float(np.arctan2(camera.eye[0] - x, camera.eye[2] - z))
    if rng.random() < 0.72:
        heading, head_yaw = toward + rng.normal(0, 0.65), rng.normal(0, 0.35)
    else:
        heading, head_yaw = rng.uniform(-np.pi, np.pi), rng.normal(0, 0.3)
    walking = rng.random() < 0.4
    jaw, wide, press = random_mouth(rng)
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
        mouth_open=jaw,
        mouth_wide=wide,
        mouth_press=press,
        blink=float(rng.random() < 0.06) * float(rng.uniform(0.5, 1)),
        smile=float(rng.normal(0.1, 0.45)),
        gaze_x=float(np.clip(rng.normal(0, 0.4), -1, 1)),
        gaze_y=float(np.clip(rng.normal(0, 0.3), -1, 1)),
    )


def random_mouth(rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw jaw (0..1), width (-1..1) and press (0..1) of a mouth: half are at rest, the others caught in a sound."""
    if rng.random() < 0.5:
        return 0.0, 0.0, 0.0
    if rng.random() < 0.2:
        return 0.0, float(rng.uniform(-0.2, 0.4)), float(rng.uniform(0.4, 1.0))
    return float(max(0.0, rng.normal(0.2, 0.3))), float(np.clip(rng.normal(0, 0.5), -1, 1)), 0.0
