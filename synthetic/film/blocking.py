"""Where the camera stands in a shot, where the people are, and what each does."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from synthetic.camera import Camera
from synthetic.film.script import FPS, Script, Shot
from synthetic.identity import Identity
from synthetic.pose import head_height_m
from synthetic.room import Light, Room, make_light, make_room
from synthetic.staging import FACE_WIDTH_M
from synthetic.types import generator

# Per kind of shot: focal length (px), face width (px) of the nearest person.
_OPTICS: Final = {
    "talk": ((1000, 1700), (72, 150)),
    "medium": ((850, 1400), (40, 78)),
    "wide": ((700, 950), (24, 42)),
    "behind": ((850, 1300), (40, 100)),
}
_HALF_FRAME: Final = 640.0


@dataclass(frozen=True, slots=True)
class Role:
    """What one person does in a shot. Metres, radians, seconds from the start of the shot.

    `action` is "stand", "walk" (along `heading` at `speed`) or "turn" (from `heading` to `heading_to` in `turn_s`).
    """

    person: int
    action: str
    x: float
    z: float
    heading: float
    speed: float = 0.0
    heading_to: float = 0.0
    turn_s: tuple[float, float] = (1.0, 2.0)
    sit: float = 0.0
    look: float = 0.0
    swing: float = 0.15
    period_s: float = 4.0
    offset: float = 0.0
    smile: float = 0.0
    chews: bool = False
    gesture: float = 0.0


@dataclass(frozen=True, slots=True)
class Take:
    """A shot ready to be drawn."""

    shot: Shot
    roles: tuple[Role, ...]
    room: Room
    light: Light
    camera: Camera
    pan: tuple[float, float]
    zoom: float
    blur_px: float
    noise: float
    vignette: float

    @property
    def still(self) -> bool:
        """Whether the camera does not move."""
        return self.pan == (0.0, 0.0) and self.zoom == 1.0

    def camera_at(self, frame: int) -> Camera:
        """Return the camera at a frame of the shot (0-based)."""
        if self.still:
            return self.camera
        t = frame / max(self.shot.end - self.shot.start - 1, 1)
        t = t * t * (3 - 2 * t)
        x, y, z = self.camera.target
        return replace(
            self.camera,
            target=(x + self.pan[0] * t, y, z + self.pan[1] * t),
            focal_px=self.camera.focal_px * self.zoom**t,
        )


def block_shot(script: Script, shot: Shot) -> Take:
    """Stage a shot; the room and its light belong to the scene, all else to the shot."""
    scene_rng = generator(script.spec.cast_seed, script.spec.seed, 301, shot.scene)
    room = make_room(scene_rng, float(scene_rng.uniform(6.5, 9)), float(scene_rng.uniform(7, 9)))
    light = make_light(scene_rng)
    rng = generator(script.spec.cast_seed, script.spec.seed, 302, shot.number)
    focal_range, face_range = _OPTICS[shot.kind]
    focal = float(rng.uniform(*focal_range))
    near = focal * FACE_WIDTH_M / float(np.exp(rng.uniform(*np.log(face_range))))
    people = [script.cast[k] for k in shot.people]
    sit = 1.0 if shot.kind in ("talk", "medium") and rng.random() < 0.2 else 0.0
    heads = [head_height_m(p) - 0.27 * p.build.height_m * sit for p in people]
    angle = float(rng.normal(0, 0.35))
    eye = np.array([np.sin(angle), 0, np.cos(angle)]) * min(near, 5.5) * rng.uniform(0.7, 1.0)
    view = _View(eye, angle, focal)
    camera = _camera(rng, view, shot.kind, near, heads)
    spots = _spots(rng, len(people), near, shot.kind)
    roles = tuple(
        _role(rng, k, shot, view, spot, sit, script.cast[k]) for k, spot in zip(shot.people, spots, strict=True)
    )
    pan, zoom = _move(rng, view, near)
    return Take(
        shot,
        roles,
        room,
        light,
        camera,
        pan,
        zoom,
        float(rng.uniform(0.45, 0.8)),
        float(rng.uniform(0, 0.22)),
        float(rng.uniform(0, 0.8)),
    )


@dataclass(frozen=True, slots=True)
class _View:
    eye: np.ndarray
    angle: float
    focal: float

    def place(self, fraction: float, depth: float) -> tuple[float, float]:
        """World x, z of a point at `fraction` of the half frame (right positive) and `depth` metres away."""
        right = np.array([np.cos(self.angle), 0, -np.sin(self.angle)])
        forward = -np.array([np.sin(self.angle), 0, np.cos(self.angle)])
        at = self.eye + forward * depth + right * fraction * _HALF_FRAME / self.focal * depth
        return float(at[0]), float(at[2])

    def toward(self, x: float, z: float) -> float:
        """Heading of somebody at x, z who looks at the camera."""
        return float(np.arctan2(self.eye[0] - x, self.eye[2] - z))


def _camera(rng: np.random.Generator, view: _View, kind: str, near: float, heads: list[float]) -> Camera:
    middle = (min(heads) + max(heads)) / 2
    half_view = near * 360 / view.focal
    eye_y = middle + rng.uniform(-0.08, 0.15) if kind == "talk" else rng.uniform(1.2, 2.1)
    drop = rng.uniform(0.05, 0.3) * half_view if half_view < 0.8 else rng.uniform(0.15, 0.35) * half_view
    x, z = view.place(0.0, near)
    return Camera(
        (float(view.eye[0]), float(eye_y), float(view.eye[2])), (x, float(max(middle - drop, 0.6)), z), view.focal
    )


def _spots(rng: np.random.Generator, count: int, near: float, kind: str) -> list[tuple[float, float]]:
    """Place in the frame (-1..1) and depth of each person; evenly spread so that nobody starts hidden."""
    reach = 0.55 if kind == "talk" and count <= 2 else 0.78
    slots = ((np.arange(count) + rng.uniform(0.35, 0.65, count)) / count * 2 - 1) * reach
    rng.shuffle(slots)
    spread = {"talk": 1.18, "medium": 1.35, "wide": 1.5, "behind": 1.5}[kind]
    depths = near * rng.uniform(1.0, spread, count)
    return [(float(s), float(d)) for s, d in zip(slots, depths, strict=True)]


def _role(
    rng: np.random.Generator, person: int, shot: Shot, view: _View, spot: tuple[float, float], sit: float, who: Identity
) -> Role:
    x, z = view.place(*spot)
    toward = view.toward(x, z)
    role = Role(
        person=person,
        action="stand",
        x=x,
        z=z,
        heading=toward + float(rng.normal(0, 0.3)),
        sit=sit,
        look=float(rng.normal(0, 0.12)),
        swing=float(rng.uniform(0.05, 0.3)),
        period_s=float(rng.uniform(2.5, 6)),
        offset=float(rng.uniform(0, 6)),
        smile=float(rng.normal(0.15, 0.4)),
        chews=bool(rng.random() < 0.1),
        gesture=float(rng.uniform(0, 1)),
    )
    seconds = (shot.end - shot.start) / FPS
    speed = float(rng.uniform(0.9, 1.4)) * who.build.height_m / 1.7
    if shot.kind == "behind":
        return (
            _leave(rng, role, toward, speed)
            if rng.random() < 0.35
            else replace(role, heading=toward + np.pi + float(rng.normal(0, 0.35)))
        )
    if shot.kind != "wide":
        return role
    choice = rng.random()
    if choice < 0.45:
        return _cross(rng, role, view, spot, speed, seconds)
    if choice < 0.65:
        return _leave(rng, role, toward, speed)
    if choice < 0.8:
        return replace(
            role,
            action="turn",
            heading=toward + np.pi * float(rng.choice([-1, 1])) * float(rng.uniform(0.6, 1.0)),
            heading_to=toward,
        )
    return role


def _cross(
    rng: np.random.Generator, role: Role, view: _View, spot: tuple[float, float], speed: float, seconds: float
) -> Role:
    """Walk across the frame, in from one side and perhaps out at the other."""
    side = float(rng.choice([-1, 1]))
    depth = spot[1] * float(rng.uniform(0.85, 1.2))
    x0, z0 = view.place(-side * float(rng.uniform(0.75, 1.12)), depth)
    x1, z1 = view.place(side, depth * float(rng.uniform(0.85, 1.2)))
    return replace(role, action="walk", x=x0, z=z0, heading=float(np.arctan2(x1 - x0, z1 - z0)), speed=speed, sit=0.0)


def _leave(rng: np.random.Generator, role: Role, toward: float, speed: float) -> Role:
    """Walk away from the camera."""
    return replace(
        role, action="walk", heading=toward + np.pi + float(rng.normal(0, 0.25)), speed=0.75 * speed, sit=0.0
    )


def _move(rng: np.random.Generator, view: _View, near: float) -> tuple[tuple[float, float], float]:
    """Slow pan (metres the target moves in x and z) and zoom factor; most shots stand still."""
    kind = rng.random()
    if kind < 0.6:
        return (0.0, 0.0), 1.0
    if kind < 0.8:
        return (0.0, 0.0), float(rng.uniform(1.04, 1.16))
    shift = float(rng.choice([-1, 1])) * 0.12 * near * _HALF_FRAME / view.focal
    return (shift * float(np.cos(view.angle)), -shift * float(np.sin(view.angle))), 1.0
