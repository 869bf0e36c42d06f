"""Where the camera stands in a shot, where the people are, and what each does."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from synthetic.balance import camera_gains
from synthetic.camera import Camera
from synthetic.film.roles import Part, Role, draw_role, keep_inside
from synthetic.film.script import FPS, Script, Shot
from synthetic.film.view import HALF_FRAME_PX, CameraMove, View, draw_move
from synthetic.pose import head_height_m
from synthetic.room import Light, Room, make_light, make_room
from synthetic.staging import FACE_WIDTH_M
from synthetic.types import generator


@dataclass(frozen=True, slots=True)
class Optics:
    """Of a kind of shot: focal length and face width of the nearest person (pixels), depth of the farthest over theirs.

    `elbow_m` is the room each person needs beside the next, `reach` the share of the half frame they fill.
    """

    focal: tuple[float, float]
    face: tuple[float, float]
    spread: float
    elbow_m: float
    reach: float


OPTICS: Final = {
    "talk": Optics((1000, 1700), (72, 150), 1.18, 0.40, 0.66),
    "medium": Optics((850, 1400), (42, 80), 1.30, 0.55, 0.80),
    "wide": Optics((700, 950), (26, 44), 1.50, 0.55, 0.82),
    "behind": Optics((850, 1300), (32, 80), 1.50, 0.55, 0.80),
    "crowd": Optics((700, 950), (26, 42), 1.75, 0.42, 0.90),
    "small": Optics((650, 900), (10, 19), 1.35, 0.55, 0.80),
}
_FARTHEST_M: Final = 8.0
_SHUTTER: Final = 0.6
_DARK_EXPOSURE: Final = (0.24, 0.40)


@dataclass(frozen=True, slots=True)
class Take:
    """A shot ready to be drawn: who does what where, before which camera, and what lens and film do to the picture."""

    shot: Shot
    roles: tuple[Role, ...]
    room: Room
    light: Light
    camera: Camera
    move: CameraMove
    gains: tuple[float, float, float]
    blur_px: float
    noise: float
    vignette: float

    @property
    def still(self) -> bool:
        """Whether the camera does not move."""
        return self.move.kind == "still"

    def camera_at(self, frame: int) -> Camera:
        """Return the camera at a frame of the shot (0-based; before 0 and past the end for dissolves)."""
        return self.move.at(self.camera, frame / FPS, (self.shot.end - self.shot.start) / FPS)

    def smear_at(self, frame: int) -> tuple[float, float]:
        """Return how the picture moves while the shutter is open at a frame: angle in radians, length in pixels."""
        if self.still:
            return 0.0, 0.0
        now, soon = self.camera_at(frame), self.camera_at(frame + 1)
        at = now.project(np.array([now.target, soon.target], np.float32))[:, :2]
        dx, dy = (float(v) for v in at[1] - at[0])
        return float(np.arctan2(dy, dx)), _SHUTTER * float(np.hypot(dx, dy))


def block_shot(script: Script, shot: Shot, movers: frozenset[int] = frozenset()) -> Take:
    """Stage a shot; the room and its light belong to the scene, all else to the shot.

    Args:
        script: the film.
        shot: one of its shots.
        movers: cast numbers whose mouths move with speech; they stay in the frame and mostly face the camera.
    """
    room, light = scene_set(script, shot.scene)
    rng = generator(script.spec.cast_seed, script.spec.seed, 302, shot.number)
    optics = OPTICS[shot.kind]
    focal = float(rng.uniform(*optics.focal))
    near = _nearest(rng, optics, focal, len(shot.people))
    people = [script.cast[k] for k in shot.people]
    sit = 1.0 if shot.kind in ("talk", "medium") and rng.random() < 0.2 else 0.0
    heads = [head_height_m(p) - 0.27 * p.build.height_m * sit for p in people]
    angle = float(rng.normal(0, 0.3))
    distance = min(near, 5.5) * float(rng.uniform(0.75, 1.0))
    view = View(distance * float(np.sin(angle)), distance * float(np.cos(angle)), angle, focal)
    camera = _aim(rng, view, shot.kind, near, heads)
    spots = _spots(rng, optics, near, [k in shot.shown for k in shot.people])
    seconds = (shot.end - shot.start) / FPS
    roles = []
    for person, spot in zip(shot.people, spots, strict=True):
        part = Part(person, script.cast[person], person in shot.shown, person in movers)
        role = draw_role(rng, shot.kind, seconds, view, spot, part, sit)
        roles.append(keep_inside(role, room.half_width, room.half_depth))
    soft = rng.random() < 0.12
    return Take(
        shot=shot,
        roles=tuple(roles),
        room=room,
        light=light,
        camera=camera,
        move=draw_move(rng, view, near),
        gains=camera_gains(rng),
        blur_px=float(rng.uniform(1.0, 1.9) if soft else rng.uniform(0.45, 0.8)),
        noise=float(rng.uniform(0.25, 0.6) if script.scenes[shot.scene].dark else rng.uniform(0, 0.3)),
        vignette=float(rng.uniform(0, 0.8)),
    )


def scene_set(script: Script, scene: int) -> tuple[Room, Light]:
    """Build the room of a scene and its light."""
    rng = generator(script.spec.cast_seed, script.spec.seed, 301, scene)
    room = make_room(rng, float(rng.uniform(6.5, 9)), float(rng.uniform(7, 9)))
    light = make_light(rng)
    if script.scenes[scene].dark:
        light = replace(light, exposure=float(rng.uniform(*_DARK_EXPOSURE)))
    return room, light


def _nearest(rng: np.random.Generator, optics: Optics, focal: float, count: int) -> float:
    """Draw the distance in metres of the nearest person, far enough that all fit side by side."""
    face = float(np.exp(rng.uniform(*np.log(optics.face))))
    fits = count * optics.elbow_m * focal / (2 * HALF_FRAME_PX * optics.reach)
    return min(max(focal * FACE_WIDTH_M / face, fits), _FARTHEST_M)


def _aim(rng: np.random.Generator, view: View, kind: str, near: float, heads: list[float]) -> Camera:
    middle = (min(heads) + max(heads)) / 2
    half_view = near * 360 / view.focal
    eye_y = middle + rng.uniform(-0.08, 0.15) if kind == "talk" else rng.uniform(1.2, 2.1)
    if kind == "crowd":
        # From above the heads, so that the second row is seen over the first.
        eye_y = rng.uniform(1.8, 2.5)
    drop = rng.uniform(0.05, 0.3) * half_view if half_view < 0.8 else rng.uniform(0.15, 0.35) * half_view
    x, z = view.place(0.0, near)
    return Camera((view.x, float(eye_y), view.z), (x, float(max(middle - drop, 0.6)), z), view.focal)


def _spots(rng: np.random.Generator, optics: Optics, near: float, shown: list[bool]) -> list[tuple[float, float]]:
    """Place in the frame (-1..1) and depth of each person: spread evenly, in two rows where it is crowded.

    Those who are to be `shown` come to the front.
    """
    count = len(shown)
    reach = min(optics.reach, 0.2 + 0.2 * count)
    slots = ((np.arange(count) + rng.uniform(0.35, 0.65, count)) / count * 2 - 1) * reach
    share = rng.uniform(0, 1, count)
    if count > 6:
        share = (share + np.arange(count) % 2) / 2
    order = rng.permutation(count)
    slots, share = slots[order], share[order]
    share = np.where(shown, 0.3 * share, share)
    return [(float(s), near * (1 + (optics.spread - 1) * float(d))) for s, d in zip(slots, share, strict=True)]
